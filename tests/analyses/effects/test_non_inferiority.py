"""Is harm ruled out as often as it should be, and no oftener?"""

import numpy as np
import pytest

from analyses import Measure, NotEstimable, arm_means, moments_of, non_inferiority
from analyses.effects.difference import Means, welch_dof

Y = (Measure(name="y", value="y"),)


def means(values):
    return arm_means(moments_of(["y"], np.asarray(values, dtype=float)), Y)


@pytest.fixture
def arms():
    draw = np.random.default_rng(120)
    return draw.normal(10, 2, size=70), draw.normal(9.9, 3, size=90)


@pytest.mark.parametrize(("better", "side"), [(1, "greater"), (-1, "less")])
@pytest.mark.parametrize("margin", [0.0, 0.5, 2.0])
def test_the_p_value_is_that_of_scipys_one_sided_welch_test_against_the_margin(arms, better, side, margin):
    from scipy.stats import ttest_ind

    control, arm = arms
    theirs = ttest_ind(arm + better * margin, control, equal_var=False, alternative=side)
    ours = non_inferiority(means(control), means(arm), "y", margin=margin, better=better)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    interval = theirs.confidence_interval(0.95)
    end = interval.low if better > 0 else interval.high
    assert ours.worst == pytest.approx(end - better * margin, rel=1e-9)
    assert ours.holds == (ours.p_value < 0.05) == (better * ours.worst > -margin)


@pytest.mark.parametrize("better", [1, -1])
def test_a_relative_margin_is_a_test_of_scaled_units(arms, better):
    from scipy.stats import ttest_ind

    control, arm = arms
    side = "greater" if better > 0 else "less"
    theirs = ttest_ind(arm, control * (1 - better * 0.1), equal_var=False, alternative=side)
    ours = non_inferiority(means(control), means(arm), "y", margin=0.1, better=better, relative=True)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


def test_harm_as_large_as_the_margin_passes_in_one_of_twenty():
    """4,000 experiments at the edge, four Monte Carlo errors."""
    draw = np.random.default_rng(121)
    passed = sum(
        non_inferiority(means(draw.normal(10, 1, 100)), means(draw.normal(9.5, 2, 60)), "y", margin=0.5).holds
        for _ in range(4000)
    )
    assert passed / 4000 == pytest.approx(0.05, abs=4 * (0.0475 / 4000) ** 0.5)


def test_what_cannot_be_asked_is_refused(arms):
    control, arm = arms
    refused = non_inferiority(means([1.0, 1.0]), means([1.0, 1.0]), "y", margin=0.1)
    assert isinstance(refused, NotEstimable)
    below = non_inferiority(means(control - 50), means(arm), "y", margin=0.1, relative=True)
    assert below.reason == "control_mean_not_positive"
    with pytest.raises(ValueError, match="relative margin"):
        non_inferiority(means(control), means(arm), "y", margin=1.0, relative=True)
    with pytest.raises(ValueError, match="better 1 or -1"):
        non_inferiority(means(control), means(arm), "y", margin=1.0, better=0)


@pytest.mark.filterwarnings("error")
def test_arms_that_do_not_vary_have_degrees_of_freedom_and_nobody_divides_by_zero():
    flat = {"variance": np.zeros(1), "dof": np.array([9.0]), "shared": np.zeros((1, 0))}
    still = [Means(value=np.array([value]), **flat) for value in (1.0, 2.0)]
    assert np.isfinite(welch_dof(*still)).all()
