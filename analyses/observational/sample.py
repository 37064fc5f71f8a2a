"""Which units, and which number of each? The table that every observational estimator reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analyses.moments import Floats, Moments, moments_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Rows (n, p) of finite numbers, one a unit; a node of the graph may be several columns (a category).

    ``nodes`` names each node's columns; a node that is not named is the column of the same name.
    """

    columns: tuple[str, ...]
    rows: Floats
    nodes: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.columns)) != len(self.columns):
            raise ValueError(f"column names must differ, got {self.columns}")
        if self.rows.ndim != 2 or self.rows.shape[1] != len(self.columns):
            raise ValueError(f"expected rows of {len(self.columns)} columns, got {self.rows.shape}")
        if not np.isfinite(self.rows).all():
            raise ValueError("values must be finite: leave units without a value out, and count them")

    @property
    def n(self) -> int:
        return len(self.rows)

    @property
    def moments(self) -> Moments:
        return moments_of(self.columns, self.rows)

    def of(self, node: str) -> tuple[str, ...]:
        """The columns of a node."""
        return dict(self.nodes).get(node, (node,))

    def columns_of(self, nodes: Iterable[str]) -> tuple[str, ...]:
        return tuple(column for node in nodes for column in self.of(node))

    def values(self, columns: Sequence[str]) -> Floats:
        """Of some columns (n, k)."""
        found: Floats = self.rows[:, [self.columns.index(name) for name in columns]]
        return found

    def only(self, which: npt.NDArray[Any] | slice) -> "Sample":
        """Some of the units, by index or mask."""
        return Sample(columns=self.columns, rows=self.rows[which], nodes=self.nodes)

    def replaced(self, column: str, values: Floats) -> "Sample":
        """The same units with other values in one column."""
        rows = self.rows.copy()
        rows[:, self.columns.index(column)] = values
        return Sample(columns=self.columns, rows=rows, nodes=self.nodes)
