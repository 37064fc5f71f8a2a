"""Confidence sets of a slope: their shape, and how a test is turned into one."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import pi, tan

import numpy as np

from analyses.moments import Floats

GRID = 257  # angles looked at besides the minima; each root between two of them is then found exactly


class Shape(StrEnum):
    """What a confidence set of a ratio can look like."""

    INTERVAL = "interval"
    INTERVALS = "intervals"
    RAYS = "rays"
    LINE = "line"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceSet:
    """Slopes that the data do not refute: disjoint pieces in rising order, None for an open end."""

    shape: Shape
    pieces: tuple[tuple[float | None, float | None], ...]

    @property
    def lower(self) -> float | None:
        """The smallest slope in the set; None if there is none (unbounded or empty)."""
        return self.pieces[0][0] if self.pieces else None

    @property
    def upper(self) -> float | None:
        """The largest slope in the set; None if there is none (unbounded or empty)."""
        return self.pieces[-1][1] if self.pieces else None

    @property
    def bounded(self) -> bool:
        """Whether both ends exist."""
        return self.lower is not None and self.upper is not None

    def mirrored(self, sign: float) -> "ConfidenceSet":
        """The set of sign * slope, sign being 1 or -1."""
        if sign > 0:
            return self
        turned = tuple((_negated(hi), _negated(lo)) for lo, hi in reversed(self.pieces))
        return ConfidenceSet(shape=self.shape, pieces=turned)


def _negated(end: float | None) -> float | None:
    return None if end is None else 0.0 - end


def grid(extra: Floats) -> Floats:
    """Sorted angles in (-pi/2, pi/2) to look at, with the extra ones wrapped among them."""
    even = -pi / 2 + pi * (np.arange(GRID) + 0.5) / GRID
    wrapped = (np.asarray(extra) + pi / 2) % pi - pi / 2
    return np.unique(np.concatenate([even, wrapped]))


def invert(excess: Callable[[Floats], Floats], seeds: Floats, unit: float) -> ConfidenceSet:
    """The set {x : excess(angle of x) <= 0} of a continuous function of period pi.

    ``seeds`` are angles inside every piece that may be narrower than the grid, such as the minima of the
    statistic; ``unit`` turns tan(angle) into a slope.
    """
    angles = grid(seeds)
    values = excess(angles)
    inside = values <= 0
    if inside.all():
        return ConfidenceSet(shape=Shape.LINE, pieces=((None, None),))
    if not inside.any():
        return ConfidenceSet(shape=Shape.EMPTY, pieces=())

    def single(angle: float) -> float:
        return float(excess(np.array([angle]))[0])

    starts: list[float] = []
    ends: list[float] = []
    for i in range(len(angles)):
        left, right = angles[i], angles[(i + 1) % len(angles)]
        now, then = inside[i], inside[(i + 1) % len(angles)]
        if now != then:
            root = _crossing(single, left, right + pi * (right < left))
            (starts if then else ends).append(root if root <= pi / 2 else root - pi)
    return from_arcs(starts, ends, unit)


def _crossing(excess: Callable[[float], float], left: float, right: float) -> float:
    """Where the excess changes its sign; an end at which it is nothing but rounding, where it does not.

    Many angles at once are found by another path than a single one: an end on the very edge of the set can
    then have either sign.
    """
    from scipy.optimize import brentq

    at_left, at_right = excess(left), excess(right)
    if (at_left <= 0) == (at_right <= 0):
        return left if abs(at_left) <= abs(at_right) else right
    return float(brentq(excess, left, right, xtol=1e-15, rtol=1e-14))


def from_arcs(starts: list[float], ends: list[float], unit: float) -> ConfidenceSet:
    """Arcs of the projective line as pieces of the real one; an arc through infinity becomes two rays."""
    starts, ends = sorted(starts), sorted(ends)
    through_infinity = ends[0] < starts[0]
    pieces: list[tuple[float | None, float | None]] = []
    if through_infinity:
        pieces.append((None, tan(ends[0]) * unit))
        pieces += [(tan(s) * unit, tan(e) * unit) for s, e in zip(starts[:-1], ends[1:], strict=True)]
        pieces.append((tan(starts[-1]) * unit, None))
        return ConfidenceSet(shape=Shape.RAYS, pieces=tuple(pieces))
    pieces = [(tan(s) * unit, tan(e) * unit) for s, e in zip(starts, ends, strict=True)]
    return ConfidenceSet(shape=Shape.INTERVAL if len(pieces) == 1 else Shape.INTERVALS, pieces=tuple(pieces))
