"""Where does a function change its sign? At many places at once, so that it is called but a few times."""

from collections.abc import Callable
from math import isnan

import numpy as np

from analyses.moments import Floats

NEAR = 1e-15  # radians, or whatever is searched: closer than this two ends are one
ROUNDED = 1e-14  # of the place itself


def crossings(
    of: Callable[[Floats], Floats], ends: tuple[Floats, Floats], values: tuple[Floats, Floats]
) -> Floats:
    """The places (n,) between ``ends`` (left and right, (n,) each) where a function is zero.

    ``values`` are the function's there, of opposite sign or zero. Each call asks about every place that is
    still open, by Chandrupatla's method (1997, Advances in Engineering Software 28(3)): inverse quadratic
    interpolation where the last three values allow it, else bisection, so that no bracket is ever lost.
    ``scipy.optimize.elementwise.find_root`` is the same method and finds the same places, to 3e-14; but its
    steps are arrays, which for the two or three places of a set cost more than the function that is asked:
    effects with a verdict take twice as long by it (22 ms for 11, ``tests/bench/effects.py``).
    """
    if not all(np.isfinite(one).all() for one in (*ends, *values)):
        raise ValueError("expected finite places and values, between which a sign can change")
    brackets = [_Bracket(*one) for one in zip(*map(np.ndarray.tolist, (*ends, *values)), strict=True)]
    opened = [one for one in brackets if not one.closed]
    while opened:
        for one, value in zip(opened, of(np.array([one.next for one in opened])).tolist(), strict=True):
            one.narrow(value)
        opened = [one for one in opened if not one.closed]
    return np.array([one.best for one in brackets])


class _Bracket:
    """One change of sign between ``a``, the place asked last, and ``b``; ``c`` was left behind."""

    __slots__ = ("a", "at_a", "at_b", "b", "share")

    def __init__(self, left: float, right: float, at_left: float, at_right: float) -> None:
        self.a, self.b, self.at_a, self.at_b = left, right, at_left, at_right
        self.share = at_left / (at_left - at_right) if at_left != at_right else 0.5

    @property
    def best(self) -> float:
        """The end at which the function is nearer to zero."""
        return self.a if abs(self.at_a) <= abs(self.at_b) else self.b

    @property
    def _near(self) -> float:
        """How far from an end it is worth asking, as a share of the bracket."""
        return (NEAR + ROUNDED * abs(self.best)) / abs(self.b - self.a) if self.b != self.a else 1.0

    @property
    def closed(self) -> bool:
        """Whether the place is known."""
        return 2 * self._near > 1 or self.at_a == 0 or self.at_b == 0

    @property
    def next(self) -> float:
        """Where to ask."""
        near = self._near
        return self.a + min(max(self.share, near), 1 - near) * (self.b - self.a)

    def narrow(self, value: float) -> None:
        """Take in the function's value at ``next``, and choose where to ask then."""
        if isnan(value):  # or the search would never end
            raise ValueError(f"expected a value at {self.next}, got none")
        at = self.next
        if (value > 0) == (self.at_a > 0):
            c, at_c = self.a, self.at_a
        else:
            c, at_c, self.b, self.at_b = self.b, self.at_b, self.a, self.at_a
        self.a, self.at_a = at, value
        self.share = self._interpolated(c, at_c)

    def _interpolated(self, c: float, at_c: float) -> float:
        """The share of the bracket at which a parabola through three points, lying on its side, is zero."""
        a, b, at_a, at_b = self.a, self.b, self.at_a, self.at_b
        place, height = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
        if not 1 - (1 - place) ** 0.5 < height < place**0.5:
            return 0.5
        far = (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)
        return at_a / (at_b - at_a) * at_c / (at_b - at_c) + far
