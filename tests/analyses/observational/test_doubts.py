"""What speaks against an answer is said: no counterparts, a strong unmeasured cause, an experiment."""

import os
import sys

import numpy as np
import pytest

from analyses import (
    CausalQuestion,
    Comparison,
    NotEstimable,
    ObservedEffect,
    Overlap,
    RefuterKind,
    adjusted_slope,
    against_randomised,
    observed_effect,
    overlap,
    refuted,
    sensitivity,
)
from analyses.observational.sensitivity import _bound, _Fitted
from analyses.quiet import silenced
from tests.analyses.observational.planted import (
    BACKDOOR,
    PLANTED,
    TRUE,
    backdoor,
    curved,
    graph,
    sample,
)

TENURE = ["tenure", "plan"]


def question(drawn, **more) -> CausalQuestion:
    return CausalQuestion(graph=drawn, seed=1, **more)


def test_benchmarks_are_those_of_sensemakr_on_darfur() -> None:
    """Cinelli & Hazlett (2020), table 2, as the R package sensemakr prints it: 1, 2 and 3 times female."""
    fitted = _Fitted(slope=0.09731582, error=0.02325654, dof=783, alpha=0.05)
    published = {
        1: (0.009164287, 0.1246409, 0.07522024, 0.03228290, 0.1181576),
        2: (0.018328573, 0.2493241, 0.05291481, 0.01296804, 0.09286158),
        3: (0.027492860, 0.3740506, 0.03039605, -0.006253282, 0.06704538),
    }
    for times, (r2_dz, r2_yz, adjusted, lower, upper) in published.items():
        found = _bound("female", times, (0.009081065, 0.1090358), fitted)
        assert (found.r2_treatment, found.r2_outcome) == pytest.approx((r2_dz, r2_yz), rel=2e-4)
        assert (found.adjusted, found.lower, found.upper) == pytest.approx((adjusted, lower, upper), abs=2e-5)


def test_partial_shares_are_those_of_nested_regressions_in_statsmodels() -> None:
    import statsmodels.api as sm

    data = backdoor(np.random.default_rng(1), 500)
    ours = sensitivity(data.moments, "cpi", "kpi", [(name, (name,)) for name in TENURE])

    def left(of, by):
        return sm.OLS(data.values([of])[:, 0], sm.add_constant(data.values(by))).fit()

    whole = left("kpi", ["cpi", *TENURE])
    t = whole.tvalues[1]
    assert ours.robustness.partial_r2 == pytest.approx(t**2 / (t**2 + whole.df_resid), rel=1e-9)
    r2_d = 1 - left("cpi", TENURE).ssr / left("cpi", ["tenure"]).ssr
    (plan,) = [one for one in ours.benchmarks if one.covariate == "plan" and one.times == 1]
    assert plan.r2_treatment == pytest.approx(r2_d / (1 - r2_d), rel=1e-9)
    assert "tenure" in ours.overturned_by  # so strong that nothing bounds a cause like it


def test_a_wrong_sign_from_something_unmeasured_is_flagged() -> None:
    """Tenure is left out of the graph: the slope turns round; an experiment knows better."""
    rng = np.random.default_rng(2)
    data = backdoor(rng, 3000)
    short = graph({"kpi": ["cpi", "plan"], "cpi": ["plan"]}, known=["plan"])
    whole = graph({"kpi": ["cpi", *TENURE], "cpi": TENURE}, known=TENURE)
    wrong = observed_effect(question(short, randomised=(0.5, 0.4, 0.6)), data)
    right = observed_effect(question(whole, randomised=(0.5, 0.4, 0.6)), data)
    assert isinstance(wrong, ObservedEffect)
    assert isinstance(right, ObservedEffect)
    assert wrong.answer.found.value.value < 0 < right.answer.found.value.value
    assert isinstance(wrong.comparison, Comparison)
    assert wrong.comparison.opposite
    assert not wrong.comparison.agrees
    assert right.comparison.agrees
    failed = {one.name for one in wrong.checks if one.passed is False}
    assert "agrees_with_experiments" in failed
    assert right.doubts.sensitivity.overturned_by == ("tenure",)


def test_a_slope_made_by_noise_and_a_weak_cause_is_fragile_and_a_strong_one_is_not() -> None:
    rng = np.random.default_rng(3)
    hidden, x = rng.normal(size=(2, 4000))
    cpi = 0.3 * hidden + x + rng.normal(size=4000)
    confounded = sample(cpi=cpi, kpi=-0.3 * hidden - x + rng.normal(size=4000), x=x)
    strong = sample(cpi=cpi, kpi=cpi + 0.1 * x + rng.normal(size=4000), x=x)
    found = sensitivity(confounded.moments, "cpi", "kpi", [("x", ("x",))])
    assert found.fragile
    assert found.overturned_by == ("x",)
    assert not sensitivity(strong.moments, "cpi", "kpi", [("x", ("x",))]).fragile


def test_units_without_counterparts_are_trimmed_or_the_comparison_is_refused() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=4000)
    half = sample(cpi=(x + rng.normal(size=4000) > 0).astype(float), kpi=x, x=x)
    found = overlap(half, "cpi", ["x"])
    assert isinstance(found, Overlap)
    assert 0 < found.trimmed < 0.5
    kept = half.values(["x"])[found.kept > 0, 0]
    assert np.abs(kept).max() < 1.6
    apart = overlap(sample(cpi=(x > 0).astype(float), kpi=x, x=x), "cpi", ["x"])
    assert isinstance(apart, NotEstimable)
    assert apart.reason == "no_overlap"


