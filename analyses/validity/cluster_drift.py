"""Does an effect on whole clusters wear off, or depend on the day of the week? From totals by cluster."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from analyses.moments import Floats, Moments
from analyses.validity.chi_square import chance

WEEK = 7
OVER_DAYS = (
    *(f"weight/{day}" for day in range(WEEK)),
    *(f"time/{day}" for day in range(WEEK)),
    *(f"value/{day}" for day in range(WEEK)),
    "time2",
    "time value",
)
"""Totals of one cluster's units, by the weekday (days since 1970 mod 7) on which they came: of the weight w
(1, or a ratio's denominator), of w t and of the value; then of w t^2 and of the value times t over all days.
t counts days from any day: each weekday has its own level, so that only the span of t matters."""

WEEKDAYS = ("Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday")
"""The first of January 1970 was a Thursday."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverDays:
    """One phase of one metric: control's and the arm's moments over clusters, of the columns ``OVER_DAYS``.

    ``days`` counts the days on which units of both came; ``span`` their first and last, counted as t is.
    """

    control: Moments
    arm: Moments
    days: int
    span: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """One test: its p-value, its words, and how large the drift is."""

    p_value: float
    text: str
    size: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Line:
    """Coefficients of one arm, and their covariance (cluster-robust)."""

    at: Floats
    covariance: Floats
    clusters: int


def trend_of_clusters(phases: Sequence[OverDays], *, fewest_days: int) -> Drifted | None:
    """Whether effects rise or fall with the day on which units came, whole clusters being randomised.

    Question: as ``novelty``; a cluster's units come on many days and are alike, so days are not independent.
    Estimand: slope on the day of an arm's mean over units, less control's.
    Assumes: clusters independent, anything inside one, the same shares of the arms on all days of a phase.
    Formula: least squares of the value on (1, t) in each arm (of a ratio with its denominator as weight),
    covariance by the sum over clusters of their scores' squares, G / (G - 1); phases weighted by their
    precision; Student's t with Welch's degrees of freedom of clusters.
    Reference: Liang & Zeger (1986), Biometrika 73(1); Cameron & Miller (2015), Journal of Human Resources 50.
    """
    asked = [one for one in phases if one.days >= fewest_days]
    lines = [(_trend(one.control), _trend(one.arm), one.span) for one in asked]
    known = [(c, a, span) for c, a, span in lines if c is not None and a is not None]
    if not known:
        return None
    slopes = np.array([a.at[1] - c.at[1] for c, a, _ in known])
    variances = np.array([(a.covariance + c.covariance)[1, 1] for c, a, _ in known])
    if not (variances > 0).all():
        return None
    weights = 1 / variances
    t = float(weights @ slopes / sqrt(weights.sum()))
    dof = _welch([(c, a) for c, a, _ in known], weights)
    early, late = _quarters(known, weights)
    return Drifted(
        p_value=_student(t, dof),
        text=f"t({dof:.0f}) = {t:.4g}, {chance(_student(t, dof))}, by clusters",
        size=f"{early:+.4g} in the first half of the days, {late:+.4g} after",
    )


def weekdays_of_clusters(phases: Sequence[OverDays], *, fewest_days: int) -> Drifted | None:
    """Whether effects differ between days of the week, whole clusters being randomised.

    Question: as ``weekday_drift``. Estimand: the seven weekdays' effects, beyond a trend; a test that they
    are one.
    Assumes: as ``trend_of_clusters``; more clusters than weekdays.
    Formula: least squares of the value on the seven weekdays and t in each arm, covariance by clusters;
    Hotelling's F of the six contrasts between weekdays, 6 and G0 + G1 - 7 degrees of freedom.
    Reference: Liang & Zeger (1986), Biometrika 73(1); Hotelling (1931), Annals of Mathematical Statistics 2.
    """
    from scipy.special import fdtrc

    between = np.hstack([-np.ones((WEEK - 1, 1)), np.eye(WEEK - 1), np.zeros((WEEK - 1, 1))])
    asked = [one for one in phases if one.days >= fewest_days]
    lines = [(_weekdays(one.control), _weekdays(one.arm)) for one in asked]
    known = [(c, a) for c, a in lines if c is not None and a is not None]
    room = sum(c.clusters + a.clusters - 2 for c, a in known) - (WEEK - 1) + 1
    if not known or room < 1:
        return None
    effects = np.array([a.at - c.at for c, a in known])
    covariances = [between @ (a.covariance + c.covariance) @ between.T for c, a in known]
    if any(np.linalg.matrix_rank(one, hermitian=True) < WEEK - 1 for one in covariances):
        return None
    precisions = [np.linalg.inv(one) for one in covariances]
    whole = np.linalg.inv(np.sum(precisions, axis=0))
    pooled = whole @ sum(p @ between @ e for p, e in zip(precisions, effects, strict=True))
    wald = float(pooled @ np.linalg.solve(whole, pooled))
    f = wald * room / ((room + WEEK - 2) * (WEEK - 1))
    p_value = float(fdtrc(WEEK - 1, room, f))
    return Drifted(
        p_value=p_value,
        text=f"F({WEEK - 1}, {room}) = {f:.4g}, {chance(p_value)}, by clusters",
        size=_extremes(effects, [one.covariance + two.covariance for one, two in known]),
    )


def _trend(of: Moments) -> _Line | None:
    """On (1, t): the weekdays added up."""
    totals = of.mean * of.n
    weight, time, value = (totals[k * WEEK : (k + 1) * WEEK].sum() for k in range(3))
    time2, time_value = totals[3 * WEEK :]

    def scores(at: Floats) -> Floats:
        return np.array(
            [
                [*[-at[0]] * WEEK, *[-at[1]] * WEEK, *[1.0] * WEEK, 0.0, 0.0],
                [*[0.0] * WEEK, *[-at[0]] * WEEK, *[0.0] * WEEK, -at[1], 1.0],
            ]
        )

    crossed = np.array([[weight, time], [time, time2]])
    return _fitted(of, crossed, np.array([value, time_value]), scores)


def _weekdays(of: Moments) -> _Line | None:
    """On seven weekdays and t."""
    totals = of.mean * of.n
    weight, time, value = (totals[k * WEEK : (k + 1) * WEEK] for k in range(3))
    time2, time_value = totals[3 * WEEK :]
    crossed = np.block([[np.diag(weight), time[:, None]], [time[None, :], np.array([[time2]])]])

    def scores(at: Floats) -> Floats:
        levels, slope, none = at[:WEEK], at[WEEK], np.zeros((WEEK, 1))
        by_day = np.hstack([-np.diag(levels), -slope * np.eye(WEEK), np.eye(WEEK), none, none])
        over = np.concatenate([np.zeros(WEEK), -levels, np.zeros(WEEK), [-slope, 1.0]])
        return np.vstack([by_day, over])

    return _fitted(of, crossed, np.append(value, time_value), scores)


def _fitted(of: Moments, crossed: Floats, totals: Floats, scores: Callable[[Floats], Floats]) -> _Line | None:
    """X'WX at = X'y, and the sandwich of the clusters' scores, which are linear in their totals."""
    scale = np.sqrt(np.diag(crossed))
    if of.n < 2 or not (scale > 0).all():
        return None
    correlation = crossed / np.outer(scale, scale)
    if np.linalg.matrix_rank(correlation, hermitian=True) < len(scale):
        return None
    inverse = np.linalg.inv(correlation) / np.outer(scale, scale)
    at = inverse @ totals
    weights = inverse @ scores(at)
    return _Line(at=at, covariance=of.n * weights @ of.covariance @ weights.T, clusters=of.n)


def _welch(pairs: Sequence[tuple[_Line, _Line]], weights: Floats) -> float:
    """Welch and Satterthwaite over arms and phases."""
    shares = [
        (weight**2 * float(line.covariance[1, 1]), line.clusters - 1)
        for pair, weight in zip(pairs, weights, strict=True)
        for line in pair
    ]
    whole = float(sum(share for share, _ in shares))
    return whole**2 / float(sum(share**2 / dof for share, dof in shares))


def _quarters(
    known: Sequence[tuple[_Line, _Line, tuple[float, float]]], weights: Floats
) -> tuple[float, float]:
    """The effect that the lines say a quarter and three quarters into the days."""
    ends = [
        [
            float((a.at - c.at) @ np.array([1.0, first + share * (last - first)]))
            for c, a, (first, last) in known
        ]
        for share in (0.25, 0.75)
    ]
    early, late = (float(weights @ np.array(end) / weights.sum()) for end in ends)
    return early, late


def _extremes(effects: Floats, covariances: Sequence[Floats]) -> str:
    weights = 1 / np.array([np.diag(one)[:WEEK] for one in covariances])
    levels = (weights * effects[:, :WEEK]).sum(axis=0) / weights.sum(axis=0)
    ordered = sorted(zip(levels.tolist(), WEEKDAYS, strict=True))
    (low, lowest), (high, highest) = ordered[0], ordered[-1]
    return f"{low:+.4g} on {lowest}s, {high:+.4g} on {highest}s"


def _student(t: float, dof: float) -> float:
    from scipy.special import stdtr

    return float(2 * stdtr(dof, -abs(t)))
