"""Is the effect of an arm what independent packages say, and does it behave like a difference?"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analyses import (
    ArmMeans,
    Estimate,
    Measure,
    NotEstimable,
    arm_means,
    difference,
    fieller,
    moments_of,
    non_inferiority,
)

Y = (Measure(name="y", value="y"),)
samples = st.integers(3, 40).flatmap(
    lambda n: arrays(np.float64, n, elements=st.floats(-1e3, 1e3, allow_subnormal=False))
)


def means(values: np.ndarray) -> ArmMeans:
    return arm_means(moments_of(["y"], np.asarray(values, dtype=float)), Y)


def absolute(control: np.ndarray, arm: np.ndarray, alpha: float = 0.05) -> Estimate | NotEstimable:
    return difference(means(control), means(arm), alpha=alpha)[0].absolute


@pytest.fixture
def arms() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(2)
    return draw.gamma(2.0, 3.0, size=80), draw.gamma(2.5, 3.5, size=35)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_difference_is_welchs_t_of_scipy(arms, alpha):
    from scipy.stats import ttest_ind

    control, arm = arms
    theirs = ttest_ind(arm, control, equal_var=False)
    interval = theirs.confidence_interval(1 - alpha)
    ours = absolute(control, arm, alpha)
    assert ours.value == pytest.approx(arm.mean() - control.mean(), rel=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    assert (ours.interval.lower, ours.interval.upper) == pytest.approx(
        (interval.low, interval.high), rel=1e-9
    )


def test_absolute_and_relative_agree_with_tea_tasting(arms):
    import pandas as pd
    import tea_tasting as tt

    control, arm = arms
    data = pd.DataFrame({"variant": np.repeat([0, 1], [80, 35]), "y": np.concatenate([control, arm])})
    theirs = tt.Experiment({"y": tt.Mean("y", use_t=True, equal_var=False)}).analyze(data)["y"]
    ours = difference(means(control), means(arm))[0]
    assert ours.absolute.value == pytest.approx(theirs.effect_size, rel=1e-10)
    assert ours.absolute.p_value == pytest.approx(theirs.pvalue, rel=1e-8)
    assert ours.absolute.interval.lower == pytest.approx(theirs.effect_size_ci_lower, rel=1e-8)
    assert ours.relative.value == pytest.approx(theirs.rel_effect_size, rel=1e-10)


def test_the_relative_interval_agrees_with_tea_tasting_on_a_large_sample():
    """Theirs is the delta method of the logarithm, ours of the ratio: equal to first order."""
    import pandas as pd
    import tea_tasting as tt

    draw = np.random.default_rng(4)
    control, arm = draw.gamma(2.0, 3.0, size=40_000), draw.gamma(2.1, 3.0, size=40_000)
    data = pd.DataFrame({"variant": np.repeat([0, 1], 40_000), "y": np.concatenate([control, arm])})
    theirs = tt.Experiment({"y": tt.Mean("y", use_t=True, equal_var=False)}).analyze(data)["y"]
    ours = difference(means(control), means(arm))[0].relative
    assert ours.interval.lower == pytest.approx(theirs.rel_effect_size_ci_lower, rel=5e-3)
    assert ours.interval.upper == pytest.approx(theirs.rel_effect_size_ci_upper, rel=5e-3)


def test_the_relative_error_is_the_stated_formula(arms):
    control, arm = arms
    ours = difference(means(control), means(arm))[0].relative
    va, vb = control.var(ddof=1) / len(control), arm.var(ddof=1) / len(arm)
    ma, mb = control.mean(), arm.mean()
    assert ours.std_error == pytest.approx(np.sqrt(vb / ma**2 + mb**2 * va / ma**4), rel=1e-12)


@given(samples, samples)
def test_swapping_the_arms_negates(a, b):
    there, back = absolute(a, b), absolute(b, a)
    if isinstance(there, NotEstimable):
        assert isinstance(back, NotEstimable)
        return
    assert there.value == -back.value
    assert there.p_value == pytest.approx(back.p_value)
    assert there.interval.lower == pytest.approx(-back.interval.upper)


@given(samples, samples, st.floats(1e-3, 1e3))
def test_another_unit_rescales_and_keeps_the_p_value(a, b, scale):
    assume(min(np.ptp(a), np.ptp(b)) > 1e-3)
    before, after = absolute(a, b), absolute(scale * a, scale * b)
    assert after.std_error == pytest.approx(scale * before.std_error, rel=1e-6)
    assert after.p_value == pytest.approx(before.p_value, rel=1e-4, abs=1e-6)


@given(samples, samples)
def test_the_interval_holds_the_estimate_and_zero_exactly_when_p_is_large(a, b):
    effect = absolute(a, b)
    assume(isinstance(effect, Estimate))
    assume(abs(effect.p_value - 0.05) > 1e-6)
    assert effect.interval.lower <= effect.value <= effect.interval.upper
    assert (effect.interval.lower <= 0 <= effect.interval.upper) == (effect.p_value > 0.05)


@pytest.mark.parametrize("constant", [0.0, 7.0, 0.1, 1e9 + 0.1])
def test_a_metric_that_is_constant_in_both_arms_has_no_effect_to_estimate(constant):
    effect = difference(means(np.full(1000, constant)), means(np.full(700, constant + 1)))[0]
    assert isinstance(effect.absolute, NotEstimable)
    assert effect.absolute.reason == "no_variance"
    assert isinstance(effect.relative, NotEstimable)


def test_a_metric_that_is_constant_in_one_arm_is_fine():
    effect = absolute(np.zeros(50), np.arange(50.0))
    assert effect.std_error == pytest.approx(np.arange(50.0).std(ddof=1) / np.sqrt(50))


@pytest.mark.parametrize("shift", [0.0, -50.0, 0.05])
def test_a_control_mean_that_may_be_zero_or_less_has_no_per_cent(shift):
    draw = np.random.default_rng(6)
    effect = difference(means(draw.normal(size=400) + shift), means(draw.normal(size=400) + shift))[0]
    assert isinstance(effect.absolute, Estimate)
    assert effect.relative.reason == "control_mean_not_positive"


def test_a_control_mean_too_small_to_divide_by_has_no_per_cent():
    effect = difference(means(np.full(50, 1e-310)), means(np.arange(1.0, 50.0)))[0]
    assert effect.absolute.value == pytest.approx(25.0)
    assert effect.relative.reason == "control_mean_not_positive"


def test_an_arm_that_is_zero_throughout_has_an_effect_but_no_per_cent():
    effect = difference(means(np.arange(1.0, 50.0)), means(np.zeros(50)))[0]
    assert effect.absolute.value == -25.0
    assert effect.relative.reason == "no_variance"


@pytest.mark.parametrize(("constant", "noise"), [(3.7, 1e-17), (1e9, 1e-12), (1e15, 0.1)])
def test_an_error_that_rounding_hides_is_no_interval_without_width(constant, noise):
    control, arm = np.full(40, constant), np.random.default_rng(5).normal(0.0, noise, size=40)
    found = difference(means(control), means(arm))[0]
    assert [one.reason for one in (found.absolute, found.relative)] == ["no_variance"] * 2
    assert fieller(means(control), means(arm))[0].reason == "no_variance"
    assert non_inferiority(means(control), means(arm), "y", margin=0.1).reason == "no_variance"


def test_an_arm_that_is_next_to_nothing_beside_control_has_an_effect_but_no_per_cent():
    draw = np.random.default_rng(6)
    control, arm = means(1e9 + draw.normal(size=30)), means(np.full(30, 3.7))
    found = difference(control, arm)[0]
    assert isinstance(found.absolute, Estimate)
    assert found.relative.reason == fieller(control, arm)[0].reason == "no_variance"


def test_tiny_and_huge_units_stay_finite():
    base = np.arange(1.0, 20.0)
    for scale in (1e-150, 1e-100, 1e100, 1e150):
        effect = difference(means(scale * base), means(scale * base * 1.1))[0]
        assert effect.relative.value == pytest.approx(0.1)
        assert effect.absolute.p_value == pytest.approx(absolute(base, 1.1 * base).p_value)


def test_arms_with_other_measures_are_refused():
    with pytest.raises(ValueError, match="same measures"):
        difference(means(np.arange(3.0)), replace(means(np.arange(3.0)), measures=("z",)))


def test_alpha_must_be_a_probability():
    with pytest.raises(ValueError, match="alpha"):
        absolute(np.arange(3.0), np.arange(4.0), alpha=1.5)
