"""Of which parts does a table consist, and how are some of them written again?

Many small parts are written again together, in one commit: who sends events of ten thousand days must not
cost ten thousand.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from service.facts import engine
from service.facts.lake import delta, spent
from service.facts.lake.layout import TABLES
from service.facts.tables import FactKind
from service.kit.clock import now
from service.settings import Settings

if TYPE_CHECKING:
    from deltalake import DeltaTable

_BATCH = 100_000  # rows that pass from the engine to the table at once
_MOST_TOGETHER = 500  # parts that one commit writes again
_LARGEST_TOGETHER = 2 * delta.LARGEST_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One partition of a table: a day of outcomes, an experiment's assignments, a month of attributes."""

    kind: FactKind
    value: str
    files: tuple[str, ...]
    size: int  # bytes
    rows: int
    first: datetime | None  # the earliest time in it
    last: datetime | None

    @property
    def closed(self) -> bool:
        """Whether its time is over, so that little more will come in."""
        if not _is_dated(self.kind):
            return False
        today = now().date()
        open_since = today.replace(day=1) if TABLES[self.kind].partition == "month" else today
        return date.fromisoformat(self.value) < open_since


def _is_dated(kind: FactKind) -> bool:
    table = TABLES[kind]
    return bool(pa.types.is_date(table.schema.field(table.partition).type))


def parts(settings: Settings, kind: FactKind) -> list[Part]:
    """By value."""
    return parts_of(delta.open_table(settings, kind), kind)


def parts_of(table: "DeltaTable", kind: FactKind) -> list[Part]:
    key = f"partition.{TABLES[kind].partition}"
    wanted = (key, "path", "size_bytes", "num_records", "min.time", "max.time")
    actions = pa.table(table.get_add_actions(flatten=True))
    found: dict[str, list[_File]] = {}
    columns = [actions[name].to_pylist() if name in actions.column_names else [] for name in wanted]
    for value, path, size, rows, first, last in zip(*columns, strict=True):
        file = _File(path=f"{kind}/{path}", size=size, rows=rows, first=first, last=last)
        found.setdefault(str(value), []).append(file)
    return [_part(kind, value, files) for value, files in sorted(found.items())]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    path: str
    size: int
    rows: int
    first: datetime | None
    last: datetime | None


def _part(kind: FactKind, value: str, files: Sequence[_File]) -> Part:
    return Part(
        kind=kind,
        value=value,
        files=tuple(sorted(file.path for file in files)),
        size=sum(file.size for file in files),
        rows=sum(file.rows for file in files),
        first=min((file.first for file in files if file.first), default=None),
        last=max((file.last for file in files if file.last), default=None),
    )


def together(wanted: Iterable[Part]) -> Iterator[list[Part]]:
    """As many parts of one table as one commit may write again; a large one alone."""
    group: list[Part] = []
    for part in wanted:
        size = sum(one.size for one in group) + part.size
        full = len(group) == _MOST_TOGETHER or size > _LARGEST_TOGETHER
        if group and (full or group[0].kind is not part.kind):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def rewrite(
    settings: Settings, table: "DeltaTable", some: Sequence[Part], turn: int, keep: str = engine.EVERYTHING
) -> int:
    """Write parts of one table again, sorted, with those of their rows that `keep` is true of; how many went.

    Raises ValueError, and leaves everything as it is, where the files hold other rows than the log says.
    """
    kind, rows = some[0].kind, sum(part.rows for part in some)
    files = [file for part in some for file in part.files]
    values = [part.value for part in some]
    with engine.connection(settings) as opened:
        engine.register(opened, settings, "part", files, TABLES[kind].schema)
        found = engine.number(opened, "SELECT count(*) FROM part")
        if found != rows:
            raise ValueError(f"{kind} {_named(values)}: expected {rows} rows, its files hold {found}")
        left = engine.number(opened, f"SELECT count(*) FROM part WHERE {keep}")  # noqa: S608 - our own text
        if left < rows:
            spent.remember(settings, kind, opened, f"FROM part WHERE NOT ({keep})")
        if left:
            stream = opened.execute(_sorted(kind, keep)).to_arrow_reader(_BATCH)
            delta.rewrite(table, kind, values, _whole(stream, kind, _named(values), left), turn)
        else:
            delta.drop(table, kind, values, turn)
    return rows - left


def leave_out(settings: Settings, table: "DeltaTable", some: Sequence[Part], turn: int) -> None:
    """Drop parts of one table whole: a matter of the log, and of their rows' ids."""
    kind = some[0].kind
    with engine.connection(settings) as opened:
        engine.register(
            opened, settings, "part", [file for part in some for file in part.files], TABLES[kind].schema
        )
        spent.remember(settings, kind, opened, "FROM part")
    delta.drop(table, kind, [part.value for part in some], turn)


def _named(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{values[0]} … {values[-1]}"


def _sorted(kind: FactKind, keep: str) -> str:
    table = TABLES[kind]
    key = table.partition
    cast = "DATE" if _is_dated(kind) else "VARCHAR"
    columns = [f"{name}::{cast} AS {name}" if name == key else name for name in table.schema.names]
    chosen = f"SELECT {', '.join(columns)} FROM part WHERE {keep}"  # noqa: S608 - our own text
    return f"{chosen} ORDER BY {key}, {table.order}"


def _whole(rows: pa.RecordBatchReader, kind: FactKind, name: str, expected: int) -> pa.RecordBatchReader:
    """The same rows; an error, before anything is committed, if they are not as many as expected."""
    schema = TABLES[kind].schema

    def counted() -> Iterator[pa.RecordBatch]:
        count = 0
        for batch in rows:
            count += batch.num_rows
            yield batch.cast(schema)
        if count != expected:
            raise ValueError(f"{kind} {name}: expected {expected} rows, its files hold {count}")

    return pa.RecordBatchReader.from_batches(schema, counted())
