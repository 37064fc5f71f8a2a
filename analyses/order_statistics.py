"""What must one pass over the data yield where means say too little? Ranked units, and the largest."""

from dataclasses import dataclass
from math import ceil, floor, sqrt

QUANTILE_Z = 1.959963984540054
"""Quantile .975 of the standard normal: how far the ranks of the interval's ends lie from n·p."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatistics:
    """A quantile of one arm's units in one phase, and the order statistics that bound it.

    ``probability`` p, ``n`` the units that have the metric, ``value`` the smallest number that at least n·p
    of them do not exceed. ``lower`` and ``upper`` are the order statistics of rank floor(n·p - z·s) and
    ceil(n·p + z·s), s = sqrt(n·p·(1-p)), z = 1.96: an interval for the quantile without a density to
    estimate; (upper - lower) / 2z is its standard error (Conover 1999, Practical Nonparametric Statistics,
    3.2). Both are None where a rank lies outside 1..n: too few units to say; ``value`` is None if nobody has
    the metric.
    """

    probability: float
    n: int
    value: float | None
    lower: float | None
    upper: float | None

    def __post_init__(self) -> None:
        if not 0 < self.probability < 1:
            raise ValueError(f"expected a probability between 0 and 1, got {self.probability}")
        if (self.n > 0) != (self.value is not None):
            raise ValueError(f"expected a value where there are units, got {self.value} of {self.n} units")
        if (self.lower is None) != (self.upper is None):
            raise ValueError(f"expected both bounds or none, got {self.lower} and {self.upper}")


def ranks(n: int, probability: float) -> tuple[int, int, int]:
    """Ranks, counted from 1, of the lower bound, of the quantile and of the upper bound; may lie outside."""
    middle, spread = n * probability, QUANTILE_Z * sqrt(n * probability * (1 - probability))
    return floor(middle - spread), max(1, ceil(middle)), ceil(middle + spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class Largest:
    """The units of one arm and phase whose value is among the largest of all arms, in absolute size.

    ``threshold`` is the quantile .999 of the absolute value over the analysed units of all arms and phases
    (interpolated between the two nearest ranks); ``n`` units of this arm exceed it, and their values add up
    to ``total``, in units of the metric. Without them the arm's mean is (N·mean - total) / (N - n).
    """

    threshold: float
    n: int
    total: float
