"""May an experiment be looked at every day without being wrong more often than said?"""

from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses import anytime, anytime_quantile, normal

LOOKS, EXPERIMENTS = 20, 2000
GOLDEN = [
    (5000, 0.05, 0.5805794217990219, 0.029235555965776514),
    (5000, 0.01, 0.6281413430890287, 0.024697004876759597),
    (2200, 0.05, 0.5742906570130137, 0.022403630724950555),
    (2200, 0.01, 0.6227668125732535, 0.022228894261496122),
    (1000, 0.05, 0.5773213448456286, 0.02342593060357828),
]


def test_the_interval_is_1_55_times_the_fixed_one_at_the_planned_size_and_narrowest_there():
    """By hand: x = 5.9915 + ln 6.9915 = 7.9362, sqrt(8.9362 / 7.9362 * (ln 8.9362 + 5.9915)) = 3.035."""
    planned = anytime_quantile(40_000, 40_000)
    assert planned == pytest.approx(3.0352, abs=1e-4)
    assert planned / 1.959964 == pytest.approx(1.5486, abs=1e-4)
    tunings = [anytime_quantile(40_000, plan) for plan in (10_000, 20_000, 39_000, 41_000, 80_000)]
    assert min(tunings) >= planned - 1e-3


@pytest.mark.parametrize(("plan", "alpha", "upper", "p_value"), GOLDEN)
def test_interval_and_p_value_are_those_of_gbstats(plan, alpha, upper, p_value):
    """SequentialTwoSidedTTest of gbstats 0.8.0: 1,000 and 1,200 units, means 10 and 10.3, variances 4, 5."""
    effect = normal(0.3, sqrt(4 / 1000 + 5 / 1200), alpha)
    ours = anytime(effect, units=2200, planned_units=plan, alpha=alpha)
    assert ours.interval.upper == pytest.approx(upper, rel=1e-8)
    assert ours.p_value == pytest.approx(p_value, rel=1e-6)


@settings(deadline=None)  # a shared machine stalls
@given(st.floats(-8, 8), st.integers(1, 10**7), st.integers(1, 10**7), st.sampled_from([0.1, 0.05, 0.01]))
def test_interval_p_value_and_e_value_say_the_same(z, units, plan, alpha):
    ours = anytime(normal(z, 1.0, alpha), units=units, planned_units=plan, alpha=alpha)
    away = abs(z) - anytime_quantile(units, plan, alpha)
    assert ours.p_value == pytest.approx(min(1.0, exp(-ours.log_e_value)))
    if abs(away) > 1e-9:
        assert (ours.log_e_value > log(1 / alpha)) == (away > 0)
        assert (ours.interval.lower > 0 or ours.interval.upper < 0) == (away > 0)


def test_an_enormous_effect_is_no_overflow():
    assert anytime(normal(1e6, 1.0, 0.05), units=100, planned_units=100).p_value == 0.0


@pytest.mark.parametrize(("units", "plan", "alpha"), [(0, 10, 0.05), (10, 0, 0.05), (10, 10, 1.0)])
def test_a_look_without_units_plan_or_level_is_a_bad_call(units, plan, alpha):
    with pytest.raises(ValueError, match=r"at least one unit|alpha"):
        anytime_quantile(units, plan, alpha)


@pytest.fixture(scope="module")
def peeked():
    """Z statistics of 2,000 experiments without effect at 20 equal looks; 40,000 units planned."""
    steps = np.random.default_rng(40).normal(size=(EXPERIMENTS, LOOKS))
    return steps.cumsum(axis=1) / np.sqrt(np.arange(1, LOOKS + 1))


def test_twenty_looks_at_nothing_seldom_alarm_where_a_fixed_interval_alarms_in_a_quarter(peeked):
    """Published simulation: .013 and .246 (4,000 experiments); ours within four Monte Carlo errors."""
    quantiles = np.array([anytime_quantile(2000 * k, 40_000) for k in range(1, LOOKS + 1)])
    ever = np.mean((abs(peeked) > quantiles).any(axis=1))
    fixed = np.mean((abs(peeked) > 1.959964).any(axis=1))
    assert ever == pytest.approx(0.013, abs=4 * sqrt(0.013 * 0.987 / EXPERIMENTS))
    assert fixed == pytest.approx(0.246, abs=4 * sqrt(0.246 * 0.754 / EXPERIMENTS))


def test_the_smallest_p_value_over_all_looks_is_still_a_p_value(peeked):
    smallest = [
        min(anytime(normal(z, 1.0, 0.05), units=2000 * k, planned_units=40_000).p_value
            for k, z in enumerate(path, start=1))
        for path in peeked[:1000]
    ]  # fmt: skip
    for level in (0.2, 0.05, 0.01):
        assert np.mean(np.array(smallest) <= level) <= level
