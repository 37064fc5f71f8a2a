"""Confidence sets of a slope: their shape, and how a test is turned into one."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import pi, tan

import numpy as np

from analyses.moments import Floats
from analyses.relationship.crossings import crossings

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
    return level_set(excess, angles, excess(angles), unit)


def level_set(
    excess: Callable[[Floats], Floats], angles: Floats, values: Floats, unit: float
) -> ConfidenceSet:
    """``invert`` where the excess is known already at sorted angles that leave no piece out."""
    inside = values <= 0
    if inside.all():
        return ConfidenceSet(shape=Shape.LINE, pieces=((None, None),))
    if not inside.any():
        return ConfidenceSet(shape=Shape.EMPTY, pieces=())
    edges = np.flatnonzero(inside != np.roll(inside, -1))
    then = (edges + 1) % len(angles)
    right = angles[then] + pi * (then == 0)
    roots = crossings(excess, (angles[edges], right), (values[edges], values[then]))
    roots = np.where(roots <= pi / 2, roots, roots - pi)
    leaving = inside[edges]
    return from_arcs(roots[~leaving].tolist(), roots[leaving].tolist(), unit)


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
