"""Does a run over ten times the facts cost ten times as much, in 4 GiB? `python -m tests.bench.scale`.

A long lane: it makes a hundred million outcomes, and deletes them when it is done. Units grow with the
outcomes, ten outcomes each, unless --units-stay says that the same units have ten times as many.
"""

import argparse
import resource
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

from service.evidence.job import compute
from service.kit.database import Database
from service.runs.rules import RunKind, RunType
from service.runs.task import Outcome, Task
from service.settings import Settings
from tests.bench.__main__ import Cost, timed
from tests.bench.world import AS_OF, World, world

BAR = 10.5


def whole_run(made: World, settings: Settings, database: Database) -> Outcome:
    task = Task(
        id="run_scale",
        kind=RunKind.ANALYSIS,
        subject=made.experiment,
        type=RunType.FINAL,
        as_of=AS_OF,
        attempt=1,
    )
    return compute(settings, database, task, lambda _stage, _progress: None)


def costs(made: World, memory: str, rounds: int) -> Sequence[Cost]:
    """Of whole runs, after one that is not measured."""
    settings = made.settings.model_copy(update={"duckdb_memory_limit": memory})
    database = Database.open(settings.url)
    whole_run(made, settings, database)
    found = [timed(lambda: whole_run(made, settings, database))[1] for _ in range(rounds)]
    database.close()
    return found


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    options.add_argument("--units", type=int, default=1_000_000)
    options.add_argument("--outcomes", type=int, default=10_000_000)
    options.add_argument("--units-stay", action="store_true")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--memory", default="4GiB")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", action="store_true", help="keep what was made")
    asked = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    table = Table(
        "units", "outcomes", "wall s", "CPU s", "resident GiB", title=f"{asked.memory}, seed {asked.seed}"
    )
    medians = []
    for times in (1, 10):
        units = asked.units if asked.units_stay else asked.units * times
        made = world(units=units, outcomes=asked.outcomes * times, seed=asked.seed)
        found = costs(made, asked.memory, asked.rounds)
        wall, cpu = (statistics.median(getattr(one, what) for one in found) for what in ("wall", "cpu"))
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        table.add_row(
            f"{made.units:,}", f"{made.outcomes:,}", f"{wall:.2f}", f"{cpu:.2f}", f"{resident:.1f} so far"
        )
        medians.append(Cost(wall=wall, cpu=cpu))
        if times > 1 and not asked.keep:
            shutil.rmtree(Path(made.folder))
    small, large = medians
    table.add_row("ratio", "", f"{large.wall / small.wall:.2f}", f"{large.cpu / small.cpu:.2f}", "")
    Console().print(table, f"The bar is {BAR}.")
    raise SystemExit(0 if large.wall <= BAR * small.wall else 1)


if __name__ == "__main__":
    main()
