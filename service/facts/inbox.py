"""How are acknowledged rows kept until they are folded? One Arrow stream per batch, in its row in SQL."""

import pyarrow as pa
from sqlalchemy import func, select, update

from service.facts.tables import Batch, FactKind, Fold
from service.kit.clock import now
from service.kit.database import Database
from service.settings import Settings

_AT_ONCE = 500  # batches: bounds a transaction
ROWS = {
    FactKind.ASSIGNMENTS: pa.schema(
        [
            ("experiment", pa.string()),
            ("unit", pa.string()),
            ("arm", pa.string()),
            ("time", pa.timestamp("us", "UTC")),
            ("phase", pa.int32()),
        ]
    ),
    FactKind.OUTCOMES: pa.schema(
        [
            ("id", pa.string()),
            ("unit", pa.string()),
            ("event", pa.string()),
            ("time", pa.timestamp("us", "UTC")),
            ("value", pa.float64()),
            ("properties", pa.string()),
        ]
    ),
    FactKind.EXPOSURES: pa.schema(
        [
            ("experiment", pa.string()),
            ("id", pa.string()),
            ("unit", pa.string()),
            ("time", pa.timestamp("us", "UTC")),
        ]
    ),
    FactKind.ATTRIBUTES: pa.schema(
        [
            ("unit", pa.string()),
            ("name", pa.string()),
            ("text", pa.string()),
            ("number", pa.float64()),
            ("truth", pa.bool_()),
            ("time", pa.timestamp("us", "UTC")),
        ]
    ),
    FactKind.IDENTITIES: pa.schema(
        [
            ("namespace", pa.string()),
            ("id", pa.string()),
            ("unit", pa.string()),
            ("time", pa.timestamp("us", "UTC")),
        ]
    ),
}
_FEW = 1_000  # rows
_OF_A_SOURCE = frozenset({FactKind.OUTCOMES, FactKind.EXPOSURES})  # their ids are the source's own


def packed(rows: pa.Table) -> bytes:
    """A few rows by what costs least: zstd would make a hundred a third smaller, at six times the time."""
    sink = pa.BufferOutputStream()
    few = rows.num_rows <= _FEW
    options = pa.ipc.IpcWriteOptions(compression="lz4" if few else "zstd", use_threads=not few)
    with pa.ipc.new_stream(sink, rows.schema, options=options) as stream:
        stream.write_table(rows)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def unpacked(data: bytes) -> pa.Table:
    with pa.ipc.open_stream(data) as stream:
        return stream.read_all()


class DamagedBatch(Exception):
    """What was acknowledged cannot be read. Nothing is folded without it: every number would lack it."""

    def __init__(self, batch: str, error: Exception) -> None:
        super().__init__(
            f"The inbox no longer holds what batch {batch} acknowledged ({error}). Restore the service "
            "database: until then nothing is folded, and what arrives is kept."
        )


def rows_of(database: Database, fold: int, kind: FactKind) -> pa.Table:
    """All rows of a fold as they came, numbered; with their source where ids are its own."""
    statement = (
        select(Batch.id, Batch.source, Batch.rows)
        .where(Batch.fold_id == fold, Batch.kind == kind, Batch.accepted > 0)
        .order_by(Batch.id)
    )
    with database.read() as session:
        batches = [
            with_source(_whole(batch, data), source, kind)
            for batch, source, data in session.execute(statement)
        ]
    if not batches:
        return ROWS[kind].empty_table()
    rows = pa.concat_tables(batches)
    return rows.append_column("place", pa.array(range(rows.num_rows), pa.int64()))


def _whole(batch: str, data: bytes) -> pa.Table:
    try:
        return unpacked(data)
    except (pa.ArrowException, OSError) as error:
        raise DamagedBatch(batch, error) from error


def forget(settings: Settings, database: Database) -> int:
    """Drop the rows of batches that were folded long enough ago; of how many. Their numbers stay.

    A fold is gone through once: what it looks at does not grow with the years.
    """
    long_ago = now() - settings.inbox_kept
    folded = select(Fold.id).where(Fold.forgotten_at.is_(None), Fold.folded_at <= long_ago)
    with database.read() as session:
        folds = session.scalars(folded.order_by(Fold.id)).all()
    return sum(_forgotten(database, fold) for fold in folds)


def _forgotten(database: Database, fold: int) -> int:
    kept = select(Batch.id).where(Batch.fold_id == fold, func.length(Batch.rows) > 0)
    forgotten = 0
    while True:
        with database.write() as session:
            ids = session.scalars(kept.limit(_AT_ONCE)).all()
            session.execute(update(Batch).where(Batch.id.in_(ids)).values(rows=b""))
            if len(ids) < _AT_ONCE:
                session.execute(update(Fold).where(Fold.id == fold).values(forgotten_at=now()))
                return forgotten + len(ids)
        forgotten += len(ids)


def with_source(rows: pa.Table, source: str, kind: FactKind) -> pa.Table:
    if kind not in _OF_A_SOURCE:
        return rows
    return rows.append_column("source", pa.array([source] * rows.num_rows, pa.string()))
