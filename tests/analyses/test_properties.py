"""What must hold of every estimator, whatever the data: pooling, swapping, rescaling, order, own estimate.

Data are drawn by seed, so that hypothesis looks for the shapes (sizes, scales, shifts) that break a property.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses import (
    ContrastArm,
    Estimate,
    ExperimentContrasts,
    KnownSlope,
    Measure,
    Moments,
    Normal,
    Rule,
    adjust,
    arm_means,
    belief,
    contrasts_of,
    difference,
    dose_response,
    fieller,
    judge,
    mediation,
    moments_of,
    several_cpis,
    several_kpis,
    yearly_value,
)
from analyses.relationship.anderson_rubin import anderson_rubin_set
from analyses.relationship.clr import clr_set
from analyses.relationship.exclusion import bounded_set, breakdown
from analyses.relationship.instrumental import liml, overidentification, tsls
from analyses.relationship.sets import ConfidenceSet
from analyses.relationship.system import stack

FEW = settings(max_examples=20, deadline=None, derandomize=True)
ONCE = settings(max_examples=8, deadline=None, derandomize=True)
COLUMNS = ("c", "y", "x", "seen")
MEASURES = (
    Measure(name="c", value="c", covariates=("x",)),
    Measure(name="y", value="y", covariates=("x",)),
    Measure(name="ratio", value="y", per="seen"),
)
seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([-1e4, -3.0, -0.01, 0.02, 1.0, 7.0, 1e5])
shifts = st.sampled_from([-1e5, -2.0, 0.0, 3.0, 1e6])


def rows(seed: int, n: int = 60, dose: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    c = dose + x + rng.normal(size=n)
    return np.column_stack([c, 0.5 * c + x + rng.exponential(size=n), x, rng.uniform(1, 2, size=n)])


def arms(seed: int, doses: Sequence[float] = (0.0, 0.5, 1.0), n: int = 60) -> list[np.ndarray]:
    return [rows(seed + k, n, dose) for k, dose in enumerate(doses)]


def contrasts(parts: Sequence[np.ndarray], names: Sequence[str] | None = None) -> ExperimentContrasts:
    """Of CPI and KPI, arms by mechanism; the first part is the control."""
    means = [arm_means(moments_of(COLUMNS, part), MEASURES[:2]) for part in parts]
    named = names or [f"m{k % 2}" for k in range(len(parts) - 1)]
    treated = [
        (ContrastArm(name=f"arm {k}", mechanism=name), mean)
        for k, (name, mean) in enumerate(zip(named, means[1:], strict=True))
    ]
    return contrasts_of("one", means[0], treated)


def rescaled(one: ExperimentContrasts, by: Sequence[float]) -> ExperimentContrasts:
    factor = np.asarray(by)
    return replace(
        one, effects=one.effects * factor, covariance=one.covariance * factor[:, None, None] * factor
    )


def reordered(one: ExperimentContrasts, order: Sequence[int]) -> ExperimentContrasts:
    at = list(order)
    return replace(
        one,
        arms=tuple(one.arms[k] for k in at),
        effects=one.effects[at],
        covariance=one.covariance[at][:, :, at],
        arm_units=tuple((one.arm_units or ())[k] for k in at) or None,
    )


def same(left: Moments, right: Moments, size: float = 1.0) -> bool:
    return (
        left.n == right.n
        and np.allclose(left.mean, right.mean, rtol=1e-12, atol=1e-12 * size)
        and np.allclose(left.scatter, right.scatter, rtol=1e-8, atol=1e-8)
    )


def ends(found: ConfidenceSet, factor: float = 1.0) -> list[float]:
    """Every finite end, times a factor, rising."""
    return sorted(end * factor for piece in found.pieces for end in piece if end is not None)


@FEW
@given(seed=seeds, n=st.integers(1, 40), cuts=st.lists(st.integers(0, 40), max_size=4), shift=shifts)
def test_any_partition_of_the_rows_in_any_order_pools_to_the_same_moments(seed, n, cuts, shift):
    whole = rows(seed, n) + shift
    shuffled = np.random.default_rng(seed).permutation(whole)
    parts = [moments_of(COLUMNS, part) for part in np.split(shuffled, sorted(min(cut, n) for cut in cuts))]
    pooled = parts[0]
    for part in parts[1:]:
        pooled = pooled + part
    backwards = parts[-1]
    for part in reversed(parts[:-1]):
        backwards = part + backwards
    assert same(pooled, moments_of(COLUMNS, whole), abs(shift))
    assert same(backwards, pooled, abs(shift))


@FEW
@given(seed=seeds)
def test_swapping_the_arms_negates_every_effect_and_keeps_its_error(seed):
    one, two = (arm_means(moments_of(COLUMNS, part), MEASURES) for part in arms(seed)[:2])
    for there, back in zip(difference(one, two), difference(two, one), strict=True):
        assert back.absolute.value == -there.absolute.value
        assert back.absolute.std_error == pytest.approx(there.absolute.std_error, rel=1e-12)
        assert back.absolute.p_value == pytest.approx(there.absolute.p_value, rel=1e-12)
        assert back.absolute.interval.lower == pytest.approx(-there.absolute.interval.upper, rel=1e-12)


@FEW
@given(seed=seeds, scale=scales, shift=shifts)
def test_an_affine_change_of_a_metric_only_rescales_its_effect_raw_and_adjusted(seed, scale, shift):
    parts = arms(seed)[:2]
    turned = [part * [scale, 1, 1, 1] + [shift, 0, 0, 0] for part in parts]
    tolerance = 1e-9 + 1e-13 * abs(shift / scale) * 100
    for adjusted in (False, True):
        plain, other = (
            [one["0"], one["1"]] if adjusted else [arm_means(m, MEASURES[:1]) for m in moments]
            for moments in ([moments_of(COLUMNS, p) for p in parts], [moments_of(COLUMNS, p) for p in turned])
            for one in [adjust({"0": moments[0], "1": moments[1]}, MEASURES[:1])]
        )
        ours, theirs = difference(*plain)[0].absolute, difference(*other)[0].absolute
        assert theirs.value == pytest.approx(scale * ours.value, rel=tolerance, abs=tolerance * abs(scale))
        assert theirs.std_error == pytest.approx(abs(scale) * ours.std_error, rel=1e-6)


@FEW
@given(seed=seeds)
def test_an_estimate_lies_in_its_own_interval(seed):
    control, arm = (moments_of(COLUMNS, part) for part in arms(seed)[:2])
    means = [arm_means(one, MEASURES) for one in (control, arm)]
    found = [one.absolute for one in difference(*means)] + [one.relative for one in difference(*means)]
    found += [one for one in fieller(*means) if isinstance(one, Estimate)]
    split = mediation([(control, arm)], "c", "y", ["x"])
    found += [split.acme, split.ade, split.total, split.unit_slope]
    for one in found:
        if isinstance(one, Estimate) and one.interval.lower is not None and one.interval.upper is not None:
            assert one.interval.lower <= one.value <= one.interval.upper
            assert 0 <= one.p_value <= 1
    effect = difference(*means)[0].absolute
    posterior = Normal(mean=effect.value, deviation=effect.std_error)
    there, back = belief(posterior, better=1), belief(posterior, better=-1)
    assert there.p_better + back.p_better == pytest.approx(1, abs=1e-12)


@FEW
@given(seed=seeds, c=scales, k=scales)
def test_slopes_and_their_sets_only_rescale_with_the_units_of_cpi_and_kpi(seed, c, k):
    one = contrasts(arms(seed, n=400))
    plain, other = stack([one], 1.0, 1.0), stack([rescaled(one, [c, k])], 1.0, 1.0)
    factor = k / c
    assert liml(other).estimate == pytest.approx(factor * liml(plain).estimate, rel=1e-6)
    assert tsls(other).estimate == pytest.approx(factor * tsls(plain).estimate, rel=1e-7)
    for of in (anderson_rubin_set, clr_set):
        ours, theirs = of(plain, 0.05), of(other, 0.05)
        assert theirs.shape is ours.shape
        assert ends(theirs) == pytest.approx(ends(ours, factor), rel=1e-5)
    assert ends(bounded_set(other, 0.2 * abs(k), 0.05)) == pytest.approx(
        ends(bounded_set(plain, 0.2, 0.05), factor), rel=1e-4, abs=1e-9 * abs(factor)
    )
    assert breakdown(other, 0.05) == pytest.approx(abs(k) * breakdown(plain, 0.05), rel=1e-5)
    assert overidentification(other).p_value == pytest.approx(overidentification(plain).p_value, rel=1e-6)


def inside(found: ConfidenceSet, value: float) -> bool:
    return any(
        (lo is None or lo - 1e-9 * abs(lo) <= value) and (hi is None or value <= hi + 1e-9 * abs(hi))
        for lo, hi in found.pieces
    )


@FEW
@given(seed=seeds, doses=st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]), min_size=1, max_size=4))
def test_a_set_contains_the_estimate_it_belongs_to_and_the_wider_contains_the_narrower(seed, doses):
    system = stack([contrasts(arms(seed, [0.0, *doses], n=200))], 1.0, 1.0)
    estimate = liml(system).estimate
    assert inside(clr_set(system, 0.05), estimate)
    narrow, wide = clr_set(system, 0.2), clr_set(system, 0.02)
    assert all(inside(wide, end) for end in ends(narrow))
    assert all(inside(bounded_set(system, 0.1, 0.05), end) for end in ends(anderson_rubin_set(system, 0.05)))


@ONCE
@given(seed=seeds, order=st.permutations(range(4)))
def test_arms_may_come_in_any_order(seed, order):
    one = contrasts(arms(seed, (0.0, 0.3, 0.6, 0.3, 0.9), n=400))
    there, back = (
        judge(Rule(smallest_slope=0.2), [one]),
        judge(Rule(smallest_slope=0.2), [reordered(one, order)]),
    )
    assert verdict_of(back) == verdict_of(there)
    ours, theirs = dose_response(one, "m0"), dose_response(reordered(one, order), "m0")
    assert theirs.linear.p_value == pytest.approx(ours.linear.p_value, rel=1e-6)
    assert [dose.arm for dose in theirs.doses] == [dose.arm for dose in ours.doses]


def verdict_of(judgement, factor: float = 1.0):
    """State, label, reason codes and the slope, which units and order must not change."""
    found = judgement.verdict
    interval = found.slope.interval
    slope = tuple(
        None if end is None else float(f"{end * factor:.5g}") for end in (interval.lower, interval.upper)
    )
    return found.state, found.label, sorted(one.code for one in found.reasons), slope


@ONCE
@given(seed=seeds, c=st.sampled_from([0.01, 5.0, -1.0, -60.0]), k=st.sampled_from([0.1, 1.0, -4.0]))
def test_a_verdict_does_not_depend_on_units_signs_or_the_order_of_rows_and_experiments(seed, c, k):
    many = [
        replace(contrasts(arms(seed + 100 * j, (0.0, 0.3, 0.8, 0.4), n=500)), experiment=f"e{j}")
        for j in range(2)
    ]
    rule = Rule(smallest_slope=0.2)
    turned = Rule(
        direction=1 if k > 0 else -1,
        smallest_slope=0.2 * abs(k),
        increment=abs(c),
        better=1 if c > 0 else -1,
    )
    there = judge(rule, many)
    back = judge(turned, [rescaled(one, [c, k]) for one in reversed(many)])
    assert verdict_of(back, 1 / abs(k))[:3] == verdict_of(there)[:3]
    lower, upper = verdict_of(there)[3]
    ours = [lower, upper] if k > 0 else [upper, lower]
    theirs = [back.verdict.slope.interval.lower, back.verdict.slope.interval.upper]
    assert theirs == pytest.approx([k * end for end in ours], rel=1e-3, abs=1e-4 * abs(k))


@ONCE
@given(seed=seeds, c=st.sampled_from([0.5, -2.0]), other=st.sampled_from([3.0, -0.1]))
def test_several_cpis_do_not_depend_on_units_or_on_the_order_of_arms(seed, c, other):
    rng = np.random.default_rng(seed)
    base = contrasts(arms(seed, (0.0, 0.3, 0.6, 0.2), n=400))
    noise = np.zeros((3, 3, 3, 3))
    noise[:, :2, :, :2] = base.covariance
    noise[:, 2, :, 2] = base.covariance[:, 0, :, 0]
    effects = np.column_stack([base.effects, rng.normal(scale=0.5, size=3)])
    three = replace(base, metrics=("c", "y", "o"), effects=effects, covariance=noise)
    ours = several_cpis([three], ["c", "o"])
    turned = reordered(rescaled(three, [c, 1.0, other]), [2, 0, 1])
    theirs = several_cpis([turned], ["c", "o"])
    for one, two, factor in zip(ours.slopes, theirs.slopes, (1 / c, 1 / other), strict=True):
        assert two.set.shape is one.set.shape
        assert ends(two.set) == pytest.approx(ends(one.set, factor), rel=1e-4)
        assert two.p_value == pytest.approx(one.p_value, rel=1e-5, abs=1e-12)
    assert theirs.p_together == pytest.approx(ours.p_together, rel=1e-5, abs=1e-12)


@ONCE
@given(seed=seeds, c=st.sampled_from([0.5, -2.0]))
def test_a_family_of_one_kpi_is_no_family_and_adjusted_p_values_are_never_smaller(seed, c):
    one = contrasts(arms(seed, n=300))
    twin = replace(one, metrics=("c", "z"), effects=one.effects * [1, 0.1])
    both = several_kpis([rescaled(each, [c, 1.0]) for each in (one, twin)], cpi_step=c)
    (alone,) = several_kpis([one]).slopes
    assert both.slopes[0].p_value == pytest.approx(alone.p_value, rel=1e-5, abs=1e-13)
    for slope in both.slopes:
        assert slope.adjusted >= slope.p_value
        assert inside(slope.set, slope.estimate)


@FEW
@given(
    increments=st.floats(0.01, 2.0),
    volume=st.floats(0, 1e9),
    worth=st.floats(-1e4, 1e4),
    lower=st.floats(-5, 5),
    width=st.floats(0, 5),
)
def test_a_yearly_value_is_linear_and_keeps_its_ends_in_order(increments, volume, worth, lower, width):
    slope = KnownSlope(estimate=lower + width / 2, lower=lower, upper=lower + width)
    asked = {"volume": volume, "value_per_kpi_unit": worth, "tested_up_to": 2.0}
    one = yearly_value(slope, increments=increments, **asked)
    assert one.lower <= one.upper
    half = yearly_value(slope, increments=increments / 2, **asked)
    assert half.estimate == pytest.approx(one.estimate / 2, rel=1e-9, abs=1e-300)
    assert yearly_value(slope, increments=2.5, **asked).reason == "extrapolation"
