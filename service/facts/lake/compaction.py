"""How does the lake stay in few, sorted files, however many folds write into it?

Every fold adds a file to each day that it touches. A day that has more than it may is written again, sorted,
in one turn of its own; a closed day or month may have one file, an open one a few more, since it will grow.
Files that are replaced so stay until `vacuum`, for the snapshots that name them.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from service.facts import engine
from service.facts.lake import delta, folding, turns
from service.facts.lake.layout import TABLES
from service.facts.lake.turns import Turn
from service.facts.tables import FactKind, LakeWork
from service.kit.clock import now
from service.kit.database import Database
from service.kit.ids import new_id
from service.settings import Settings

if TYPE_CHECKING:
    from deltalake import DeltaTable

_CROWD = 8  # files that an open day, or an experiment, may have
_BATCH = 100_000  # rows that pass from the engine to the table at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One partition of a table: a day of outcomes, an experiment's assignments, a month of attributes."""

    kind: FactKind
    value: str
    files: tuple[str, ...]
    size: int  # bytes
    rows: int

    @property
    def crowded(self) -> bool:
        """A large part takes several files, how many is the writer's to say: twice that is too many."""
        large = 2 * self.size // delta.LARGEST_FILE
        return len(self.files) > large + (1 if self._closed else _CROWD)

    @property
    def _closed(self) -> bool:
        """Whether its time is over, so that little more will come in."""
        if not _is_dated(self.kind):
            return False
        today = now().date()
        open_since = today.replace(day=1) if TABLES[self.kind].partition == "month" else today
        return date.fromisoformat(self.value) < open_since


def _is_dated(kind: FactKind) -> bool:
    table = TABLES[kind]
    return bool(pa.types.is_date(table.schema.field(table.partition).type))


def compact(settings: Settings, database: Database) -> tuple[Part, ...]:
    """Rewrite every part that has too many files; what they were. Folds go first."""
    holder = new_id("cmp")
    crowded = [part for kind in FactKind for part in parts(settings, kind) if part.crowded]
    return tuple(part for part in crowded if _compacted(settings, database, holder, part))


def parts(settings: Settings, kind: FactKind) -> list[Part]:
    return _parts(delta.open_table(settings, kind), kind)


def _parts(table: "DeltaTable", kind: FactKind) -> list[Part]:
    key = TABLES[kind].partition
    found: dict[str, list[dict[str, object]]] = {}
    for file in pa.table(table.get_add_actions(flatten=True)).to_pylist():
        found.setdefault(str(file[f"partition.{key}"]), []).append(file)
    return [
        Part(
            kind=kind,
            value=value,
            files=tuple(sorted(f"{kind}/{file['path']}" for file in files)),
            size=sum(int(str(file["size_bytes"])) for file in files),
            rows=sum(int(str(file["num_records"])) for file in files),
        )
        for value, files in sorted(found.items())
    ]


def _compacted(settings: Settings, database: Database, holder: str, part: Part) -> bool:
    """Whether it was done: somebody else may have been quicker."""
    turn = folding.own_turn(settings, database, holder, LakeWork.COMPACTION)
    with suppress(delta.Overtaken), turns.beating(settings, database, turn):
        done = _rewritten(settings, turn, part)
        folding.settle(settings, database, turn)
        return done
    return False


def _rewritten(settings: Settings, turn: Turn, wanted: Part) -> bool:
    table = delta.open_table(settings, wanted.kind)
    part = next((part for part in _parts(table, wanted.kind) if part.value == wanted.value), None)
    if part is None or not part.crowded:
        return False
    with engine.connection(settings) as opened:
        engine.register(opened, settings, "part", part.files, TABLES[part.kind].schema)
        rows = opened.execute(_sorted(part), {"value": part.value}).to_arrow_reader(_BATCH)
        delta.rewrite(table, part.kind, part.value, _whole(rows, part), turn.number)
    return True


def _sorted(part: Part) -> str:
    table = TABLES[part.kind]
    key = table.partition
    kind = "DATE" if _is_dated(part.kind) else "VARCHAR"
    columns = [f"$value::{kind} AS {name}" if name == key else name for name in table.schema.names]
    return f"SELECT {', '.join(columns)} FROM part ORDER BY {table.order}"  # noqa: S608 - our own names


def _whole(rows: pa.RecordBatchReader, part: Part) -> pa.RecordBatchReader:
    """The same rows; an error, before anything is committed, if they are not as many as the log says."""
    schema = TABLES[part.kind].schema

    def counted() -> Iterator[pa.RecordBatch]:
        count = 0
        for batch in rows:
            count += batch.num_rows
            yield batch.cast(schema)
        if count != part.rows:
            raise ValueError(f"{part.kind} {part.value}: expected {part.rows} rows, its files hold {count}")

    return pa.RecordBatchReader.from_batches(schema, counted())
