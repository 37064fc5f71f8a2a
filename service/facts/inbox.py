"""How are acknowledged rows kept until they are folded? One Arrow stream per batch, in its row in SQL."""

import pyarrow as pa
from sqlalchemy import select

from service.facts.tables import Batch, FactKind
from service.kit.database import Database

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
}


def packed(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, rows.schema, options=options) as stream:
        stream.write_table(rows)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def unpacked(data: bytes) -> pa.Table:
    with pa.ipc.open_stream(data) as stream:
        return stream.read_all()


def rows_of(database: Database, fold: int, kind: FactKind) -> pa.Table:
    """All rows of a fold in the order in which they came, numbered; outcomes with their source."""
    statement = (
        select(Batch.source, Batch.rows)
        .where(Batch.fold_id == fold, Batch.kind == kind, Batch.accepted > 0)
        .order_by(Batch.id)
    )
    with database.read() as session:
        batches = [with_source(unpacked(data), source, kind) for source, data in session.execute(statement)]
    if not batches:
        return ROWS[kind].empty_table()
    rows = pa.concat_tables(batches)
    return rows.append_column("place", pa.array(range(rows.num_rows), pa.int64()))


def with_source(rows: pa.Table, source: str, kind: FactKind) -> pa.Table:
    if kind is FactKind.ASSIGNMENTS:
        return rows
    return rows.append_column("source", pa.array([source] * rows.num_rows, pa.string()))
