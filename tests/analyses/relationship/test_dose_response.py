"""Is the shape of a dose-response seen where it is, and not where it is not?"""

import numpy as np
import pytest
from scipy.optimize import minimize

from analyses import (
    ContrastArm,
    DoseResponse,
    Estimate,
    ExperimentContrasts,
    Measure,
    NotEstimable,
    arm_means,
    contrasts_of,
    dose_response,
    moments_of,
)


def tried(rng, doses, curve, *, n=40_000, side=0.0, rho=0.5, placebo=False) -> ExperimentContrasts:
    """Arms of one mechanism; the KPI follows a curve of the CPI's shift, and a side effect of all arms."""
    doses, k = np.asarray(doses, float), len(doses)
    mean = np.array([[1.0, rho], [rho, 1.0]]) / n
    draw = rng.standard_normal((k + 1, 2)) @ np.linalg.cholesky(mean).T
    effects = np.column_stack([doses, curve(doses) + side]) + draw[1:] - draw[0]
    covariance = np.broadcast_to(mean[None, :, None, :], (k, 2, k, 2)).copy()
    for i in range(k):
        covariance[i, :, i, :] += mean
    return ExperimentContrasts(
        experiment="one",
        metrics=("wait", "sales"),
        arms=tuple(ContrastArm(name=f"dose {d:g}", mechanism="m", placebo=placebo and d == 0) for d in doses),
        effects=effects,
        covariance=covariance,
    )


def straight(x):
    return 0.3 * x


def threshold(x):
    return 0.6 * np.maximum(x - 0.2, 0)


DOSES = (0.1, 0.2, 0.3, 0.5)


def share(rounds, ask):
    return sum(ask() for _ in range(rounds)) / rounds


def bar(level, rounds, width=2.5):
    return level + width * np.sqrt(level * (1 - level) / rounds)


def test_a_straight_line_is_given_up_as_seldom_as_the_level_says_in_each_test():
    rng, rounds = np.random.default_rng(1), 150
    found = [dose_response(tried(rng, DOSES, straight), "m") for _ in range(rounds)]
    for p in ("linear", "with_side_effect", "bend", "curved"):
        assert sum(getattr(one, p).p_value < 0.05 for one in found) / rounds <= bar(0.05, rounds), p


def test_a_threshold_is_seen_and_the_ranges_say_where_it_is():
    found = dose_response(tried(np.random.default_rng(12), DOSES, threshold, n=400_000), "m")
    assert not found.linearity_stands
    assert found.slope is None
    assert "share of customers within their expectation" in found.advice
    assert found.bend.interval.lower > 0
    below, last = found.ranges[:2], found.ranges[-1]
    assert all(one.set.lower <= 0 <= one.set.upper for one in below)
    assert last.set.lower > 0.3
    assert last.set.lower < 0.6 < last.set.upper
    assert (found.tested.lower, found.tested.upper) == (0.0, found.doses[-1].shift)


def test_all_ranges_hold_together():
    rng, rounds = np.random.default_rng(3), 80
    truth = np.diff([0, *threshold(np.array(DOSES))]) / np.diff([0, *DOSES])

    def missed():
        ranges = dose_response(tried(rng, DOSES, threshold, n=200_000), "m", alpha=0.2).ranges
        return any(not r.set.lower <= t <= r.set.upper for r, t in zip(ranges, truth, strict=True))

    assert share(rounds, missed) <= bar(0.2, rounds)


def test_a_side_effect_of_all_arms_looks_like_a_jump_and_is_told():
    found = dose_response(tried(np.random.default_rng(4), DOSES, straight, n=400_000, side=0.05), "m")
    assert found.linear.p_value < 1e-3
    assert found.with_side_effect.p_value > 0.05
    assert "a placebo tells the two apart" in found.advice


def test_a_placebo_of_the_mechanism_is_a_dose_of_zero():
    doses = (0.0, 0.2, 0.4)
    found = dose_response(
        tried(np.random.default_rng(5), doses, straight, n=400_000, side=0.05, placebo=True), "m"
    )
    assert found.with_side_effect.p_value > 0.05
    assert {one.arm for one in found.doses if abs(one.shift) < 0.05} == {None, "dose 0"}


