"""Do plans promise what the experiments will keep?"""

import doctest
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses import (
    Estimate,
    Measure,
    Noise,
    NotEstimable,
    PlannedTest,
    adjust,
    anytime_quantile,
    assurance,
    days_needed,
    difference,
    mean_noise,
    measured_noise,
    moments_of,
    power,
    proportion_noise,
    smallest_effect,
    units_needed,
)


def test_examples_of_docstrings_hold():
    from analyses.planning import size

    result = doctest.testmod(size)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(("alpha", "one_sided"), [(0.05, False), (0.01, False), (0.05, True)])
@pytest.mark.parametrize("ratio", [1.0, 0.25])
def test_power_is_that_of_statsmodels_normal_power(alpha, one_sided, ratio):
    from statsmodels.stats.power import NormalIndPower

    side = "larger" if one_sided else "two-sided"
    test = PlannedTest(alpha=alpha, one_sided=one_sided, arm_share=ratio / (1 + ratio))
    for effect, n in ((0.01, 500), (0.1, 1000), (0.3, 200)):
        theirs = NormalIndPower().power(effect, n, alpha, ratio=ratio, alternative=side)
        assert power(effect, n * (1 + ratio), mean_noise(1.0), test) == pytest.approx(theirs, abs=1e-10)
    theirs = NormalIndPower().solve_power(0.1, None, alpha, 0.9, ratio=ratio, alternative=side)
    ours = units_needed(0.1, mean_noise(1.0), test, target=0.9)
    assert theirs * (1 + ratio) <= ours <= theirs * (1 + ratio) + 1.001


def test_students_t_changes_the_power_of_a_hundred_units_by_less_than_a_hundredth():
    from statsmodels.stats.power import TTestIndPower

    for effect in (0.2, 0.5, 0.6, 0.8):
        theirs = TTestIndPower().power(effect, 50, 0.05)
        assert theirs < power(effect, 100, mean_noise(1.0)) < theirs + 0.01


def test_units_for_two_proportions_are_the_textbooks():
    """Fleiss, Levin & Paik (2003), unpooled: n = (z_a + z_b)^2 (p0 q0 + p1 q1) / (p1 - p0)^2 an arm."""
    from scipy.stats import norm

    p0, p1 = 0.10, 0.12
    arm = (norm.ppf(0.975) + norm.ppf(0.8)) ** 2 * (p0 * 0.9 + p1 * 0.88) / 0.02**2
    assert units_needed(0.02, proportion_noise(p0, 0.02)) == pytest.approx(2 * arm, abs=1)


def test_units_for_covariates_are_those_of_tea_tasting():
    import pandas as pd
    import tea_tasting as tt

    draw = np.random.default_rng(50)
    x = draw.normal(10, 3, size=5000)
    rows = np.column_stack([x + draw.normal(size=5000) * 2, x])
    metric = tt.Mean("y", "x", rel_effect_size=0.02, use_t=False, power=0.8)
    theirs = metric.solve_power(pd.DataFrame(rows, columns=["y", "x"]), "n_obs")[0].n_obs
    noise = measured_noise(moments_of(["y", "x"], rows), Measure(name="y", value="y", covariates=("x",)))
    ours = units_needed(0.02 * rows[:, 0].mean(), noise)
    assert ours == pytest.approx(theirs, rel=2e-3, abs=2)


def test_what_covariates_explain_depends_neither_on_their_scale_nor_on_one_that_repeats_others():
    draw = np.random.default_rng(31)
    x = draw.normal(size=(800, 2))
    y = x @ [1.0, 1.0] + draw.normal(size=800)
    rows = np.column_stack([y, 1e6 * x[:, 0], 1e-6 * x[:, 1], 3e5 * x[:, 0] + 7e5 * x[:, 1], np.ones(800)])
    columns = ["y", "a", "b", "both", "constant"]
    fit = np.linalg.lstsq(x - x.mean(axis=0), y - y.mean(), rcond=None)
    noise = measured_noise(
        moments_of(columns, rows), Measure(name="y", value="y", covariates=tuple(columns[1:]))
    )
    assert noise.explained == pytest.approx(1 - fit[1][0] / ((y - y.mean()) ** 2).sum(), abs=1e-9)


