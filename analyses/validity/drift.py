"""Does the effect wear off, or depend on the day of the week?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt

import numpy as np

from analyses.multiplicity import Correction, adjusted_p_values
from analyses.results import Check
from analyses.validity.chi_square import ChiSquare, chance
from analyses.validity.cluster_drift import (
    Drifted,
    OverDays,
    trend_of_clusters,
    weekdays_of_clusters,
)

DRIFT_ALPHA = 0.01
"""Over all metrics and arms together: it asks somebody to look, it throws nothing away."""

FEWEST_DAYS = 5
FEWEST_WEEKDAYS = 14  # two whole weeks


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEffect:
    """What an arm did to a metric of the units that came on one day; ``variance`` of that estimate."""

    day: date
    value: float
    variance: float


type Effects = Mapping[str, Sequence[DayEffect] | Sequence[OverDays]]
"""By what a reader calls the metric and arm: effects of days, or, of whole clusters, their totals over days,
one of each phase."""


def novelty(effects: Effects) -> Check:
    """Whether effects rise or fall with the day on which units met the difference.

    Question: is the effect still that of the first days, or did it wear off, or grow as people learned?
    Estimand: none; for each metric and arm a test that daily effects have no linear trend.
    Assumes: units independent, days in the order in which they came; daily effects near normal. Where whole
    clusters were randomised, clusters independent instead (``trend_of_clusters``).
    Formula: weighted least squares of daily effects on the day, weights 1/variance, z of the slope against
    known variances; Benjamini-Hochberg over metrics and arms at .01. Gates nothing.
    Reference: Kohavi, Tang & Xu (2020), Trustworthy online controlled experiments, chapter 3 (novelty and
    primacy).

    >>> days = [DayEffect(day=date(2026, 3, d), value=1.0 - d / 10, variance=0.01) for d in range(1, 11)]
    >>> novelty({"visits in new": days}).passed
    False
    """
    return _told(
        "novelty",
        {name: _trend(of) for name, of in effects.items()},
        passed="effects do not trend with the day on which units came",
        missing=f"no effect is known of {FEWEST_DAYS} days",
        advice="run on until it is steady, and look at units by how long they have known it",
    )


def weekday_drift(effects: Effects) -> Check:
    """Whether effects differ between days of the week, beyond chance and beyond a trend.

    Question: does a result of some weeks hold for all weekdays, or only for those that were covered?
    Estimand: none; for each metric and arm a test that the seven weekdays have one effect.
    Assumes: as ``novelty``; at least two whole weeks, or a weekday is a date.
    Formula: Cochran's Q between weekdays' pooled effects, the trend taken out first (one degree of freedom is
    paid for it): chi-square with weekdays - 1 degrees of freedom; Benjamini-Hochberg at .01. Gates nothing.
    Reference: Cochran (1954), Biometrics 10(1).

    >>> days = [
    ...     DayEffect(day=date(2026, 3, d), value=1.0 if d % 7 == 1 else 0.0, variance=0.01)
    ...     for d in range(1, 29)
    ... ]
    >>> weekday_drift({"visits in new": days}).passed
    False
    """
    return _told(
        "weekday_drift",
        {name: _between(of) for name, of in effects.items()},
        passed="effects do not differ between days of the week",
        missing="no effect is known of two weeks",
        advice="run whole weeks only, and read the effect by weekday",
    )


def _split(of: Sequence[DayEffect] | Sequence[OverDays]) -> tuple[list[DayEffect], list[OverDays]]:
    """One of the two is empty: units or whole clusters were randomised."""
    return [one for one in of if isinstance(one, DayEffect)], [one for one in of if isinstance(one, OverDays)]


def _arrays(days: list[DayEffect]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    at = np.array([float(one.day.toordinal()) for one in days])
    return at, np.array([one.value for one in days]), 1.0 / np.array([one.variance for one in days])


def _slope(days: list[DayEffect]) -> tuple[float, float, float]:
    """Slope, its weighted sum of squares, and the centre of the days."""
    at, value, weight = _arrays(days)
    centre = float(weight @ at / weight.sum())
    spread = float(weight @ (at - centre) ** 2)
    return float(weight @ ((at - centre) * value)) / spread, spread, centre


def _trend(of: Sequence[DayEffect] | Sequence[OverDays]) -> Drifted | None:
    days, clusters = _split(of)
    if clusters:
        return trend_of_clusters(clusters, fewest_days=FEWEST_DAYS)
    if len(days) < FEWEST_DAYS:
        return None
    slope, spread, _ = _slope(days)
    test = ChiSquare(statistic=slope**2 * spread, df=1, fewest=np.inf)
    return Drifted(p_value=test.p_value, text=test.text, size=_halves(days))


def _between(of: Sequence[DayEffect] | Sequence[OverDays]) -> Drifted | None:
    days, clusters = _split(of)
    if clusters:
        return weekdays_of_clusters(clusters, fewest_days=FEWEST_WEEKDAYS)
    if len(days) < FEWEST_WEEKDAYS:
        return None
    at, value, weight = _arrays(days)
    slope, _, centre = _slope(days)
    residual = value - slope * (at - centre)
    weekday = at.astype(int) % 7
    groups = np.unique(weekday)
    sums = np.array([weight[weekday == g].sum() for g in groups])
    means = np.array([weight[weekday == g] @ residual[weekday == g] for g in groups]) / sums
    overall = float(sums @ means / sums.sum())
    test = ChiSquare(
        statistic=float(sums @ (means - overall) ** 2), df=max(len(groups) - 1, 0), fewest=np.inf
    )
    return Drifted(p_value=test.p_value, text=test.text, size=_weekdays(days))


def _halves(days: list[DayEffect]) -> str:
    ordered = sorted(days, key=lambda one: one.day)
    half = len(ordered) // 2
    return f"{_mean(ordered[:half]):+.4g} in the first half of the days, {_mean(ordered[half:]):+.4g} after"


def _weekdays(days: list[DayEffect]) -> str:
    by_name: dict[str, list[DayEffect]] = {}
    for one in days:
        by_name.setdefault(f"{one.day:%A}", []).append(one)
    lowest, *_, highest = sorted((_mean(of), name) for name, of in by_name.items())
    return f"{lowest[0]:+.4g} on {lowest[1]}s, {highest[0]:+.4g} on {highest[1]}s"


def _mean(days: list[DayEffect]) -> float:
    _, value, weight = _arrays(days)
    return float(weight @ value / weight.sum())


def _told(
    name: str,
    found: Mapping[str, Drifted | None],
    *,
    passed: str,
    missing: str,
    advice: str,
) -> Check:
    tests = {key: test for key, test in found.items() if test is not None}
    if not tests:
        return Check(name=name, passed=None, detail=missing, gates=False)
    adjusted = adjusted_p_values({k: test.p_value for k, test in tests.items()}, correction=Correction.BH)
    failed = [key for key, p in adjusted.items() if p < DRIFT_ALPHA]
    if not failed:
        detail = f"{passed} ({len(tests)} asked, {chance(min(adjusted.values()))} after correction)"
        return Check(name=name, passed=True, detail=detail, gates=False)
    told = "; ".join(f"{key}: {tests[key].size} ({tests[key].text})" for key in failed[:5])
    return Check(name=name, passed=False, detail=f"{told}: {advice}", gates=False)


def day_effect(day: date, control: tuple[float, float], arm: tuple[float, float]) -> DayEffect | None:
    """Arm minus control of one day, each as mean and variance of the mean; None where nothing varies."""
    variance = control[1] + arm[1]
    if not (variance > 0 and sqrt(variance) < float("inf")):
        return None
    return DayEffect(day=day, value=arm[0] - control[0], variance=variance)
