"""Do the checks by day and segment ring where they should, and seldom where they should not?"""

from datetime import date, timedelta

import numpy as np
import pytest

from analyses import (
    Allocation,
    DayEffect,
    Estimate,
    Largest,
    clusters_analysed,
    day_effect,
    influence,
    moments_of,
    normal,
    novelty,
    outlier_influence,
    srm_groups,
    weekday_drift,
)

HALF = {"0": 0.5, "1": 0.5}
START = date(2026, 3, 2)


def allocation(a: int, b: int) -> Allocation:
    return Allocation(counts={"0": a, "1": b}, shares=HALF)


def test_one_bad_segment_among_many_is_named_and_good_ones_are_not():
    draw = np.random.default_rng(1)
    fair = {f"s{i}": [allocation(k, 4000 - k)] for i, k in enumerate(draw.binomial(4000, 0.5, size=40))}
    assert srm_groups("srm_by_segment", fair).passed is True
    found = srm_groups("srm_by_segment", fair | {"old browser": [allocation(900, 700)]})
    assert (found.passed, found.gates) == (False, True)
    assert found.detail.startswith("old browser: 0 900, 1 700")
    assert "s1:" not in found.detail


def test_phases_of_a_group_add_up_and_small_groups_are_said():
    shifted = [allocation(560, 440)] * 4
    found = srm_groups("srm_by_day", {"2026-03-02": shifted, "2026-03-03": [allocation(2, 1)]})
    assert found.passed is False
    small = srm_groups("srm_by_day", {"2026-03-03": [allocation(2, 1)]})
    assert small.passed is None
    assert srm_groups("srm_by_day", {}).passed is None
    assert srm_groups("srm_by_day", {"a": [Allocation(counts={"0": 50, "1": 50})]}).passed is None


def days(effect, n: int = 28, seed: int = 1, error: float = 0.1) -> list[DayEffect]:
    draw = np.random.default_rng(seed)
    return [
        DayEffect(day=START + timedelta(days=d), value=effect(d) + draw.normal() * error, variance=error**2)
        for d in range(n)
    ]


def test_an_effect_that_wears_off_is_novelty_and_a_steady_one_is_not():
    worn = {"visits in new": days(lambda d: 1 - d / 28)}
    found = novelty(worn)
    assert (found.passed, found.gates) == (False, False)
    assert "first half" in found.detail
    assert novelty({"visits in new": days(lambda _: 1.0)}).passed is True
    assert novelty({"visits in new": days(lambda _: 1.0, n=3)}).passed is None


def test_an_effect_of_weekends_alone_is_told_and_a_trend_is_no_weekday():
    weekend = {"visits in new": days(lambda d: float(d % 7 >= 5))}
    found = weekday_drift(weekend)
    assert found.passed is False
    assert "Saturdays" in found.detail or "Sundays" in found.detail
    assert weekday_drift({"visits in new": days(lambda d: d / 10)}).passed is True
    assert weekday_drift({"visits in new": days(lambda _: 0.0, n=10)}).passed is None


@pytest.mark.parametrize("check", [novelty, weekday_drift])
def test_false_alarms_stay_at_their_level_over_twenty_metrics(check):
    rings = 0
    for seed in range(400):
        many = {f"m{i}": days(lambda _: 0.3, seed=1000 * seed + i) for i in range(20)}
        rings += check(many).passed is False
    assert rings / 400 < 0.03  # .01 and three standard errors


def test_a_day_without_variance_says_nothing():
    assert day_effect(START, (1.0, 0.0), (1.0, 0.0)) is None
    found = day_effect(START, (1.0, 0.1), (1.5, 0.2))
    assert (found.value, found.variance) == (0.5, pytest.approx(0.3))


def spend(n: int, whales: float, seed: int):
    draw = np.random.default_rng(seed)
    values = draw.gamma(2, size=n)
    values[:3] += whales
    return values


def largest(values: np.ndarray, threshold: float) -> Largest:
    above = values[np.abs(values) > threshold]
    return Largest(threshold=threshold, n=len(above), total=float(above.sum()))


def hanging(whales: float, shift: float = 0.0):
    control, arm = spend(3000, 0, 1), spend(3000, whales, 2) + shift
    threshold = float(np.quantile(np.abs(np.concatenate([control, arm])), 0.999))
    cells = [(moments_of(["y"], v.reshape(-1, 1)), largest(v, threshold)) for v in (control, arm)]
    value = float(arm.mean() - control.mean())
    effect = normal(value, abs(value) / 3, 0.05)
    return influence("spend in new", effect, [(cells[0], cells[1])], "y"), control, arm, threshold


def test_an_effect_of_three_customers_is_told_and_named():
    found, control, arm, threshold = hanging(whales=3000.0)
    said = outlier_influence([found])
    assert (said.passed, said.gates) == (False, False)
    assert found.share > 0.9
    rest = [v[np.abs(v) <= threshold].mean() for v in (control, arm)]
    assert found.without == pytest.approx(rest[1] - rest[0], rel=1e-9)


def test_phases_add_up_by_their_shares_of_the_units():
    """Two phases of other sizes and levels: the parts are those of the units' own totals, share by share."""
    draw, found, parts = np.random.default_rng(3), [], []
    for n, level in ((500, 1.0), (1500, 4.0)):
        control, arm = draw.gamma(2, size=n) + level, draw.gamma(2, size=n) + level
        arm[:2] += 400.0
        found.append(
            tuple((moments_of(["y"], one.reshape(-1, 1)), largest(one, 50.0)) for one in (control, arm))
        )
        parts.append((n / 2000, arm[arm > 50].sum() / n, arm[arm <= 50].mean() - control.mean()))
    one = influence("x", normal(1.0, 0.1, 0.05), found, "y", shares=[share for share, *_ in parts])
    assert one.from_largest == pytest.approx(sum(share * part for share, part, _ in parts), rel=1e-12)
    assert one.without == pytest.approx(sum(share * rest for share, _, rest in parts), rel=1e-12)
    assert one.units == 4


def test_an_effect_of_everybody_hangs_on_nobody():
    assert outlier_influence([hanging(whales=0.0, shift=1.0)[0]]).passed is True


def test_no_effect_beyond_chance_has_no_share():
    found, *_ = hanging(whales=0.0, shift=1.0)
    none = Estimate(value=0.1, std_error=1.0, interval=normal(0.1, 1.0, 0.05).interval, p_value=0.9)
    assert (
        outlier_influence(
            [influence("x", none, [((moments_of(["y"], np.ones((2, 1))), largest(np.ones(2), 5)),) * 2], "y")]
        ).passed
        is None
    )
    assert found.share is not None


@pytest.mark.parametrize(
    ("change", "passed"),
    [
        ({}, True),
        ({"units_without": 20}, False),
        ({"in_several_arms": 5}, False),
        ({"arms": {"0": 40, "1": 9}}, False),
    ],
)
def test_clusters_that_cannot_carry_an_interval_gate(change, passed):
    asked = {
        "arms": {"0": 40, "1": 40},
        "units": 900,
        "units_without": 0,
        "clusters": 80,
        "in_several_arms": 0,
    }
    found = clusters_analysed(**(asked | change))
    assert (found.passed, found.gates) == (passed, True)
