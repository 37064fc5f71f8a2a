"""What does a statistic look like along all slopes, and where is it least? Looked at once, asked often."""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi

import numpy as np
import numpy.typing as npt

from analyses.moments import Floats
from analyses.relationship.crossings import crossings
from analyses.relationship.sets import ConfidenceSet, grid, level_set

type Along = Callable[[Floats], Floats]
"""A function of angles (n,), of period pi."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """A statistic along the circle of slopes: its ``values`` (n,) at sorted ``angles``, with every minimum.

    ``lows`` are the angles of the local minima, the lowest first.
    """

    statistic: Along
    angles: Floats
    values: Floats
    lows: Floats

    @property
    def least(self) -> float:
        """The statistic's smallest value."""
        return float(self.values.min())

    def where(self, excess: Along, unit: float) -> ConfidenceSet:
        """The slopes at which a function of the statistic's value is at most 0; ``unit`` as in ``invert``."""
        return level_set(lambda at: excess(self.statistic(at)), self.angles, excess(self.values), unit)


def charted(statistic: Along, gradient: Along, seeds: Floats) -> Curve:
    """The curve on an even grid and at ``seeds``, angles of valleys that a grid may step over."""
    angles = grid(seeds)
    values = statistic(angles)
    low = np.flatnonzero((values <= np.roll(values, 1)) & (values <= np.roll(values, -1)))
    exact = _lowest(gradient, angles, low)
    depths = statistic(exact)
    order = np.argsort(depths)
    every, first = np.unique(np.concatenate([exact, angles]), return_index=True)
    return Curve(
        statistic=statistic,
        angles=every,
        values=np.concatenate([depths, values])[first],
        lows=exact[order],
    )


def _lowest(gradient: Along, angles: Floats, at: npt.NDArray[np.intp]) -> Floats:
    """The exact minima (n,) next to some of the grid's angles, given by their places in it.

    One whose neighbours do not frame a change of the gradient's sign stays where it is: it lies on an edge.
    """
    left = angles[at - 1] - pi * (at == 0)
    right = angles[(at + 1) % len(angles)] + pi * (at == len(angles) - 1)
    down, up = np.split(gradient(np.concatenate([left, right])), 2)
    framed = (down < 0) & (up > 0)
    found = angles[at]
    found[framed] = crossings(gradient, (left[framed], right[framed]), (down[framed], up[framed]))
    return found
