"""Worked examples of where an effect is larger: one planted, and one whose average was published."""

import numpy as np

from analyses import Covariate, Question, Trial
from analyses.heterogeneity.calibration import calibration
from analyses.heterogeneity.design import design
from analyses.heterogeneity.learners import effect_line
from analyses.heterogeneity.policy import policy_value
from analyses.heterogeneity.scores import scores
from analyses.heterogeneity.segments import put_to_test, suggestions
from tests.methods.showing import show


def planted() -> Trial:
    """20,000 customers; the arm moves the CPI by .3, and by 1 more on the mobiles of new customers."""
    rng = np.random.default_rng(20261122)
    n = 20_000
    device, policies = rng.integers(0, 3, n), rng.poisson(1.0, n).astype(float)
    treated = rng.random(n) < 0.5
    cpi = 2.0 + treated * (0.3 + ((device == 1) & (policies < 1))) + rng.normal(size=n)
    return Trial(
        treated=treated,
        cpi=cpi,
        kpi=10.0 + 0.5 * cpi + 0.4 * policies + rng.normal(size=n),
        strata=np.ones(n, dtype=np.int32),
        discovery=rng.random(n) < 0.5,
        covariates=(
            Covariate(name="device", values=device.astype(float), levels=("desktop", "mobile", "tablet")),
            Covariate(name="policies before", values=policies),
            Covariate(name="age", values=rng.normal(40.0, 10.0, n)),
        ),
        units=n,
    )


def halves(trial):
    """Covariates and scores of either half, the one that proposes under True."""
    matrix = design(trial).matrix
    found = {}
    for which in (True, False):
        half = trial.at(trial.discovery == which)
        by_name = {one.name: one for one in half.covariates}
        found[which] = (by_name, scores(half, matrix[trial.discovery == which]))
    return found


def for_whom() -> None:
    """Planted: the effect on the CPI is 1 larger on the mobiles of new customers; a slope of .5 for all."""
    question = Question(cpi_step=1.0, kpi_sign=1, smallest_slope=None, bound=None, alpha=0.05)
    both = halves(planted())
    covariates, found = both[True]
    (first, *_) = put_to_test(suggestions(tuple(covariates.values()), found), both, question)
    show(first.words, first.differs_in.value, "held up", first.held_up)
    for name, half in (("discovery", first.discovery), ("confirmation", first.confirmation)):
        apart = half.cpi.difference
        show(name, apart.value, (apart.interval.lower, apart.interval.upper))
        show(f"{name}, slopes", *(f"{one.segment} {one.estimate:.3f}" for one in half.slopes.slopes))


def targeting() -> None:
    """Planted as above: what is it worth to treat that segment alone? .37 / 3 × 1.3 × .5 = .08."""
    covariates, found = halves(planted())[False]
    chosen = (covariates["device"].values == 1) & (covariates["policies before"].values < 1)
    value = policy_value("mobiles of new customers", chosen, found.kpi, alpha=0.05)
    for name, one in (("over treating none", value.over_none), ("over treating all", value.over_all)):
        show(name, one.value, (one.interval.lower, one.interval.upper))
    told = calibration(0.5 * (0.3 + chosen), found.kpi, alpha=0.05).best_line.slope
    show("slope of scores over the true effects", told.value, (told.interval.lower, told.interval.upper))


def effect_lines() -> None:
    """Thornton (2008): a voucher and fetching one's HIV result; published on average .431 (.023)."""
    import causaldata

    data = causaldata.thornton_hiv.load_pandas().data.dropna(subset=["got", "any", "age", "distvct"])
    got = data.got.to_numpy(float)
    trial = Trial(
        treated=data["any"].to_numpy() == 1.0,
        cpi=got,
        kpi=got,
        strata=np.ones(len(data), dtype=np.int32),
        discovery=np.ones(len(data), dtype=bool),
        covariates=(
            Covariate(name="age", values=data.age.to_numpy(float)),
            Covariate(name="kilometres to the centre", values=data.distvct.to_numpy(float)),
        ),
        units=len(data),
    )
    drawn = design(trial)
    line = effect_line(trial, got, drawn.matrix, seed=0, alpha=0.05)
    show("share of fetchers, average effect", line.centre.value, "std error", line.centre.std_error)
    for term, one in zip(drawn.terms, line.terms, strict=True):
        show(f"a standard deviation of {term.words}", one.value, (one.interval.lower, one.interval.upper))


FOR_WHOM = {"for-whom": for_whom, "targeting": targeting, "effect-lines": effect_lines}