def test_the_chance_is_that_of_statsmodels_logit() -> None:
    import statsmodels.api as sm

    from analyses.observational.overlap import _chance

    rng = np.random.default_rng(5)
    x = rng.normal(size=(600, 3))
    more = (rng.random(600) < 1 / (1 + np.exp(-x @ [1.0, -0.5, 0.2]))).astype(float)
    theirs = sm.Logit(more, sm.add_constant(x)).fit(disp=0).predict()
    assert _chance(x, more) == pytest.approx(theirs, abs=1e-5)


def test_the_placebo_is_near_nothing_and_subsets_hold_the_estimate() -> None:
    data = backdoor(np.random.default_rng(6), 1500)

    def again(some):
        return adjusted_slope(some, "cpi", "kpi", TENURE)

    placebo, subset = (refuted(data, "cpi", again, kind, seed=1) for kind in RefuterKind)
    assert placebo.passed
    assert subset.passed
    assert placebo.repetitions == subset.repetitions == 100
    assert abs(placebo.mean) < 0.02
    assert subset.mean == pytest.approx(TRUE, abs=0.05)
    assert refuted(data, "cpi", again, RefuterKind.PLACEBO, seed=1) == placebo


def test_a_biased_machine_is_refuted() -> None:
    """An estimator that sees effects everywhere."""
    data = backdoor(np.random.default_rng(7), 500)

    def biased(some):
        found = adjusted_slope(some, "cpi", "kpi", TENURE)
        moved = found.value.value + 1
        return type(found)(
            value=type(found.value)(
                value=moved,
                std_error=found.value.std_error,
                interval=type(found.value.interval)(lower=moved - 0.1, upper=moved + 0.1),
                p_value=0.0,
            ),
            units=found.units,
        )

    assert refuted(data, "cpi", biased, RefuterKind.PLACEBO, seed=1).passed is False


def test_the_difference_from_the_randomised_answer_covers() -> None:
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(1000):
        one, other = 0.3 + 0.1 * rng.normal(), 0.1 + 0.05 * rng.normal()
        found = against_randomised((one, one - 0.196, one + 0.196), (other, other - 0.098, other + 0.098))
        held += found.interval.lower <= 0.2 <= found.interval.upper
    assert held / 1000 >= 0.93
    assert isinstance(against_randomised((1, 2, 3), (0, -1, 1)), NotEstimable)


@pytest.mark.parametrize("name", PLANTED)
def test_the_whole_study_says_nothing_to_the_terminal(name, capfd) -> None:
    draw, drawn = PLANTED[name]
    found = observed_effect(question(drawn, step=-2.0), draw(np.random.default_rng(9), 1200))
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(2, b"")
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
    assert isinstance(found, ObservedEffect)
    assert found.dowhy
    slope = found.answer.found.value
    assert slope.value == pytest.approx(-2 * TRUE, abs=4 * slope.std_error)
    assert {one.name for one in found.checks} >= {"refuter_subset"}


def test_curves_that_lines_miss_fail_a_check() -> None:
    drawn = graph({"kpi": ["cpi", *TENURE], "cpi": TENURE}, known=TENURE)
    found = observed_effect(question(drawn), curved(np.random.default_rng(10), 2000))
    (check,) = [one for one in found.checks if one.name == "curves_agree"]
    assert check.passed is False


def test_who_is_nobody_is_a_reason() -> None:
    data = backdoor(np.random.default_rng(11), 100)
    nobody = observed_effect(question(BACKDOOR), data.only(slice(0)))
    few = observed_effect(question(BACKDOOR), data.only(slice(10)))
    assert isinstance(nobody, NotEstimable)
    assert isinstance(few, NotEstimable)
    assert (nobody.reason, few.reason) == ("empty_population", "too_few_units")
    same = observed_effect(question(BACKDOOR), data.replaced("cpi", np.ones(100)))
    assert isinstance(same, ObservedEffect)
    assert isinstance(same.answer, NotEstimable)
    assert same.answer.reason == "constant"


def test_a_warning_of_a_library_is_kept_and_not_shown(capfd) -> None:
    import warnings

    with silenced() as said:
        print("hello")  # noqa: T201 - what a library does
        warnings.warn("the model did not converge", RuntimeWarning, stacklevel=1)
        warnings.warn("this will go", FutureWarning, stacklevel=1)
    assert said == ["the model did not converge"]
    assert capfd.readouterr() == ("", "")


def test_what_benchmarks_leave_is_told_per_increment_as_the_answer_is() -> None:
    """One more covariate held fixed moves the answer; where lower is better its sign and ends turn too."""
    drawn = graph({"kpi": ["cpi", *TENURE], "cpi": TENURE}, known=TENURE)
    sample = PLANTED["backdoor"][0](np.random.default_rng(11), 1200)
    raw, turned = (
        observed_effect(question(drawn, step=step), sample).doubts.sensitivity for step in (1, -2.0)
    )
    assert len(raw.benchmarks) == len(turned.benchmarks) > 0
    for one, other in zip(raw.benchmarks, turned.benchmarks, strict=True):
        assert other.adjusted == pytest.approx(-2 * one.adjusted)
        assert (other.lower, other.upper) == pytest.approx((-2 * one.upper, -2 * one.lower))
        assert other.r2_outcome == one.r2_outcome
