"""What do two random halves of the same units say, for a thousand halvings, after one pass over the rows?"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import shake_128

import numpy as np
import numpy.typing as npt

from analyses import Measure, Moments

type Floats = npt.NDArray[np.float64]
type Bits = npt.NDArray[np.uint8]

ROWS = 8_192  # held as numbers at a time, for every split


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealt:
    """The columns of one measure, and where their sums and products stand among all that are added up."""

    measure: Measure
    columns: tuple[str, ...]
    products: tuple[tuple[int, ...], ...]


class Splits:
    """Sums over one side of every split: moments of both sides follow, since all units together are known.

    Each unit falls on either side with one half, independently, as a hash of its id would have it. Sums are
    of distances from the first rows' means, so that no digits are lost to a large mean.
    """

    def __init__(self, columns: Sequence[str], measures: Sequence[Measure], splits: int) -> None:
        self.columns, self.splits = tuple(columns), splits
        self._pairs: list[tuple[int, int]] = []
        self.dealt = tuple(self._deal(measure) for measure in measures)
        features = 1 + len(self.columns) + len(self._pairs)
        self._side, self._all = np.zeros((splits, features)), np.zeros(features)
        self._origin: Floats | None = None

    @property
    def units(self) -> int:
        return round(float(self._all[0]))

    def add(self, rows: Floats, bits: Bits) -> None:
        """Some units (n, columns), and for each the packed bits of its sides."""
        for first in range(0, len(rows), ROWS):
            some = slice(first, first + ROWS)
            features = self._features(rows[some])
            sides = np.unpackbits(bits[some], axis=1, count=self.splits).astype(np.float64)
            self._side += sides.T @ features
            self._all += features.sum(axis=0)

    def sides(self, split: int, dealt: Dealt) -> tuple[Moments, Moments]:
        """Moments of one measure's columns on either side."""
        one = self._side[split]
        return self._moments(self._all - one, dealt), self._moments(one, dealt)

    def _deal(self, measure: Measure) -> Dealt:
        names = tuple(
            dict.fromkeys((measure.value, *([measure.per] if measure.per else []), *measure.covariates))
        )
        at = [self.columns.index(name) for name in names]
        return Dealt(
            measure=measure, columns=names, products=tuple(tuple(self._pair(a, b) for b in at) for a in at)
        )

    def _pair(self, a: int, b: int) -> int:
        pair = (min(a, b), max(a, b))
        if pair not in self._pairs:
            self._pairs.append(pair)
        return 1 + len(self.columns) + self._pairs.index(pair)

    def _features(self, rows: Floats) -> Floats:
        if self._origin is None:
            self._origin = rows.mean(axis=0)
        away = rows - self._origin
        products = [away[:, a] * away[:, b] for a, b in self._pairs]
        return np.column_stack([np.ones(len(rows)), away, *products])

    def _moments(self, sums: Floats, dealt: Dealt) -> Moments:
        n = round(sums[0])
        at = [self.columns.index(name) for name in dealt.columns]
        origin = np.zeros(len(at)) if self._origin is None else self._origin[at]
        away = sums[[1 + place for place in at]] / max(n, 1)
        scatter = sums[np.array(dealt.products)] - n * np.outer(away, away)
        spread = np.sqrt(np.maximum(np.diag(scatter), 0.0))
        np.fill_diagonal(scatter, spread**2)
        return Moments(columns=dealt.columns, n=n, mean=origin + away, scatter=scatter)


def bits_by_row(rng: np.random.Generator, rows: int, splits: int) -> Bits:
    """Sides of units that have no id: by chance, in the order of the rows."""
    return rng.integers(0, 256, (rows, (splits + 7) // 8), dtype=np.uint8)


def bits_by_unit(units: Sequence[str], splits: int, seed: int) -> Bits:
    """Sides by a hash of the unit's id: the same whatever the order, and for all rows of a unit."""
    size = (splits + 7) // 8
    dealt = b"".join(shake_128(f"{seed}:{unit}".encode()).digest(size) for unit in units)
    return np.frombuffer(dealt, dtype=np.uint8).reshape(len(units), size)
