"""Does a run over ten times the facts cost ten times as much, in 4 GiB? `python -m tests.bench.scale`.

A long lane, in pieces: `--only 1` and `--only 10` make and measure one size each, at whatever time, and
what was measured is kept beside the data. Units grow with the outcomes, ten outcomes each, unless
--units-stay says that the same units have ten times as many.
"""

import argparse
import json
import multiprocessing
import resource
import shutil
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

from service.evidence.job import compute
from service.kit.database import Database
from service.runs.rules import RunKind, RunType
from service.runs.task import Outcome, Task
from service.settings import Settings
from tests.bench import world as worlds
from tests.bench.__main__ import Cost, timed
from tests.bench.world import AS_OF, World, world

BAR = 10.5
TIMES = (1, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One size: medians of its runs, in seconds, and the most memory that the process ever had, in GiB."""

    units: int
    outcomes: int
    wall: float
    cpu: float
    resident: float


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


def measured(asked: argparse.Namespace, times: int) -> Measured:
    """Make the data if they are not there, in a process of its own: its memory is not the run's."""
    units = asked.units if asked.units_stay else asked.units * times
    size = {"units": units, "outcomes": asked.outcomes * times, "seed": asked.seed}
    spawned = multiprocessing.get_context("spawn")
    for work, given in ((world, size), (_measure, {"asked": asked, "size": size})):
        process = spawned.Process(target=work, kwargs=given)
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(process.exitcode)
    found = Measured(**json.loads(_kept(asked, size["outcomes"]).read_text()))
    if times > 1 and not asked.keep:
        shutil.rmtree(Path(world(**size).folder))
    return found


def _measure(asked: argparse.Namespace, size: dict[str, int]) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    found = costs(world(**size), asked.memory, asked.rounds)
    told = Measured(
        units=size["units"],
        outcomes=size["outcomes"],
        wall=statistics.median(cost.wall for cost in found),
        cpu=statistics.median(cost.cpu for cost in found),
        resident=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2,
    )
    _kept(asked, size["outcomes"]).write_text(json.dumps(asdict(told)))


def _kept(asked: argparse.Namespace, outcomes: int) -> Path:
    units = "units-stay" if asked.units_stay else "units-grow"
    return worlds.FOLDER / f"scale-{outcomes}-{units}-{asked.memory}-seed-{asked.seed}.json"


def report(sizes: Sequence[Measured], title: str) -> float | None:
    """The table, and the ratio on the clock where both are there."""
    table = Table("units", "outcomes", "wall s", "CPU s", "resident GiB", title=title)
    for one in sizes:
        numbers = (f"{one.wall:.2f}", f"{one.cpu:.2f}", f"{one.resident:.1f}")
        table.add_row(f"{one.units:,}", f"{one.outcomes:,}", *numbers)
    ratio = None
    if len(sizes) == len(TIMES):
        small, large = sizes
        ratio = large.wall / small.wall
        table.add_row("ratio", "", f"{ratio:.2f}", f"{large.cpu / small.cpu:.2f}", "")
    Console().print(table, f"The bar is {BAR}.")
    return ratio


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    options.add_argument("--units", type=int, default=1_000_000)
    options.add_argument("--outcomes", type=int, default=10_000_000)
    options.add_argument("--units-stay", action="store_true")
    options.add_argument("--only", type=int, choices=TIMES, help="measure this size alone, of 1 and 10")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--memory", default="4GiB")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", action="store_true", help="keep the larger data")
    asked = options.parse_args()
    for times in TIMES if asked.only is None else (asked.only,):
        measured(asked, times)
    kept = [_kept(asked, asked.outcomes * times) for times in TIMES]
    sizes = [Measured(**json.loads(path.read_text())) for path in kept if path.exists()]
    ratio = report(sizes, f"{asked.memory}, seed {asked.seed}")
    raise SystemExit(0 if ratio is None or ratio <= BAR else 1)


if __name__ == "__main__":
    main()
