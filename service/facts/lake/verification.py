"""Does inbox and lake together hold what was acknowledged: all of it, once, and nothing else?

Compared id by id, in the engine: the batches' own rows, as far as the inbox still keeps them, against every
row of the lake as the last finished change left it. What the inbox no longer keeps is compared by counts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import func, select

from service.facts import engine, inbox
from service.facts.lake import folding, retirement, spent, tombstones, turns
from service.facts.lake.layout import TABLES
from service.facts.lake.snapshot import Snapshot
from service.facts.tables import Batch, FactKind, Fold
from service.kit.database import Database
from service.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXAMPLES = 5
_ABSENT = "SELECT DISTINCT * FROM kept ANTI JOIN stored USING ({key})"
_AT_ONCE = 500  # batches
_BYTES_AT_ONCE = 8 * 1024 * 1024  # as the inbox keeps them: bounds memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some rows: how many, and a few by name."""

    count: int
    examples: tuple[str, ...] = ()


NONE = Rows(count=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProof:
    """What was compared for one table, in rows, and what differs."""

    kind: FactKind
    acknowledged: int  # accepted by every request so far, repeats included, without what was erased since
    pending: int  # of these: in the inbox only
    compared: int  # of these: folded, and compared id by id
    counted: int  # of these: folded, and no longer kept in the inbox
    distinct: int  # ids among those compared
    in_lake: int = 0
    recorded: int | None = None  # that the last change of the lake said it left
    missing: Rows = NONE  # acknowledged and folded, not in the lake
    unexpected: Rows = NONE  # in the lake, in no batch
    repeated: Rows = NONE  # in the lake more than once
    damaged: Rows = NONE  # batches whose kept rows are not what was accepted
    unreadable: str | None = None  # why the lake's files could not be read

    @property
    def differences(self) -> tuple[str, ...]:
        told = [
            _told(self.missing, "acknowledged rows are not in the lake"),
            _told(self.unexpected, "rows of the lake are in no batch"),
            _told(self.repeated, "rows are in the lake more than once"),
            _told(self.damaged, "batches do not hold the rows that were accepted"),
            f"the files cannot be read: {self.unreadable}" if self.unreadable else None,
        ]
        if self.unreadable is None and self.recorded not in {None, self.in_lake}:
            told.append(f"the last change left {self.recorded} rows, the lake has {self.in_lake}")
        return tuple(f"{self.kind}: {one}" for one in told if one is not None)


def _told(rows: Rows, what: str) -> str | None:
    if not rows.count:
        return None
    return f"{rows.count} {what}, such as {', '.join(rows.examples)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """``last`` is the number of the change up to which the lake was compared."""

    last: int
    tables: tuple[TableProof, ...]

    @property
    def differences(self) -> tuple[str, ...]:
        return tuple(difference for table in self.tables for difference in table.differences)


def verify(settings: Settings, database: Database) -> Proof:
    """Exact, and as slow as reading every id once; folds may go on meanwhile."""
    snapshot = folding.pin(settings, database)
    with database.read() as session:
        recorded = turns.tables(session, session.get(Fold, snapshot.fold))
        erased = (*snapshot.erased, *tombstones.unremoved(session))
    return Proof(
        last=snapshot.fold,
        tables=tuple(
            replace(_proof(settings, database, snapshot, kind, erased), recorded=recorded[kind].rows)
            for kind in FactKind
        ),
    )


def _keeps(database: Database, kind: FactKind, erased: Iterable[str]) -> str:
    """Which rows must be in both: units that are being erased, and what is out of date, may be in one."""
    before = retirement.gone_before(database, kind)
    return f"{tombstones.absent(erased, TABLES[kind].units)} AND {retirement.since(before)}"


def _proof(
    settings: Settings, database: Database, snapshot: Snapshot, kind: FactKind, erased: Iterable[str]
) -> TableProof:
    import duckdb

    keep = _keeps(database, kind, erased)
    with engine.connection(settings) as opened:
        proof = _inbox(opened, database, snapshot.fold, kind, keep)
        try:
            return _compared(opened, settings, snapshot, proof, keep)
        except (duckdb.Error, engine.SnapshotGone) as error:
            return replace(proof, unreadable=str(error))


def _inbox(
    opened: "DuckDBPyConnection", database: Database, last: int, kind: FactKind, keep: str
) -> TableProof:
    """What the inbox says was acknowledged; the ids that it still keeps are in the engine afterwards."""
    compared, damaged = _gather(opened, database, last, kind, keep)
    folded, pending = _acknowledged(database, last, kind)
    return TableProof(
        kind=kind,
        acknowledged=folded + pending,
        pending=pending,
        compared=compared,
        counted=folded - compared,
        distinct=engine.number(opened, "SELECT count(*) FROM (SELECT DISTINCT * FROM kept)"),
        damaged=damaged,
    )


def _compared(
    opened: "DuckDBPyConnection", settings: Settings, snapshot: Snapshot, proof: TableProof, keep: str
) -> TableProof:
    kind = proof.kind
    engine.register(opened, settings, "stored", snapshot.files(kind), TABLES[kind].schema)
    opened.execute(f"CREATE VIEW lake AS FROM stored WHERE {keep}")
    return replace(
        proof,
        in_lake=engine.number(opened, "SELECT count(*) FROM stored"),
        missing=_missing(opened, settings, kind),
        unexpected=_unexpected(opened, kind, proof.counted),
        repeated=_rows(opened, kind, "SELECT {key} FROM lake GROUP BY ALL HAVING count(*) > 1"),
    )


def _gather(
    opened: "DuckDBPyConnection", database: Database, last: int, kind: FactKind, keep: str
) -> tuple[int, Rows]:
    """Put the ids of every folded batch that is still kept into the engine; how many rows they were."""
    columns = TABLES[kind].key
    opened.register("nothing", TABLES[kind].schema.empty_table())
    opened.execute(f"CREATE TABLE kept AS SELECT {columns} FROM nothing")  # noqa: S608 - our own names
    compared, damaged = 0, []
    for some in _kept(database, last, kind):
        damaged += [one.batch for one in some if one.rows is None]
        whole = [one.rows for one in some if one.rows is not None]
        if whole:
            opened.register("arrived", pa.concat_tables(whole))
            opened.execute(f"INSERT INTO kept SELECT {columns} FROM arrived WHERE {keep}")  # noqa: S608 - ours
            opened.unregister("arrived")
            compared += sum(rows.num_rows for rows in whole)
    return compared, Rows(count=len(damaged), examples=tuple(damaged[:EXAMPLES]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A batch of a finished fold, and its rows; None where they are not those that were accepted."""

    batch: str
    rows: pa.Table | None


def _kept(database: Database, last: int, kind: FactKind) -> Iterator[list[_Kept]]:
    """As many at once as are worth a statement of the engine's, and fit into memory."""
    packed = func.length(Batch.rows)
    wanted = select(Batch.id, packed).where(Batch.fold_id <= last, Batch.kind == kind, Batch.accepted > 0)
    with database.read() as session:
        sizes = session.execute(wanted.where(packed > 0).order_by(Batch.id)).all()
    for ids in _groups(sizes):
        columns = (Batch.id, Batch.source, Batch.accepted - Batch.erased, Batch.rows)
        with database.read() as session:
            found = session.execute(select(*columns).where(Batch.id.in_(ids)).order_by(Batch.id))
            # A batch whose rows were forgotten since is compared by counts, as those forgotten before.
            yield [
                _Kept(batch=batch, rows=_readable(rows, source, kind, expected))
                for batch, source, expected, rows in found
                if rows
            ]


def _groups(sizes: Iterable[tuple[str, int]]) -> Iterator[list[str]]:
    """Some batches each, by id and bytes; a large one alone."""
    group: list[str] = []
    together = 0
    for batch, size in sizes:
        if group and (len(group) == _AT_ONCE or together + size > _BYTES_AT_ONCE):
            yield group
            group, together = [], 0
        group.append(batch)
        together += size
    if group:
        yield group


def _readable(packed: bytes, source: str, kind: FactKind, expected: int) -> pa.Table | None:
    try:
        rows = inbox.with_source(inbox.unpacked(packed), source, kind)
    except (pa.ArrowException, OSError):
        return None
    return rows if rows.num_rows == expected else None


def _acknowledged(database: Database, last: int, kind: FactKind) -> tuple[int, int]:
    """Rows of finished folds, and rows that still wait."""
    total = select(func.coalesce(func.sum(Batch.accepted - Batch.erased), 0)).where(Batch.kind == kind)
    waits = Batch.fold_id.is_(None) | (Batch.fold_id > last)
    with database.read() as session:
        folded = session.scalar(total.where(Batch.fold_id <= last)) or 0
        return folded, session.scalar(total.where(waits)) or 0


def _missing(opened: "DuckDBPyConnection", settings: Settings, kind: FactKind) -> Rows:
    """Acknowledged rows whose ids are nowhere, in no row that is on its way out, and in none that is gone."""
    absent = _ABSENT.format(key=TABLES[kind].key)
    opened.execute(f"CREATE TABLE absent AS {absent}")
    if not TABLES[kind].has_ids:
        return _rows(opened, kind, "FROM absent")
    opened.register("missing", spent.unspent(settings, kind, opened.table("absent").to_arrow_table()))
    return _rows(opened, kind, "FROM missing")


def _unexpected(opened: "DuckDBPyConnection", kind: FactKind, counted: int) -> Rows:
    """Rows of no batch that is kept; there may be as many as were accepted in those no longer kept."""
    found = _rows(opened, kind, "SELECT {key} FROM lake ANTI JOIN kept USING ({key})")
    return found if found.count > counted else NONE


def _rows(opened: "DuckDBPyConnection", kind: FactKind, which: str) -> Rows:
    found = which.format(key=TABLES[kind].key)
    count = engine.number(opened, f"SELECT count(*) FROM ({found})")  # noqa: S608 - our own text
    if not count:
        return NONE
    name = "concat_ws('/', " + ", ".join(f"{column}::VARCHAR" for column in TABLES[kind].known_by) + ")"
    named = f"SELECT left({name}, 100) AS name FROM ({found}) ORDER BY name LIMIT {EXAMPLES}"  # noqa: S608
    return Rows(count=count, examples=tuple(row[0] for row in opened.execute(named).fetchall()))
