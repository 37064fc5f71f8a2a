"""What is known while a batch is checked: how it is read, the first fault of each row, what stays?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from service.experiments.assignable import Assignable
from service.facts.ingest.rows import Rejection

if TYPE_CHECKING:
    import numpy.typing as npt

type Experiments = Callable[[set[str]], Mapping[str, Assignable]]
type Places = "npt.NDArray[np.intp] | Sequence[int]"

_NOTHING: Mapping[str, int] = MappingProxyType({})
_FINE = False  # what is not known to be wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The rows that are kept, in the columns of the inbox, and why each of the others is not."""

    rows: pa.Table
    numbers: pa.Array  # of these rows, in the body
    rejections: Sequence[Rejection]
    unused: Mapping[str, int] = _NOTHING  # of these rows, how many no analysis will use, by the reason


def _none(_: set[str]) -> Mapping[str, Assignable]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the caller wants the body to be read."""

    zone: tzinfo | None = None  # of times without an offset
    latest: datetime | None = None  # what happens after it cannot have happened yet
    id_prefix: str | None = None  # rows are named by it and their number
    experiments: Experiments = _none  # those of these that exist
    team: str | None = None  # whose experiments the caller may assign to; None: any team's


class Sieve:
    """Collects the first fault of each row."""

    def __init__(self, numbers: pa.Array) -> None:
        self.numbers = numbers
        self._faults: dict[int, tuple[str, str]] = {}

    def reject(self, places: Places, field: str, reason: str) -> None:
        for place in places:
            self._faults.setdefault(int(place), (field, reason))

    def reject_where(self, bad: pa.Array, field: str, reason: str) -> None:
        if not bad.true_count:  # as nearly always: nothing need be looked for
            return
        self.reject(np.flatnonzero(bad.fill_null(_FINE).to_numpy(zero_copy_only=False)), field, reason)

    def kept(self) -> pa.Array | None:
        """Which rows stay; None where all do."""
        if not self._faults:
            return None
        mask = np.ones(len(self.numbers), dtype=bool)
        mask[list(self._faults)] = False
        return pa.array(mask)

    def rejections(self) -> list[Rejection]:
        return [
            Rejection(row=self.numbers[place].as_py(), field=field, reason=reason)
            for place, (field, reason) in self._faults.items()
        ]
