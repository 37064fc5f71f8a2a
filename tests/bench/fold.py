"""How long does a fold take, as a multiple of writing the same rows with deltalake alone?

`python -m tests.bench.fold` prints it; --write FILE puts the table into a page. A million new events, in
batches of 10,000, go into a day that holds ten million, every id of which is asked whether it came before.
The floor is deltalake writing the very rows that the fold found new, sorted, and nothing else: no inbox, no
deduplication, no sync.
"""

import argparse
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, WriterProperties, write_deltalake

from service import facts
from service.facts import inbox
from service.facts.lake import delta
from service.facts.lake.layout import TABLES
from service.facts.tables import Batch, FactKind
from service.kit import schema
from service.kit.clock import now
from service.kit.database import Database
from service.kit.ids import new_id
from service.settings import Settings

SEED = 20261122
DAY = datetime(2026, 3, 1, tzinfo=UTC)
THERE = 10_000_000
NEW = 1_000_000
REPEATS = 50_000  # of the new, sent once more: what a client does that heard no answer
BATCH = 10_000
_ROWS = """
SELECT md5((($first + i) * 2654435761 + $seed)::VARCHAR) AS id,
       'customer-' || hash($seed + $first + i) % 1000000 AS unit,
       ['called', 'bought', 'quote_seen', 'quote_asked'][1 + (hash(i) % 4)::INT] AS event,
       $day + to_microseconds((hash($first + i) % 86400000000)::BIGINT) AS time,
       (hash(i * 7) % 10000) / 100.0 AS value,
       '{"plan": "basic"}' AS properties
FROM range($count) AS numbers(i)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Seconds, of the wall and of the processor."""

    wall: float
    cpu: float


def made(first: int, count: int) -> pa.Table:
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        given = {"first": first, "count": count, "seed": SEED, "day": DAY}
        rows = engine.execute(_ROWS, given).to_arrow_table()
    return rows.cast(inbox.ROWS[FactKind.OUTCOMES])


def measured(work: object) -> Measured:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Measured(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)


def put(database: Database, rows: pa.Table) -> None:
    """As ingest leaves them: a batch of each 10,000."""
    for start in range(0, rows.num_rows, BATCH):
        some = rows.slice(start, BATCH)
        with database.write() as session:
            session.add(
                Batch(
                    id=new_id("bat"),
                    kind=FactKind.OUTCOMES,
                    source="bench",
                    idempotency_key=None,
                    request_sha256="",
                    accepted=some.num_rows,
                    rejected=0,
                    rows=inbox.packed(some),
                    rejections=b"",
                    received_by="bench@example.com",
                    team="bench",
                    received_at=now(),
                )
            )


def fill(settings: Settings) -> None:
    """The day as compaction leaves it: sorted, in few files."""
    table = TABLES[FactKind.OUTCOMES]
    rows = inbox.with_source(made(0, THERE), "bench", FactKind.OUTCOMES)
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        columns = ", ".join(f"{table.part} AS day" if name == "day" else name for name in table.schema.names)
        engine.register("rows", rows)
        ordered = engine.execute(f"SELECT {columns} FROM rows ORDER BY {table.order}").to_arrow_table()  # noqa: S608
    written = delta.open_table(settings, FactKind.OUTCOMES)
    write_deltalake(written, ordered.cast(table.schema), mode="append", **_as_the_fold_writes())


def _as_the_fold_writes() -> dict[str, object]:
    return {
        "writer_properties": WriterProperties(compression="ZSTD"),
        "target_file_size": delta.LARGEST_FILE,
    }


def alone(folder: Path, rows: pa.Table) -> Measured:
    """The floor: one table, one append, the rows already sorted."""
    place = folder / "alone"
    DeltaTable.create(place, rows.schema, partition_by="day")
    return measured(
        lambda: write_deltalake(place, rows, mode="append", writer_properties=WriterProperties(compression="ZSTD"))
    )


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--repeat", type=int, default=3)
    print_of(given.parse_args().repeat)


def print_of(repeat: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="leverboard-bench-fold-"))
    try:
        settings = Settings(data_dir=folder / "data")
        database = Database.open(settings.url)
        schema.upgrade(database)
        fill(settings)
        for turn in range(repeat):
            rows = made(THERE + turn * NEW, NEW)
            put(database, pa.concat_tables([rows, rows.slice(0, REPEATS)]))
            before = set(facts.pin(settings, database).files(FactKind.OUTCOMES))
            fold = measured(lambda: facts.fold(settings, database))
            new = sorted(set(facts.pin(settings, database).files(FactKind.OUTCOMES)) - before)
            del before, new
            floor = _floor(settings, folder / str(turn), turn)
            print(f"fold {fold.wall:.2f} s ({fold.cpu:.2f} cpu), {NEW / fold.wall:,.0f} events/s; alone {floor.wall:.2f} s ({floor.cpu:.2f}); ratio {fold.wall / floor.wall:.2f} wall {fold.cpu / floor.cpu:.2f} cpu")
        database.close()
    finally:
        shutil.rmtree(folder)


def _floor(settings: Settings, folder: Path, turn: int) -> Measured:
    table = TABLES[FactKind.OUTCOMES]
    rows = inbox.with_source(made(THERE + turn * NEW, NEW), "bench", FactKind.OUTCOMES)
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        columns = ", ".join(f"{table.part} AS day" if name == "day" else name for name in table.schema.names)
        engine.register("rows", rows)
        ordered = engine.execute(f"SELECT {columns} FROM rows ORDER BY {table.order}").to_arrow_table()  # noqa: S608
    folder.mkdir()
    return alone(folder, ordered.cast(table.schema))


if __name__ == "__main__":
    main()
