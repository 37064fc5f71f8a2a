"""How long does a fold take, as a multiple of writing the same rows with deltalake alone?

`python -m tests.bench.fold` prints it. A million events, in batches of 10,000 and some of them sent twice, go
into a day that holds ten million, every id of which is asked whether it came before.
The floor is deltalake writing the very rows that the fold found new, sorted, and nothing else: no inbox, no
deduplication, no sync. `--spent` says of how many ids the rows were retired or erased before.
"""

import argparse
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, WriterProperties, write_deltalake

from service import facts
from service.facts import engine, inbox
from service.facts.lake import delta, spent
from service.facts.lake.layout import TABLES
from service.facts.tables import Batch, FactKind
from service.kit import schema
from service.kit.clock import now
from service.kit.database import Database
from service.kit.ids import new_id
from service.settings import Settings
from tests.bench.__main__ import Cost, timed

SEED = 20261122
DAY = datetime(2026, 3, 1, tzinfo=UTC)
THERE = 10_000_000
NEW = 950_000
REPEATS = 50_000  # of the new, sent once more: what a client does that heard no answer
BATCH = 10_000
BAR = 13.0  # docs/benchmarks.md says why
ZSTD = WriterProperties(compression="ZSTD")
_ROWS = """
SELECT md5((($first + i) * 2654435761 + $seed)::VARCHAR) AS id,
       'customer-' || hash($seed + $first + i) % 1000000 AS unit,
       ['called', 'bought', 'quote_seen', 'quote_asked'][1 + (hash(i) % 4)::INT] AS event,
       $day + to_microseconds((hash($first + i) % 86400000000)::BIGINT) AS time,
       (hash(i * 7) % 10000) / 100.0 AS value,
       '{"plan": "basic"}' AS properties
FROM range($count) AS numbers(i)
"""


def made(first: int, count: int) -> pa.Table:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        given = {"first": first, "count": count, "seed": SEED, "day": DAY}
        rows = opened.execute(_ROWS, given).to_arrow_table()
    return rows.cast(inbox.ROWS[FactKind.OUTCOMES])


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
    table = delta.open_table(settings, FactKind.OUTCOMES)
    rows = sorted_as_kept(made(0, THERE))
    write_deltalake(table, rows, mode="append", writer_properties=ZSTD, target_file_size=delta.LARGEST_FILE)


def sorted_as_kept(rows: pa.Table) -> pa.Table:
    """As the lake keeps them, every row new."""
    table = TABLES[FactKind.OUTCOMES]
    columns = ", ".join(f"{table.part} AS day" if name == "day" else name for name in table.schema.names)
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        opened.register("rows", inbox.with_source(rows, "bench", FactKind.OUTCOMES))
        ordered = opened.execute(f"SELECT {columns} FROM rows ORDER BY {table.order}")
        return ordered.to_arrow_table().cast(table.schema)


def spend(settings: Settings, count: int) -> Cost:
    """Ids of rows that are gone, as retirement writes them down."""
    rows = f"SELECT 'bench' AS source, 'gone-' || i AS id FROM range({count}) AS numbers(i)"
    with engine.connection(settings) as opened:
        return timed(lambda: spent.remember(settings, FactKind.OUTCOMES, opened, rows))[1]


def alone(folder: Path, rows: pa.Table) -> Cost:
    """The floor: one table, one append, the rows already sorted."""
    DeltaTable.create(folder, rows.schema, partition_by="day")
    return timed(lambda: write_deltalake(folder, rows, mode="append", writer_properties=ZSTD))[1]


def compared(settings: Settings, database: Database, turn: int) -> tuple[Cost, Cost]:
    """A fold of a million events, of which some were sent twice, and the floor under it."""
    rows = made(THERE + turn * NEW, NEW)
    put(database, pa.concat_tables([rows, rows.slice(0, REPEATS)]))
    _, fold = timed(lambda: facts.fold(settings, database))
    return fold, alone(settings.data_dir / f"alone-{turn}", sorted_as_kept(rows))


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m tests.bench.fold", description=__doc__)
    given.add_argument("--repeat", type=int, default=3)
    given.add_argument("--spent", type=int, default=0)
    asked = given.parse_args()
    with tempfile.TemporaryDirectory(prefix="leverboard-bench-") as folder:
        settings = Settings(data_dir=Path(folder))
        database = Database.open(settings.url)
        schema.upgrade(database)
        fill(settings)
        if asked.spent:
            print(f"writing down {asked.spent:,} ids: {spend(settings, asked.spent).cpu:.2f} CPU", flush=True)
        ratios = []
        for turn in range(asked.repeat):
            fold, floor = compared(settings, database, turn)
            ratios.append(fold.cpu / floor.cpu)
            events = (NEW + REPEATS) / fold.wall
            print(
                f"fold {fold.wall:.2f} s ({fold.cpu:.2f} CPU), {events:,.0f} events/s; deltalake alone "
                f"{floor.wall:.2f} s ({floor.cpu:.2f} CPU); ratio {fold.wall / floor.wall:.1f} by the wall, "
                f"{ratios[-1]:.1f} by CPU",
                flush=True,
            )
        database.close()
    if statistics.median(ratios) > BAR:
        sys.exit(f"the median ratio by CPU is above the bar of {BAR}")


if __name__ == "__main__":
    main()
