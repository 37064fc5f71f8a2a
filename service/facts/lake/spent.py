"""Which ids have counted already, although the lake no longer has their rows?

Retention and erasure take rows out; the same id of a source must not count again. So who takes rows out first
writes down the SHA-256 of their source and id, cut to 16 bytes, in sorted files beside the tables. These only
say "was in the lake": an id that two files have, or whose row stayed since its turn was killed, does no harm.
So they need no log, and no number of a turn.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from service.facts import engine, spill, store
from service.facts.lake.layout import TABLES
from service.facts.tables import FactKind
from service.kit.ids import new_id
from service.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FOLDER = "spent"
_BATCH = 1_000_000  # rows that pass from the engine at once
_LARGEST = 8_000_000  # ids of one file: bounds the memory of who writes or merges it
_CROWD = 8  # files smaller than that, until they are merged
# The length tells apart sources and ids that are the same text together.
_DIGEST = "SELECT unhex(left(sha256(length(source)::VARCHAR || ':' || source || id), 32)) FROM {rows}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    heads: NDArray[np.uint64]  # their first eight bytes
    tails: NDArray[np.uint64]  # their last eight

    @classmethod
    def of(cls, column: pa.Array) -> Self:
        whole = column.cast(pa.binary(16))
        halves = np.frombuffer(whole.buffers()[1], ">u8", 2 * len(whole), whole.offset * 16).reshape(-1, 2)
        return cls(heads=halves[:, 0].astype(np.uint64), tails=halves[:, 1].astype(np.uint64))

    @classmethod
    def together(cls, some: Iterable[Self]) -> Self:
        """Sorted, each once."""
        given = tuple(some)
        heads = np.concatenate([one.heads for one in given])
        tails = np.concatenate([one.tails for one in given])
        order = np.lexsort((tails, heads))
        heads, tails = heads[order], tails[order]
        first = np.append(True, (heads[1:] != heads[:-1]) | (tails[1:] != tails[:-1]))
        return cls(heads=heads[first], tails=tails[first])

    def __len__(self) -> int:
        return len(self.heads)

    def among(self, known: "Digests") -> NDArray[np.bool_]:
        """Which of them are among these, that are sorted."""
        place = np.searchsorted(known.heads, self.heads)
        end = np.searchsorted(known.heads, self.heads, side="right")
        found = np.zeros(len(self), dtype=np.bool_)
        while (open_ := np.flatnonzero(place < end)).size:  # once, but where heads are the same by chance
            found[open_] |= known.tails[place[open_]] == self.tails[open_]
            place[open_] += 1
        return found


def remember(settings: Settings, kind: FactKind, opened: "DuckDBPyConnection", rows: str) -> None:
    """Write down the ids of rows, a query in the engine, that are about to leave the lake."""
    if not TABLES[kind].has_ids:
        return
    batches = opened.execute(_DIGEST.format(rows=f"({rows})")).to_arrow_reader(_BATCH)
    for digests in _by_file(Digests.of(batch.column(0)) for batch in batches):
        _write(settings, kind, digests)
    _merge(settings, kind)


def unspent(settings: Settings, kind: FactKind, rows: pa.Table) -> pa.Table:
    """Those of these rows whose ids have not counted in a row that is gone."""
    if not (TABLES[kind].has_ids and rows.num_rows and _files(settings, kind)):
        return rows
    with engine.connection(settings) as opened:
        opened.register("arrived", rows.select(TABLES[kind].known_by))
        digests = opened.execute(_DIGEST.format(rows="arrived")).to_arrow_table().column(0)
        asked, known = Digests.of(digests.combine_chunks()), np.zeros(rows.num_rows, dtype=np.bool_)
        for file in _read(settings, kind, engine.folder_of(opened)):
            known |= asked.among(file)
    return rows.filter(pa.array(~known)) if known.any() else rows


def count(settings: Settings, kind: FactKind) -> int:
    """How many ids are known so; one that is in two files counts twice."""
    return sum(_files(settings, kind).values())


def _files(settings: Settings, kind: FactKind) -> dict[str, int]:
    """By name, how many ids each holds, as its name says."""
    stored = store.data_files(settings, f"{_FOLDER}/{kind}")
    return {name: int(name.removesuffix(store.ARROW).rpartition("-")[2]) for name in stored}


def _by_file(some: Iterable[Digests]) -> Iterator[Digests]:
    """The same, as many at once as one file takes."""
    waiting: list[Digests] = []
    for digests in some:
        if sum(map(len, waiting)) + len(digests) > _LARGEST:
            yield Digests.together(waiting)
            waiting = []
        waiting.append(digests)
    if waiting:
        yield Digests.together(waiting)


def _write(settings: Settings, kind: FactKind, digests: Digests) -> None:
    """Not compressed: who looks ids up maps the file into memory."""
    table = pa.table({"head": digests.heads, "tail": digests.tails})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    name = f"{_FOLDER}/{kind}/{new_id('spt')}-{len(digests)}{store.ARROW}"
    store.put(settings, name, sink.getvalue().to_pybytes())


def _merge(settings: Settings, kind: FactKind) -> None:
    """One file instead of many small ones: who looks ids up looks into each."""
    small = sorted((size, name) for name, size in _files(settings, kind).items() if size < _LARGEST)
    sizes = accumulate(size for size, _ in small)
    together = [name for (_, name), total in zip(small, sizes, strict=True) if total <= _LARGEST]
    if len(small) <= _CROWD or len(together) == 1:
        return
    with spill.folder(settings) as folder:
        merged = Digests.together(map(_mapped, store.readable(settings, together, folder)))
    _write(settings, kind, merged)
    store.remove(settings, together)


def _read(settings: Settings, kind: FactKind, folder: Path) -> list[Digests]:
    while True:
        with suppress(store.FilesGone, FileNotFoundError):  # merged since they were listed
            return [_mapped(path) for path in store.readable(settings, tuple(_files(settings, kind)), folder)]


def _mapped(path: str) -> Digests:
    table = pa.ipc.open_file(pa.memory_map(path)).read_all().combine_chunks()
    heads, tails = (table[name].chunk(0).to_numpy(zero_copy_only=True) for name in ("head", "tail"))
    return Digests(heads=heads, tails=tails)