def test_the_bend_is_what_a_plain_minimisation_and_the_rows_say():
    rng = np.random.default_rng(6)
    n, doses = 30_000, (0.0, 0.5, 1.0, 1.5)
    rows = [
        np.column_stack([shift, 0.2 * shift + 0.3 * shift**2 + rng.normal(size=n)])
        for shift in (dose + 0.2 * rng.normal(size=n) for dose in doses)
    ]
    means = [
        arm_means(moments_of(["c", "y"], r), [Measure(name=m, value=m) for m in ("c", "y")]) for r in rows
    ]
    arms = [
        (ContrastArm(name=str(d), mechanism="m"), one) for d, one in zip(doses[1:], means[1:], strict=True)
    ]
    contrasts = contrasts_of("one", means[0], arms)
    found = dose_response(contrasts, "m")
    a, b = contrasts.effects.T
    V = contrasts.covariance

    def ar(at):
        h = at[0] + 2 * at[1] * a
        noise = V[:, 1, :, 1] - h[:, None] * V[:, 0, :, 1] - (h[:, None] * V[:, 0, :, 1]).T
        noise = noise + np.outer(h, h) * V[:, 0, :, 0]
        r = b - at[0] * a - at[1] * (a**2 - np.diag(V[:, 0, :, 0]))
        return r @ np.linalg.solve(noise, r)

    searched = minimize(ar, [0.1, 0.1], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12})
    assert found.curved.statistic == pytest.approx(searched.fun, rel=1e-5, abs=1e-6)
    assert found.bend.value == pytest.approx(searched.x[1], rel=1e-5)
    assert found.bend.interval.lower < 0.3 < found.bend.interval.upper


@pytest.mark.parametrize("scale", [(2.0, 1.0), (-4.0, 1.0), (1.0, -3.0)])
def test_units_and_signs_of_cpi_and_kpi_only_rescale(scale):
    c, k = scale
    one = tried(np.random.default_rng(7), DOSES, threshold, n=400_000)
    turned = ExperimentContrasts(
        experiment="one",
        metrics=one.metrics,
        arms=one.arms,
        effects=one.effects * scale,
        covariance=one.covariance * np.outer(scale, scale)[None, :, None, :],
    )
    found, other = dose_response(one, "m"), dose_response(turned, "m", cpi_step=c)
    assert other.linear.p_value == pytest.approx(found.linear.p_value, rel=1e-6)
    assert other.bend.p_value == pytest.approx(found.bend.p_value, rel=1e-4)
    for ours, theirs in zip(found.ranges, other.ranges, strict=True):
        assert theirs.estimate == pytest.approx(k * ours.estimate, rel=1e-8)
        ends = sorted([k * ours.set.lower, k * ours.set.upper])
        assert [theirs.set.lower, theirs.set.upper] == pytest.approx(ends, rel=1e-7)


def test_three_doses_with_the_control_are_enough_for_a_test_and_two_are_not():
    two = dose_response(tried(np.random.default_rng(8), (0.2, 0.4), straight), "m")
    assert isinstance(two, DoseResponse)
    assert two.linear.df == 1
    assert isinstance(two.bend, Estimate)
    assert two.curved.reason == two.with_side_effect.reason == "fewer_than_four_doses"
    one = dose_response(tried(np.random.default_rng(8), (0.2,), straight), "m")
    assert isinstance(one, NotEstimable)
    assert one.reason == "fewer_than_three_doses"
    assert dose_response(tried(np.random.default_rng(8), DOSES, straight), "no such").reason == one.reason


def test_equal_doses_show_no_bend():
    found = dose_response(tried(np.random.default_rng(9), (0.2, 0.2, 0.2), straight), "m")
    assert found.linearity_stands or found.linear.p_value < 0.05
    exact = tried(np.random.default_rng(9), (0.2, 0.2), straight)
    alike = ExperimentContrasts(
        experiment="one",
        metrics=exact.metrics,
        arms=exact.arms,
        effects=np.array([[0.2, 0.06], [0.2, 0.06]]),
        covariance=exact.covariance,
    )
    assert dose_response(alike, "m").bend.reason == "doses_alike"
