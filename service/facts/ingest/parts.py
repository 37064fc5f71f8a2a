"""In what parts is a body kept, between its parsing and its commit? Each packed, few of them in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from service.facts import inbox
from service.facts.ingest.rows import Rejection
from service.facts.ingest.sieve import Checked
from service.facts.ingest.spool import Spool

_IN_MEMORY = 4 * 1024 * 1024  # bytes of packed parts
REJECTIONS = pa.schema([("row", pa.int64()), ("field", pa.string()), ("reason", pa.string())])


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some rows of a body as the inbox keeps them, and those rejected among them."""

    accepted: int
    rejected: int
    rows: bytes
    rejections: bytes
    unused: Mapping[str, int]  # as Checked has it


class Parts:
    """The parts of one body, in its order; beyond a little they lie in a spool."""

    def __init__(self, folder: Path) -> None:
        self._spool = Spool(folder, _IN_MEMORY)
        self._parts: list[tuple[Part, int, int]] = []  # without bytes, and how many bytes those are

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spool.close()

    def add(self, found: Checked) -> None:
        part = part_of(found)
        self._spool.write(part.rows)
        self._spool.write(part.rejections)
        self._parts.append((replace(part, rows=b"", rejections=b""), len(part.rows), len(part.rejections)))

    def __iter__(self) -> Iterator[Part]:
        """One after the other; they can be gone through again."""
        start = 0
        for part, rows, rejections in self._parts:
            yield replace(
                part,
                rows=self._spool.read(start, rows),
                rejections=self._spool.read(start + rows, rejections),
            )
            start += rows + rejections


def part_of(found: Checked) -> Part:
    return Part(
        accepted=found.rows.num_rows,
        rejected=len(found.rejections),
        rows=inbox.packed(found.rows),
        rejections=_packed(found.rejections),
        unused=found.unused,
    )


@cache
def _nothing() -> bytes:
    """What most batches keep of their rejections."""
    return inbox.packed(REJECTIONS.empty_table())


def _packed(found: Sequence[Rejection]) -> bytes:
    if not found:
        return _nothing()
    columns = [
        [rejection.row for rejection in found],
        [rejection.field for rejection in found],
        [rejection.reason for rejection in found],
    ]
    return inbox.packed(pa.table(columns, schema=REJECTIONS))
