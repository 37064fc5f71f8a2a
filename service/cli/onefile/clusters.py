"""What do the units of each cluster add up to? For a file whose arms were given to whole clusters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analyses import CLUSTER_SIZE, Moments, moments_of
from service.cli.onefile.problem import FileProblem
from service.cli.onefile.read import Batch, Floats

type Group = tuple[str, str]
"""Experiment, arm."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of every cluster so far, its number of units last: one row is held for each of them."""

    found: dict[Group, dict[str, Floats]] = field(default_factory=dict)

    def add(
        self, group: Group, batch: Batch, column: str, members: npt.NDArray[np.intp], rows: Floats
    ) -> None:
        """The rows of some members of a batch; every one of them must have a cluster."""
        codes, values = batch.texts[column]
        own = codes[members]
        if (own < 0).any():
            raise FileProblem(f"column {column!r} is empty in a row that has an arm, expected the cluster")
        present, places = np.unique(own, return_inverse=True)
        sums = np.zeros((len(present), rows.shape[1] + 1))
        np.add.at(sums, places, np.column_stack([rows, np.ones(len(rows))]))
        known = self.found.setdefault(group, {})
        for code, total in zip(present.tolist(), sums, strict=True):
            name = values[code]
            known[name] = known[name] + total if name in known else total

    def moments(self, columns: tuple[str, ...]) -> Iterator[tuple[Group, Moments]]:
        """Of clusters, by group; a cluster with units in several arms belongs to none."""
        several = self.several
        for group, totals in self.found.items():
            kept = [total for name, total in totals.items() if name not in several[group[0]]]
            yield group, moments_of((*columns, CLUSTER_SIZE), np.array(kept).reshape(-1, len(columns) + 1))

    @property
    def several(self) -> Mapping[str, frozenset[str]]:
        """The clusters with units in several arms, by experiment."""
        seen: dict[str, dict[str, int]] = {}
        for (experiment, _), totals in self.found.items():
            counts = seen.setdefault(experiment, {})
            for name in totals:
                counts[name] = counts.get(name, 0) + 1
        return {
            experiment: frozenset(name for name, arms in counts.items() if arms > 1)
            for experiment, counts in seen.items()
        }
