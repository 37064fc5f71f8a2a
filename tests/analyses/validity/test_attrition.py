"""Do Lee's bounds hold the effect, when an arm decides who is seen?"""

import numpy as np
import pytest

from analyses import Kept, NotEstimable, PairSeen, Seen, ends, lee_bounds, lee_bounds_of_phases, trimming


def seen(values, units) -> Seen:
    return Seen(
        units=units, observed=len(values), mean=float(np.mean(values)), variance=float(np.var(values, ddof=1))
    )


def bounds(control, arm, units=None):
    """Rows with NaN where unobserved."""
    c, a = control[~np.isnan(control)], arm[~np.isnan(arm)]
    sides = seen(c, len(control)), seen(a, len(arm))
    asked = trimming(*sides)
    return lee_bounds(*sides, *ends(a if asked.side == "treatment" else c, asked.keep))


def test_bounds_of_a_normal_metric_are_the_truncated_means():
    """By hand: a quarter cut off N(0, 1) leaves a mean of ∓ phi(.6745)/.75 = ∓ .4237."""
    from scipy.stats import norm

    values = norm.ppf((np.arange(80_000) + 0.5) / 80_000)
    arm = Seen(units=100_000, observed=80_000, mean=0.0, variance=1.0)
    control = Seen(units=100_000, observed=60_000, mean=0.1, variance=1.0)
    found = lee_bounds(control, arm, *ends(values, trimming(control, arm).keep))
    assert (found.lower, found.upper) == pytest.approx((-0.1 - 0.4237, -0.1 + 0.4237), abs=1e-3)
    assert found.trimmed == pytest.approx(0.25)


def world(draw, n, effect):
    """Sixty per cent are always seen; a fifth, with high values, only in the arm."""
    kind = draw.choice(3, size=2 * n, p=[0.6, 0.2, 0.2])
    base = draw.normal(size=2 * n) + 1.5 * (kind == 1)
    control = np.where(kind[:n] == 0, base[:n], np.nan)
    arm = np.where(kind[n:] <= 1, base[n:] + effect, np.nan)
    return control, arm


def test_the_interval_covers_the_effect_on_units_always_seen_where_the_difference_does_not():
    draw = np.random.default_rng(130)
    covered = naive = 0
    for _ in range(400):
        control, arm = world(draw, 1500, 0.3)
        found = bounds(control, arm)
        covered += found.interval.lower <= 0.3 <= found.interval.upper
        naive += abs(np.nanmean(arm) - np.nanmean(control) - 0.3) < 0.1
    assert covered / 400 >= 0.95 - 4 * (0.0475 / 400) ** 0.5
    assert naive / 400 < 0.1


def test_the_interval_misses_as_often_as_said_where_the_extra_units_are_the_very_highest():
    """The worst case that the bounds allow: all the extra units lie above all others (1,000 repetitions)."""
    draw = np.random.default_rng(131)
    missed = 0
    for _ in range(1000):
        kind = draw.random(1600)
        base = draw.normal(size=1600)
        control = np.where((kind[:800] < 0.8) & (base[:800] < 1.0), base[:800], np.nan)
        arm = np.where(kind[800:] < 0.8, base[800:], np.nan)
        found = bounds(control, arm)
        missed += not found.interval.lower <= 0.0 <= found.interval.upper
    assert missed / 1000 == pytest.approx(0.05, abs=4 * (0.0475 / 1000) ** 0.5)


def test_swapping_the_arms_negates_the_bounds():
    control, arm = world(np.random.default_rng(132), 500, 0.3)
    there, back = bounds(control, arm), bounds(arm, control)
    assert (back.lower, back.upper) == pytest.approx((-there.upper, -there.lower))
    assert back.interval.lower == pytest.approx(-there.interval.upper)
    assert back.trimmed == there.trimmed


def test_where_all_are_seen_the_bounds_meet_at_welchs_interval():
    draw = np.random.default_rng(133)
    control, arm = draw.normal(size=4000), draw.normal(0.2, 2, size=4000)
    found = bounds(control, arm)
    error = np.sqrt(control.var(ddof=1) / 4000 + arm.var(ddof=1) / 4000)
    assert found.lower == found.upper == pytest.approx(arm.mean() - control.mean())
    assert found.interval.upper == pytest.approx(found.upper + 1.959964 * error, rel=1e-5)


def test_too_few_observed_units_have_no_bounds():
    one = Seen(units=100, observed=1, mean=0.0, variance=0.0)
    many = Seen(units=100, observed=90, mean=0.0, variance=1.0)
    nothing = Kept(mean=0.0, variance=0.0, cut=0.0)
    assert isinstance(lee_bounds(one, many, nothing, nothing), NotEstimable)
    with pytest.raises(ValueError, match="among all units"):
        Seen(units=1, observed=2, mean=0.0, variance=0.0)


def test_phases_are_bounded_one_by_one_and_weighted_by_their_units():
    rng = np.random.default_rng(5)
    parts = []
    for scale, share in ((400, 0.8), (200, 0.5)):  # seen more in the first phase, less in the second
        other = Seen(units=scale, observed=round(0.65 * scale), mean=0.0, variance=1.0)
        values = rng.normal(1, 1, round(share * scale))
        seen = Seen(
            units=scale,
            observed=len(values),
            mean=float(values.mean()),
            variance=float(values.var(ddof=1)),
        )
        asked = trimming(other, seen)
        fuller = values if asked.side == "treatment" else rng.normal(0, 1, other.observed)
        lowest, highest = ends(fuller, asked.keep)
        parts.append(PairSeen(control=other, arm=seen, lowest=lowest, highest=highest))
    both = lee_bounds_of_phases(parts)
    first, second = (lee_bounds(p.control, p.arm, p.lowest, p.highest) for p in parts)
    assert both.lower == pytest.approx((2 * first.lower + second.lower) / 3)
    assert both.upper == pytest.approx((2 * first.upper + second.upper) / 3)
    assert both.interval.lower < both.lower < both.upper < both.interval.upper
    assert lee_bounds_of_phases(parts[:1]) == first
    lost = Seen(units=100, observed=0, mean=0.0, variance=0.0)
    nobody = PairSeen(control=lost, arm=parts[0].arm, lowest=parts[0].lowest, highest=parts[0].highest)
    assert isinstance(lee_bounds_of_phases([parts[0], nobody]), NotEstimable)
