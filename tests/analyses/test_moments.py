"""Do moments carry what the rows said, however they were split, ordered or scaled?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analyses import (
    ArmMeans,
    Estimate,
    Measure,
    Moments,
    adjust,
    arm_means,
    difference,
    moments_of,
    refusal,
    stratified,
)

COLUMNS = ["value", "per", "before"]
REVENUE = Measure(name="revenue", value="value")
RATIO = Measure(name="ratio", value="value", per="per")

tables = st.integers(2, 30).flatmap(
    lambda n: arrays(np.float64, (n, 3), elements=st.floats(-1e4, 1e4, allow_subnormal=False))
)


def assert_same(left: Moments, right: Moments) -> None:
    assert left.n == right.n
    np.testing.assert_allclose(left.mean, right.mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(left.scatter, right.scatter, rtol=1e-9, atol=1e-4)


@given(tables, tables)
def test_added_moments_are_those_of_the_pooled_rows(a, b):
    assert_same(moments_of(COLUMNS, a) + moments_of(COLUMNS, b), moments_of(COLUMNS, np.vstack([a, b])))


@given(tables, st.randoms())
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = rows[random.sample(range(len(rows)), len(rows))]
    assert_same(moments_of(COLUMNS, rows), moments_of(COLUMNS, shuffled))


def test_adding_nothing_changes_nothing():
    some, none = moments_of(COLUMNS, np.eye(3)), moments_of(COLUMNS, np.empty((0, 3)))
    assert_same(none + some, some)
    assert_same(some + none, some)
    assert (none + none).n == 0


def test_a_large_mean_costs_no_digits():
    rows = np.random.default_rng(3).normal(size=(1000, 1))
    parts = [moments_of(["x"], chunk + 1e9) for chunk in np.split(rows, 10)]
    merged = sum(parts[1:], start=parts[0])
    assert merged.covariance[0, 0] == pytest.approx(rows.var(ddof=1), rel=1e-6)


def test_moments_refuse_what_is_not_finite():
    with pytest.raises(ValueError, match="finite"):
        moments_of(["x"], np.array([1.0, np.inf]))
    with pytest.raises(ValueError, match="finite"):
        moments_of(["x"], np.array([1.0, np.nan]))


def test_moments_refuse_other_columns_and_shapes():
    with pytest.raises(ValueError, match="the same columns"):
        moments_of(["x"], np.ones(3)) + moments_of(["y"], np.ones(3))
    with pytest.raises(ValueError, match="must differ"):
        moments_of(["x", "x"], np.ones((3, 2)))


def test_one_unit_has_no_covariance():
    with pytest.raises(ValueError, match="at least 2"):
        _ = moments_of(["x"], np.ones(1)).covariance


def test_refusals_name_the_reason():
    one = moments_of(COLUMNS, np.ones((1, 3)))
    unseen = moments_of(COLUMNS, np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 2.0]]))
    assert refusal(one, REVENUE).reason == "too_few_units"
    assert refusal(unseen, RATIO).reason == "never_observed"
    assert refusal(unseen, REVENUE) is None
    with pytest.raises(ValueError, match="not observed"):
        arm_means(unseen, [RATIO])


def test_a_ratio_has_the_delta_method_variance_of_tea_tasting():
    import pandas as pd
    import tea_tasting as tt

    draw = np.random.default_rng(5)
    per = 1.0 + draw.poisson(3, size=4000)
    value = per * draw.gamma(2.0, 1.0, size=4000)
    variant = np.repeat([0, 1], 2000)
    data = pd.DataFrame({"variant": variant, "value": value, "per": per})
    theirs = tt.Experiment({"r": tt.RatioOfMeans("value", "per", use_t=True)}).analyze(data)["r"]
    rows = np.column_stack([value, per, per])
    control, arm = (arm_means(moments_of(COLUMNS, rows[variant == v]), [RATIO]) for v in (0, 1))
    assert control.mean[0] == pytest.approx(theirs.control, rel=1e-12)
    assert arm.mean[0] == pytest.approx(theirs.treatment, rel=1e-12)
    half = (theirs.effect_size_ci_upper - theirs.effect_size_ci_lower) / 2
    error = np.sqrt(control.covariance[0, 0] + arm.covariance[0, 0])
    assert half == pytest.approx(1.960 * error, rel=1e-3)


def test_a_mean_over_the_observed_is_their_mean_with_nearly_their_standard_error():
    draw = np.random.default_rng(7)
    seen = draw.random(5000) < 0.4
    times = draw.exponential(10, size=5000)
    rows = np.column_stack([np.where(seen, times, 0.0), seen, times])
    arm = arm_means(moments_of(COLUMNS, rows), [RATIO])
    assert arm.mean[0] == pytest.approx(times[seen].mean())
    assert np.sqrt(arm.covariance[0, 0]) == pytest.approx(times[seen].std() / np.sqrt(seen.sum()), rel=1e-3)


@pytest.mark.parametrize("seen", [(2, 3), (2, 40), (17, 5)])
def test_a_mean_over_few_observed_is_compared_as_welch_compares_them(seen):
    from scipy.stats import ttest_ind

    draw = np.random.default_rng(11)
    values = [draw.normal(5, 2, size=k) for k in seen]
    rows = [np.zeros((50, 3)), np.zeros((50, 3))]
    for own, known in zip(rows, values, strict=True):
        own[: len(known), :2] = np.column_stack([known, np.ones(len(known))])
    found = difference(*(arm_means(moments_of(COLUMNS, own), [RATIO]) for own in rows))[0].absolute
    expected = ttest_ind(values[1], values[0], equal_var=False)
    assert isinstance(found, Estimate)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.interval.lower == pytest.approx(expected.confidence_interval().low, rel=1e-9)


@pytest.mark.parametrize("units", [(1.0, 0.0), (7.0, 0.0), (7.0, 1.0)])
def test_a_mean_that_a_single_unit_has_is_refused_and_not_taken_as_certain(units):
    """(7, 1): of eight things one unit has seven."""
    rows = np.zeros((40, 3))
    rows[:2, 1] = units
    rows[:, 0] = 3.0 * rows[:, 1]
    assert refusal(moments_of(COLUMNS, rows), RATIO).reason == "too_few_units"


def test_few_observed_stay_few_where_the_mean_is_adjusted():
    draw = np.random.default_rng(12)
    rows = np.column_stack([draw.normal(size=(60, 1)), np.ones((60, 1)), draw.normal(size=(60, 1))])
    rows[3:, :2] = 0.0
    measure = Measure(name="ratio", value="value", per="per", covariates=("before",))
    arms = adjust({"0": moments_of(COLUMNS, rows), "1": moments_of(COLUMNS, rows[::-1])}, [measure])
    assert arms["1"].dof[0] == pytest.approx(2.0)


def test_measures_have_a_joint_covariance():
    rows = np.random.default_rng(9).normal(size=(500, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1]])
    measures = [Measure(name=c, value=c) for c in COLUMNS]
    arm = arm_means(moments_of(COLUMNS, rows), measures)
    np.testing.assert_allclose(arm.covariance * 500, np.cov(rows, rowvar=False), rtol=1e-12)


def strata(means: tuple[float, ...], n: int = 50) -> list[ArmMeans]:
    rows = np.random.default_rng(11).normal(size=n)
    return [arm_means(moments_of(["value"], rows - rows.mean() + m), [REVENUE]) for m in means]


def test_phases_are_weighed_by_their_shares():
    whole = stratified(strata((1.0, 5.0)), [0.75, 0.25])
    assert whole.mean[0] == pytest.approx(2.0)
    assert whole.n == 100
    assert whole.covariance[0, 0] == pytest.approx(strata((0.0,))[0].covariance[0, 0] * (0.75**2 + 0.25**2))


def test_a_single_phase_is_left_as_it_is():
    only = strata((1.0,))
    assert stratified(only, [1.0]) is only[0]


def test_shares_of_phases_must_sum_to_one():
    with pytest.raises(ValueError, match="sum to 1"):
        stratified(strata((1.0, 5.0)), [0.75, 0.75])


@pytest.mark.parametrize("constant", [0.1, 1e9 + 0.1, -3.7])
def test_a_constant_has_no_variance_however_it_was_summed(constant):
    whole = moments_of(["value"], np.full(1000, constant))
    merged = whole + moments_of(["value"], np.full(7, constant))
    assert whole.scatter[0, 0] == merged.scatter[0, 0] == 0
    rounded = Moments(columns=("value",), n=1000, mean=whole.mean, scatter=np.array([[1e-24 * constant**2]]))
    assert arm_means(rounded, [REVENUE]).covariance[0, 0] == 0


def test_a_constant_over_the_observed_has_no_variance():
    seen = np.random.default_rng(13).random(5000) < 0.01
    rows = np.column_stack([np.where(seen, 0.1, 0.0), seen, seen])
    assert arm_means(moments_of(COLUMNS, rows), [RATIO]).covariance[0, 0] == 0