@settings(deadline=None)
@given(
    st.floats(0.01, 100),
    st.integers(100, 10**8),
    st.floats(0.05, 0.95),
    st.booleans(),
    st.floats(0.3, 0.99),
)
def test_effect_units_and_power_are_one_relation(deviation, units, share, one_sided, target):
    test = PlannedTest(arm_share=share, one_sided=one_sided)
    noise = mean_noise(deviation, explained=0.3, design_effect=1.7)
    effect = smallest_effect(units, noise, test, target=target)
    assert power(effect, units, noise, test) == pytest.approx(target, abs=1e-9)
    assert power(effect, 4 * units, noise, test) > target
    assert abs(units_needed(effect, noise, test, target=target) - units) <= 1 + 1e-9 * units


def test_a_plan_for_a_ratio_with_covariates_keeps_its_promise():
    """1,000 experiments on fresh units: the power planned from history within four Monte Carlo errors."""
    draw = np.random.default_rng(51)
    columns = ["value", "per", "before"]
    ratio = Measure(name="r", value="value", per="per", covariates=("before",))

    def units(n):
        ability = draw.normal(size=n)
        per = draw.poisson(3, size=n) + 1.0
        return np.column_stack([per * (2 + 0.3 * ability) + draw.normal(size=n), per, ability])

    noise = measured_noise(moments_of(columns, units(100_000)), ratio)
    effect = smallest_effect(600, noise)
    shown = 0
    for _ in range(1000):
        rows = units(600)
        rows[300:, 0] += effect * rows[300:, 1]
        arms = adjust({"0": moments_of(columns, rows[:300]), "1": moments_of(columns, rows[300:])}, [ratio])
        found = difference(arms["0"], arms["1"])[0].absolute
        shown += isinstance(found, Estimate) and found.p_value < 0.05
    assert shown / 1000 == pytest.approx(0.8, abs=4 * sqrt(0.16 / 1000))


def test_a_design_effect_costs_its_factor_in_units():
    plain, clustered = (units_needed(0.1, mean_noise(1.0, design_effect=d)) for d in (1.0, 2.5))
    assert clustered == pytest.approx(2.5 * plain, abs=2)


def test_planning_for_daily_looks_costs_what_the_wider_interval_costs():
    """Power .80 at an effect of 2.8 errors falls to Phi(2.80 - 3.035) = .41 at the planned size."""
    test = PlannedTest(critical=anytime_quantile(3140, 3140))
    assert power(0.1, 3140, mean_noise(1.0), test) == pytest.approx(0.41, abs=0.005)


def test_assurance_is_the_mean_power_over_the_prior():
    draw = np.random.default_rng(52).normal(0.05, 0.06, size=4000)
    one_sided = PlannedTest(alpha=0.025, one_sided=True)
    signed = [power(e, 3000, mean_noise(1.0), one_sided) if e > 0 else 0.0 for e in draw]
    found = assurance(0.05, 0.06, 3000, mean_noise(1.0), one_sided)
    assert found == pytest.approx(np.mean(signed), abs=4 * np.std(signed) / sqrt(4000) + 0.003)


def test_days_are_counted_on_first_seen_units_and_go_on_at_the_last_weeks_pace():
    month = [1000, 600, 400, 300, 250, 220, 200, *[100] * 7]
    assert days_needed(1000, month) == 1
    assert days_needed(1001, month, window_days=14) == 16
    assert days_needed(3670 + 250, month) == 14 + 3
    assert days_needed(10, [0, 0]).reason == "no_arrivals"
    assert days_needed(10, []).reason == "no_arrivals"


def test_a_constant_history_gives_no_plan():
    rows = np.full((50, 1), 3.0)
    refused = measured_noise(moments_of(["y"], rows), Measure(name="y", value="y"))
    assert isinstance(refused, NotEstimable)
    assert refused.reason == "no_variance"


def test_impossible_plans_are_bad_calls():
    with pytest.raises(ValueError, match="effect of zero"):
        units_needed(0.0, mean_noise(1.0))
    with pytest.raises(ValueError, match="power above"):
        smallest_effect(100, mean_noise(1.0), target=0.04)
    with pytest.raises(ValueError, match="variances"):
        Noise(control=0.0, arm=0.0)
    with pytest.raises(ValueError, match="rates"):
        proportion_noise(0.9, 0.2)
    with pytest.raises(ValueError, match="between 0 and 1"):
        PlannedTest(arm_share=1.0)
