"""What do links between ids cost an analysis? `python -m tests.bench.identities`.

The same question over the same files, without links and with a million of them: every customer of the
experiment goes by an account, so that every fact's unit is looked up and found. In turns; what counts is the
ratio of the medians. The links are put beside the snapshot and taken away again.
"""

import argparse
import statistics
from dataclasses import replace

import pyarrow as pa
from pyarrow import parquet
from pydantic import TypeAdapter

from service.facts import MomentsQuery, MomentsResult, Snapshot, moments, pin
from service.facts.lake.snapshot import Pinned
from service.facts.tables import FactKind
from service.kit.database import Database
from service.metrics.definitions import Definition
from tests.bench.__main__ import Cost, timed
from tests.bench.world import ARMS, AS_OF, BOUGHT, CALLS, QUOTE, STARTED, STOPPED, World, world

LINKS = "bench-links.parquet"
PARSED: TypeAdapter[Definition] = TypeAdapter(Definition)


def question(made: World) -> MomentsQuery:
    """A CPI, a KPI and a rival of everybody."""
    definitions = [PARSED.validate_python(metric["definition"]) for metric in (QUOTE, BOUGHT, CALLS)]
    return MomentsQuery(
        experiment=made.experiment,
        arms=ARMS,
        metrics=tuple((f"met_{place}@1", one) for place, one in enumerate(definitions)),
        as_of=AS_OF,
        started_at=STARTED,
        stopped_at=STOPPED,
    )


def linked(made: World, snapshot: Snapshot) -> Snapshot:
    """The same state of the lake, with a link for every customer."""
    names = pa.array([f"customer-{place:09d}" for place in range(made.units)])
    links = pa.table(
        {
            "namespace": pa.array(["unit"] * made.units),
            "id": names,
            "unit": pa.array([f"account-{place:09d}" for place in range(made.units)]),
            "time": pa.array([STARTED] * made.units, pa.timestamp("us", "UTC")),
        }
    )
    parquet.write_table(links, made.settings.lake_dir / LINKS, compression="zstd")
    tables = {**snapshot.tables, FactKind.IDENTITIES: Pinned(version=0, files=(LINKS,))}
    return replace(snapshot, tables=tables)


def compared(made: World, rounds: int) -> tuple[list[Cost], list[Cost]]:
    """In turns, after one unmeasured turn; both must have analysed as many units."""
    database = Database.open(made.settings.url)
    alone = pin(made.settings, database)
    database.close()
    together, query = linked(made, alone), question(made)
    try:
        found = [_asked(made, state, query) for state in (alone, together)]
        if _sizes(found[0]) != _sizes(found[1]):
            raise RuntimeError(f"expected the same units, got {_sizes(found[0])} and {_sizes(found[1])}")
        costs: list[list[Cost]] = [[], []]
        for _ in range(rounds):
            for kept, state in zip(costs, (alone, together), strict=True):
                kept.append(timed(lambda state=state: _asked(made, state, query))[1])
    finally:
        (made.settings.lake_dir / LINKS).unlink()
    return costs[0], costs[1]


def _asked(made: World, snapshot: Snapshot, query: MomentsQuery) -> MomentsResult:
    return moments(made.settings, snapshot, query)


def _sizes(found: MomentsResult) -> dict[tuple[str, int], int]:
    return {cell: one.n for cell, one in found.moments.items()}


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench.identities", description=__doc__)
    options.add_argument("--units", type=int, default=1_000_000)
    options.add_argument("--outcomes", type=int, default=10_000_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    made = world(units=asked.units, outcomes=asked.outcomes, seed=asked.seed)
    without, with_links = compared(made, asked.rounds)
    for kind in ("wall", "cpu"):
        before, after = (
            statistics.median(getattr(cost, kind) for cost in one) for one in (without, with_links)
        )
        print(
            f"{kind}: {before:.2f} s without links, {after:.2f} s with {made.units:,}: {after / before:.2f}"
        )


if __name__ == "__main__":
    main()
