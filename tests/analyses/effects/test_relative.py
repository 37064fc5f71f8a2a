"""Does Fieller's interval hold where the delta method fails, and agree where it does not?"""

import numpy as np
import pytest

from analyses import ArmMeans, Estimate, Measure, NotEstimable, arm_means, difference, fieller, moments_of

Y = (Measure(name="y", value="y"),)


def means(values) -> ArmMeans:
    return arm_means(moments_of(["y"], np.asarray(values, dtype=float)), Y)


def known(mean, variance, dof=1e9) -> ArmMeans:
    return ArmMeans(
        measures=("y",), n=10, mean=np.array([mean]), covariance=np.array([[variance]]), dof=np.array([dof])
    )


def test_the_ends_are_the_ratios_that_a_t_test_just_rejects():
    from scipy.stats import norm

    control, arm = known(2.0, 0.3), known(3.0, 0.4)
    found = fieller(control, arm)[0]
    for end in (found.interval.lower, found.interval.upper):
        x = 1 + end
        z = (3.0 - x * 2.0) / np.sqrt(0.4 + x**2 * 0.3)
        assert 2 * norm.sf(abs(z)) == pytest.approx(0.05, abs=1e-6)


def test_with_a_sure_control_mean_it_is_the_delta_method():
    draw = np.random.default_rng(110)
    control, arm = means(draw.gamma(2, 3, 50_000)), means(draw.gamma(2, 3.1, 50_000))
    ours, delta = fieller(control, arm)[0], difference(control, arm)[0].relative
    assert ours.value == pytest.approx(delta.value, rel=1e-12)
    assert ours.std_error == pytest.approx(delta.std_error, rel=1e-12)
    assert ours.interval.upper == pytest.approx(delta.interval.upper, rel=5e-3)


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.6, 1.0])
def test_interval_and_p_value_agree(shift):
    found = fieller(known(4.0, 0.1), known(4.0 + shift, 0.1))[0]
    excludes = found.interval.lower > 0 or found.interval.upper < 0
    assert excludes == (found.p_value < 0.05)


def test_it_covers_where_the_delta_method_does_not():
    """Control mean five errors above zero, arm much higher: 4,000 pairs, four Monte Carlo errors."""
    draw = np.random.default_rng(111)
    hits, delta_low = 0, 0
    truth = 15.0 / 5.0 - 1
    for m0, m1 in draw.normal([5.0, 15.0], 1.0, size=(4000, 2)):
        found = fieller(known(m0, 1.0), known(m1, 1.0))[0]
        usual = difference(known(m0, 1.0), known(m1, 1.0))[0].relative
        hits += isinstance(found, NotEstimable) or found.interval.lower <= truth <= found.interval.upper
        delta_low += isinstance(usual, Estimate) and usual.interval.upper < truth
    assert hits / 4000 == pytest.approx(0.95, abs=4 * (0.0475 / 4000) ** 0.5)
    assert delta_low / 4000 > 0.035  # it promises .025 on this side


@pytest.mark.parametrize("m0", [1.9, 0.0, -5.0])
def test_a_control_mean_that_may_be_zero_has_no_relative_effect(m0):
    assert fieller(known(m0, 1.0), known(3.0, 1.0))[0].reason == "control_mean_not_positive"


def test_arms_without_variation_have_no_relative_effect():
    assert fieller(known(2.0, 0.0), known(3.0, 0.0))[0].reason == "no_variance"
    assert fieller(known(2.0, 0.1), known(0.0, 0.0))[0].reason == "no_variance"
