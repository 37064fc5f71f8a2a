"""How large may an effect be, when an arm changed for whom the metric is seen at all?"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import hypot, sqrt

import numpy as np

from analyses.moments import Floats, Moments
from analyses.results import Interval, NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One arm: its units, for how many the metric was observed, and mean and variance over those."""

    units: int
    observed: int
    mean: float
    variance: float

    def __post_init__(self) -> None:
        if not (0 <= self.observed <= self.units and self.variance >= 0):
            raise ValueError(f"expected observed units among all units and a variance >= 0, got {self}")

    @property
    def share(self) -> float:
        """Share of the units that were observed."""
        return self.observed / self.units


class Side(StrEnum):
    """Which of two arms."""

    CONTROL = "control"
    TREATMENT = "treatment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimming:
    """What the bounds ask of the data: the ``keep`` lowest and the ``keep`` highest values of one arm."""

    side: Side
    keep: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Mean and variance of the values kept at one end of an arm, and the last of them, where it was cut."""

    mean: float
    variance: float
    cut: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSeen:
    """Control and an arm in one phase as far as they were seen, and the ends of the fuller one."""

    control: Seen
    arm: Seen
    lowest: Kept
    highest: Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class LeeBounds:
    """Between what the effect on units observed in either arm must lie.

    ``lower`` and ``upper`` are estimates of the bounds; ``interval`` covers the effect itself, whatever its
    place between them. ``trimmed`` is the share of the fuller arm's values that was cut off.
    """

    lower: float
    upper: float
    interval: Interval
    trimmed: float


def trimming(control: Seen, treatment: Seen) -> Trimming | NotEstimable:
    """How many values of which arm the bounds need, so that one ordered query can bring them.

    >>> fuller = Seen(units=1000, observed=800, mean=0.0, variance=1.0)
    >>> trimming(Seen(units=1000, observed=600, mean=0.0, variance=1.0), fuller).keep
    600
    """
    if min(control.observed, treatment.observed) < 2:
        return NotEstimable(
            reason="too_few_units",
            detail=f"bounds need at least 2 observed units in each arm, got {control.observed} and "
            f"{treatment.observed}",
        )
    side = Side.TREATMENT if treatment.share >= control.share else Side.CONTROL
    fuller, other = (treatment, control) if side is Side.TREATMENT else (control, treatment)
    keep = round(fuller.observed * other.share / fuller.share)
    if keep < 2:
        return NotEstimable(
            reason="too_few_units", detail=f"only {keep} of {fuller.observed} values would be left"
        )
    return Trimming(side=side, keep=keep)


def ends(values: Floats, keep: int) -> tuple[Kept, Kept]:
    """The ``keep`` lowest and highest of an arm's observed values.

    >>> lowest, highest = ends(np.array([4.0, 1.0, 3.0, 2.0]), 3)
    >>> lowest.mean, lowest.cut, highest.mean, highest.cut
    (2.0, 3.0, 3.0, 2.0)
    """
    ordered = np.sort(values)
    low, high = ordered[:keep], ordered[len(ordered) - keep :]
    return (
        Kept(mean=float(low.mean()), variance=float(low.var(ddof=1)), cut=float(low[-1])),
        Kept(mean=float(high.mean()), variance=float(high.var(ddof=1)), cut=float(high[0])),
    )


def lee_bounds(
    control: Seen, treatment: Seen, lowest: Kept, highest: Kept, *, alpha: float = 0.05
) -> LeeBounds | NotEstimable:
    """Bounds of the effect where the arm moved who is observed.

    Question: does the effect stand, even if the extra units seen in one arm were its best, or its worst?
    Estimand: E[arm - control] among the units that would be observed in either arm.
    Assumes: units randomised and independent; the arm moves observation one way only, for nobody the other
    (monotone). Nothing about who the extra units are.
    Formula: of the arm with the higher observed share, the values above (below) the quantile
    1 - p are cut, p = 1 - s_other/s_fuller; ``lowest`` and ``highest`` are what is left, as ``trimming``
    asked. Variance of a trimmed mean m with cut y over n observed: (var + p (y - m)^2) / (n (1 - p)) +
    (y - m)^2 ((1 - s)/(n s) of both arms' shares). Interval: bounds ± c errors, Phi(c + width/larger error) -
    Phi(-c) = 1 - alpha.
    Reference: Lee (2009), Review of Economic Studies 76(3), propositions 1a and 3; Imbens & Manski (2004),
    Econometrica 72(6).

    >>> values = np.arange(800.0)
    >>> arm = Seen(units=1000, observed=800, mean=399.5, variance=float(values.var(ddof=1)))
    >>> control = Seen(units=1000, observed=600, mean=399.5, variance=arm.variance)
    >>> found = lee_bounds(control, arm, *ends(values, trimming(control, arm).keep))
    >>> found.lower, found.upper, round(found.trimmed, 6)
    (-100.0, 100.0, 0.25)
    """
    return lee_bounds_of_phases(
        [PairSeen(control=control, arm=treatment, lowest=lowest, highest=highest)], alpha=alpha
    )


def lee_bounds_of_phases(phases: Sequence[PairSeen], *, alpha: float = 0.05) -> LeeBounds | NotEstimable:
    """Bounds of the effect over several phases, each bounded by itself.

    Estimand: as ``lee_bounds``, phases weighted by their share of all units. Assumes, besides: nothing across
    phases, so that an arm may be seen more in one and less in another. Formula: sums of w L and w U over the
    phases, errors by the root of the sum of w^2 e^2.
    """
    sides = []
    for phase in phases:
        found = _sides(phase)
        if isinstance(found, NotEstimable):
            return found
        sides.append(found)
    units = np.array([phase.control.units + phase.arm.units for phase in phases])
    weights = units / units.sum()
    (lower, upper), errors = (
        weights @ np.array([one.ends for one in sides]),
        np.array([one.errors for one in sides]),
    )
    lower_error, upper_error = np.sqrt(weights**2 @ errors**2)
    c = _imbens_manski(upper - lower, max(lower_error, upper_error), alpha)
    return LeeBounds(
        lower=float(lower),
        upper=float(upper),
        interval=Interval(lower=float(lower - c * lower_error), upper=float(upper + c * upper_error)),
        trimmed=float(weights @ np.array([one.trimmed for one in sides])),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """Lower and upper bound of one phase, their errors, and the share that was cut."""

    ends: tuple[float, float]
    errors: tuple[float, float]
    trimmed: float


def _sides(phase: PairSeen) -> _Sides | NotEstimable:
    control, treatment = phase.control, phase.arm
    asked = trimming(control, treatment)
    if isinstance(asked, NotEstimable):
        return asked
    fuller, other = (treatment, control) if asked.side is Side.TREATMENT else (control, treatment)
    sign = 1.0 if asked.side is Side.TREATMENT else -1.0
    (lower, lower_error), (upper, upper_error) = sorted(
        (sign * (kept.mean - other.mean), _error(kept, fuller, other))
        for kept in (phase.lowest, phase.highest)
    )
    return _Sides(
        ends=(lower, upper), errors=(lower_error, upper_error), trimmed=1.0 - other.share / fuller.share
    )


def _error(kept: Kept, fuller: Seen, other: Seen) -> float:
    """Standard error of a trimmed mean less the other arm's mean (Lee 2009, proposition 3)."""
    left = other.share / fuller.share
    away = (kept.cut - kept.mean) ** 2
    mean = (kept.variance + (1.0 - left) * away) / (fuller.observed * left)
    share = away * ((1.0 - fuller.share) / fuller.observed + (1.0 - other.share) / other.observed)
    return hypot(sqrt(mean + share), sqrt(other.variance / other.observed))


def _imbens_manski(width: float, error: float, alpha: float) -> float:
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri

    both = float(-ndtri(alpha / 2))
    if error == 0:
        return both
    return float(brentq(lambda c: ndtr(c + width / error) - ndtr(-c) - (1 - alpha), 0.0, both + 1e-9))


def seen_in(moments: Moments, value: str, per: str) -> Seen:
    """One arm's units and those observed, from moments of a value (0 where unobserved) and its indicator.

    >>> from analyses.moments import moments_of
    >>> rows = np.array([[3.0, 1.0], [5.0, 1.0], [0.0, 0.0]])
    >>> seen_in(moments_of(["y", "seen"], rows), "y", "seen")
    Seen(units=3, observed=2, mean=4.0, variance=2.0)
    """
    n, at = moments.n, moments.index(value)
    observed = round(float(moments.mean[moments.index(per)]) * n)
    if observed < 2:
        return Seen(units=n, observed=observed, mean=0.0, variance=0.0)
    total = float(moments.mean[at]) * n
    mean = total / observed
    # the scatter about the mean of all, less what the unobserved zeros and the shift of the mean put in
    inside = float(moments.scatter[at, at]) + total**2 / n - observed * mean**2
    return Seen(units=n, observed=observed, mean=mean, variance=max(inside, 0.0) / (observed - 1))
