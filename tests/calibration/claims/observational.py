"""Do estimates from unrandomised data cover planted slopes, where the drawn graph is right?"""

from collections.abc import Callable

import numpy as np

from analyses import (
    AdjustedSlope,
    CausalGraph,
    Comparison,
    Identification,
    ImpliedIndependences,
    NotEstimable,
    Overlap,
    RefuterKind,
    Sample,
    Sensitivity,
    Strategy,
    adjusted_slope,
    against_randomised,
    doubly_learned,
    identify,
    implied_independences,
    overlap,
    refuted,
    sensitivity,
)
from analyses.observational.estimate import estimated
from tests.analyses.observational.planted import (
    BACKDOOR,
    FRONT_DOOR,
    INSTRUMENT,
    TRUE,
    backdoor,
    curved,
    front_door,
    graph,
    instrument,
    sample,
)
from tests.calibration.claims.claim import COVERED, FALSE, Claim, Try

TENURE = ("tenure", "plan")
HIDDEN = graph({"kpi": ["cpi", "plan"], "cpi": ["plan"]}, known=["plan"])


def covers(found: AdjustedSlope | NotEstimable) -> bool | None:
    """Whether the interval holds the truth."""
    if isinstance(found, NotEstimable):
        return None
    lower, upper = found.value.interval.lower, found.value.interval.upper
    return lower is not None and upper is not None and lower <= TRUE <= upper


def way(drawn: CausalGraph) -> Strategy:
    found = identify(drawn)
    if not isinstance(found, Identification):
        raise TypeError(found.detail)
    return found.strategies[0]


def by_graph(draw: Callable[[np.random.Generator, int], Sample], drawn: CausalGraph, units: int) -> Try:
    kept: list[Strategy] = []

    def attempt(seed: int) -> bool | None:
        if not kept:
            kept.append(way(drawn))
        return covers(estimated(draw(np.random.default_rng(seed), units), "cpi", "kpi", kept[0]))

    return attempt


def weak(rng: np.random.Generator, units: int) -> Sample:
    """An instrument with an expected first-stage F of about 10 at 1,000 units."""
    return instrument(rng, units, strength=0.14)


def learned(draw: Callable[[np.random.Generator, int], Sample], units: int) -> Try:
    def attempt(seed: int) -> bool | None:
        data = draw(np.random.default_rng(seed), units)
        return covers(doubly_learned(data, "cpi", "kpi", TENURE, seed=1))

    return attempt


