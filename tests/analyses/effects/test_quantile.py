"""Does the interval of a difference of quantiles cover, and does its error agree with the bootstrap?"""

import numpy as np
import pytest

from analyses import NotEstimable, OrderStatistics, difference, quantile_pair, ranked


def effect(control: np.ndarray, arm: np.ndarray, p: float):
    pair = quantile_pair("wait", {1: ranked(control, p)}, {1: ranked(arm, p)})
    return difference(*pair)[0]


@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_the_interval_covers_in_skewed_data(p):
    """Log-normal waits, the arm 10 % slower: the truth is known in closed form."""
    from scipy.special import ndtri

    draw = np.random.default_rng(int(p * 100))
    truth = 0.1 * np.exp(ndtri(p))
    covered, repeats = {"absolute": 0, "relative": 0}, 500
    for _ in range(repeats):
        control, arm = np.exp(draw.normal(size=(2, 3000)))
        found = effect(control, 1.1 * arm, p)
        covered["absolute"] += found.absolute.interval.lower <= truth <= found.absolute.interval.upper
        covered["relative"] += found.relative.interval.lower <= 0.1 <= found.relative.interval.upper
    assert all(0.925 < n / repeats < 0.97 for n in covered.values()), covered


def test_the_error_is_the_bootstraps():
    draw = np.random.default_rng(1)
    control, arm = draw.gamma(2, size=(2, 20_000))
    found = effect(control, arm, 0.8)
    resampled = [
        np.quantile(draw.choice(arm, arm.size), 0.8) - np.quantile(draw.choice(control, control.size), 0.8)
        for _ in range(400)
    ]
    assert found.absolute.std_error == pytest.approx(np.std(resampled), rel=0.15)


def test_clusters_widen_and_phases_are_weighted_by_their_units():
    draw = np.random.default_rng(2)
    control, arm = draw.normal(size=(2, 1000))
    statistics = [{1: ranked(values, 0.5)} for values in (control, arm)]
    single, wide = (quantile_pair("wait", *statistics, design_effect=d) for d in (1.0, 4.0))
    assert np.sqrt(wide[0].covariance[0, 0]) == pytest.approx(2 * np.sqrt(single[0].covariance[0, 0]))
    late = OrderStatistics(probability=0.5, n=3000, value=10.0, lower=9.0, upper=11.0)
    both = quantile_pair("wait", *({**one, 2: late} for one in statistics))
    assert both[0].mean[0] == pytest.approx(0.25 * statistics[0][1].value + 0.75 * 10.0)


def test_one_phase_too_coarse_to_have_an_error_is_not_taken_as_certain():
    draw = np.random.default_rng(7)
    fine, coarse = [ranked(draw.normal(size=500), 0.5) for _ in "01"], ranked(np.zeros(500), 0.5)
    found = quantile_pair("wait", {1: fine[0], 2: coarse}, {1: fine[1], 2: coarse})
    assert isinstance(found, NotEstimable)
    assert found.reason == "no_variance"


def test_a_quantile_too_near_the_end_or_of_coarse_values_is_refused():
    few = {1: ranked([float(v) for v in range(20)], 0.99)}
    assert few[1].lower is None
    assert quantile_pair("wait", few, few).reason == "too_few_units"
    none = {1: OrderStatistics(probability=0.5, n=0, value=None, lower=None, upper=None)}
    assert quantile_pair("wait", none, few).reason == "too_few_units"
    same = {1: ranked([1.0] * 500, 0.5)}
    found = quantile_pair("wait", same, same)
    assert isinstance(found, NotEstimable)
    assert found.reason == "no_variance"