def trimmed(seed: int) -> bool | None:
    """Two groups that overlap in part; the slope is the same for all, so that trimming loses nothing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=1500)
    cpi = (1.5 * x + rng.logistic(size=1500) > 0).astype(float)
    data = sample(cpi=cpi, kpi=TRUE * cpi + x + rng.normal(size=1500), x=x)
    alike = overlap(data, "cpi", ["x"])
    if not isinstance(alike, Overlap):
        return None
    return covers(adjusted_slope(data.only(alike.kept > 0), "cpi", "kpi", ["x"]))


def many_covariates(seed: int) -> bool | None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(600, 200))
    cpi = x[:, 0] + rng.normal(size=600)
    kpi = TRUE * cpi - x[:, 0] + rng.normal(size=600) * (0.5 + np.abs(x[:, 1]))
    names = [f"x{at}" for at in range(200)]
    data = Sample(columns=("cpi", "kpi", *names), rows=np.column_stack([cpi, kpi, x]))
    return covers(adjusted_slope(data, "cpi", "kpi", names))


def contradicted(seed: int) -> bool | None:
    """A right graph, named wrong."""
    rng = np.random.default_rng(seed)
    drawn = graph({"kpi": ["cpi", "x"], "cpi": ["x", "z"], "w": ["z"]}, known=["x", "z", "w"])
    x, z, a, b, c = rng.normal(size=(5, 1000))
    cpi = x + z + a
    found = implied_independences(drawn, sample(cpi=cpi, kpi=cpi - x + b, x=x, z=z, w=z + c))
    return bool(found.contradicted) if isinstance(found, ImpliedIndependences) else None


def named(seed: int) -> bool | None:
    """A graph without an arrow of strength .15 from a covariate to the KPI."""
    rng = np.random.default_rng(seed)
    x, a, b = rng.normal(size=(3, 1000))
    cpi = x + a
    drawn = graph({"kpi": ["cpi"], "cpi": ["x"]}, known=["x"])
    found = implied_independences(drawn, sample(cpi=cpi, kpi=cpi + 0.2 * x + b, x=x))
    return ("kpi", "x") in found.contradicted if isinstance(found, ImpliedIndependences) else None


def wrong_sign(seed: int) -> AdjustedSlope:
    """Tenure is left out: waiting seems to pay."""
    found = adjusted_slope(backdoor(np.random.default_rng(seed), 1000), "cpi", "kpi", ["plan"])
    if isinstance(found, NotEstimable):
        raise TypeError(found.detail)
    return found


def told_by_experiment(seed: int) -> bool | None:
    """An experiment with a standard error of .1 stands beside it."""
    one = wrong_sign(seed).value
    slope = TRUE + 0.1 * np.random.default_rng(seed + 1).normal()
    ends = one.interval.lower, one.interval.upper
    if ends[0] is None or ends[1] is None:
        return None
    found = against_randomised((one.value, *ends), (slope, slope - 0.196, slope + 0.196))
    return not found.agrees if isinstance(found, Comparison) else None


def false_alarm(seed: int) -> bool | None:
    """All is held fixed, and the experiment has its noise."""
    found = adjusted_slope(backdoor(np.random.default_rng(seed), 1000), "cpi", "kpi", TENURE)
    if isinstance(found, NotEstimable):
        return None
    one, slope = found.value, TRUE + 0.1 * np.random.default_rng(seed + 1).normal()
    if one.interval.lower is None or one.interval.upper is None:
        return None
    ends = (one.value, one.interval.lower, one.interval.upper)
    compared = against_randomised(ends, (slope, slope - 0.196, slope + 0.196))
    return not compared.agrees if isinstance(compared, Comparison) else None


def flagged(seed: int) -> bool | None:
    """A slope made by something unmeasured as strong as what was measured, with the wrong sign."""
    rng = np.random.default_rng(seed)
    hidden, x = rng.normal(size=(2, 1000))
    cpi = 0.5 * hidden + 0.5 * x + rng.normal(size=1000)
    kpi = 0.1 * cpi - hidden - x + rng.normal(size=1000)
    found = sensitivity(sample(cpi=cpi, kpi=kpi, x=x).moments, "cpi", "kpi", [("x", ("x",))])
    return found.fragile if isinstance(found, Sensitivity) else None


def placebo_fails(seed: int) -> bool | None:
    """A sound estimate, refuted."""
    data = backdoor(np.random.default_rng(seed), 500)
    found = refuted(
        data, "cpi", lambda some: adjusted_slope(some, "cpi", "kpi", TENURE), RefuterKind.PLACEBO, seed=seed
    )
    return None if found.passed is None else not found.passed


COVERING: dict[str, dict[str, Try]] = {
    "backdoor regression": {
        "300 units, errors that grow": by_graph(backdoor, BACKDOOR, 300),
        "2,000 units, errors that grow": by_graph(backdoor, BACKDOOR, 2000),
        "600 units, 200 covariates": many_covariates,
        "units with counterparts alone": trimmed,
    },
    "front door": {"500 units": by_graph(front_door, FRONT_DOOR, 500)},
    "instrument": {
        "1,000 units": by_graph(instrument, INSTRUMENT, 1000),
        "1,000 units, F of 10": by_graph(weak, INSTRUMENT, 1000),
    },
    "double machine learning": {
        "straight confounding, 1,000 units": learned(backdoor, 1000),
        "curved confounding, 1,000 units": learned(curved, 1000),
    },
}

CLAIMS = (
    *(
        Claim(
            family=f"unrandomised: {family}",
            name=f"slope covered, {name}",
            attempt=attempt,
            at_least=COVERED,
            most=400,
        )
        for family, rows in COVERING.items()
        for name, attempt in rows.items()
    ),
    Claim(
        family="unrandomised: graph",
        name="a right one contradicted",
        attempt=contradicted,
        at_most=FALSE,
        most=400,
    ),
    Claim(
        family="unrandomised: graph", name="a missing arrow named", attempt=named, at_least=COVERED, most=400
    ),
    Claim(
        family="unrandomised: doubts",
        name="wrong sign told by an experiment",
        attempt=told_by_experiment,
        at_least=COVERED,
        most=400,
    ),
    Claim(
        family="unrandomised: doubts",
        name="right slope said to differ from one",
        attempt=false_alarm,
        at_most=FALSE,
        most=400,
    ),
    Claim(
        family="unrandomised: doubts",
        name="wrong sign called fragile",
        attempt=flagged,
        at_least=COVERED,
        most=400,
    ),
    Claim(
        family="unrandomised: doubts",
        name="a sound estimate refuted by its placebo",
        attempt=placebo_fails,
        at_most=FALSE,
        most=100,
    ),
)
