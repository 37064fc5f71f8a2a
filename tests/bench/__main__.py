"""What does an analysis cost above hand-written SQL over the same files? `python -m tests.bench`.

Both run in this process, in turns, on the same data; what counts is the ratio of their times.
"""

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console
from rich.table import Table

from service.evidence.job import compute
from service.facts import Snapshot, engine, pin
from service.facts.tables import FactKind
from service.kit.database import Database
from service.runs.rules import RunKind, RunType
from service.runs.task import Outcome, Task
from tests.bench.world import AS_OF, STARTED, World, world

FLOOR = Path(__file__).parent / "floor.sql"
BAR = 1.3
PRE_PERIOD = timedelta(days=14)

type Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds on the clock and on the processors."""

    wall: float
    cpu: float


def timed[T](work: Callable[[], T]) -> tuple[T, Cost]:
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    return answer, Cost(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)


def run(made: World, database: Database) -> Outcome:
    """The whole job of a run: plan, fold, pin, moments, estimates, verdict."""
    task = Task(
        id="run_bench",
        kind=RunKind.ANALYSIS,
        subject=made.experiment,
        type=RunType.FINAL,
        as_of=AS_OF,
        attempt=1,
    )
    return compute(made.settings, database, task, lambda _stage, _progress: None)


def variables(made: World, snapshot: Snapshot) -> dict[str, Any]:
    """What floor.sql reads."""
    return {
        "assignments": _paths(made, snapshot.files(FactKind.ASSIGNMENTS)),
        "outcomes": _paths(made, snapshot.outcomes_between((STARTED - PRE_PERIOD).date(), AS_OF.date())),
        "experiment": made.experiment,
        "as_of": round(AS_OF.timestamp() * 1e6),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What floor.sql answers: n and moments by arm, phase and day; the largest by arm and phase."""

    cells: Rows
    largest: Rows


def floor(made: World, snapshot: Snapshot) -> Floor:
    """The hand-written queries on a connection like the run's own."""
    with engine.connection(made.settings) as opened:
        for name, value in variables(made, snapshot).items():
            opened.execute(f"SET VARIABLE {name} = $value", {"value": value})
        _, cells, largest = (
            opened.execute(one).fetchall() for one in opened.extract_statements(FLOOR.read_text())
        )
    return Floor(cells=cells, largest=largest)


def _paths(made: World, files: Sequence[str]) -> list[str]:
    return [str(made.settings.lake_dir / file) for file in files]


def agree(outcome: Outcome, found: Floor) -> None:
    """Both must have analysed the same units, or the ratio compares two different things."""
    arms = outcome.result["arms"]
    analysed = {arm["arm"]: arm["n"] for arm in arms} if isinstance(arms, list) else {}
    counted: Counter[str] = Counter()
    for arm, _phase, _day, n, *_ in found.cells:
        counted[arm] += n
    if analysed != counted:
        raise RuntimeError(f"the run analysed {analysed}, the floor {counted}")


def compared(made: World, rounds: int) -> tuple[list[Cost], list[Cost]]:
    """In turns, after one unmeasured turn that loads the libraries and warms the files' cache."""
    database = Database.open(made.settings.url)
    snapshot = pin(made.settings, database)
    agree(run(made, database), floor(made, snapshot))
    runs, floors = [], []
    for _ in range(rounds):
        floors.append(timed(lambda: floor(made, snapshot))[1])
        runs.append(timed(lambda: run(made, database))[1])
    database.close()
    return runs, floors


def report(made: World, runs: Sequence[Cost], floors: Sequence[Cost]) -> float:
    """The table, and the ratio of the medians on the clock."""
    table = Table(title=f"{made.units:,} units, {made.outcomes:,} outcomes, seed {made.seed}")
    for heading in ("", "wall s (median)", "wall s (best)", "CPU s (median)"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, costs in (("whole run", runs), ("floor.sql", floors)):
        walls, cpus = [cost.wall for cost in costs], [cost.cpu for cost in costs]
        numbers = (statistics.median(walls), min(walls), statistics.median(cpus))
        table.add_row(name, *(f"{number:.2f}" for number in numbers))
    ratio = _ratio([cost.wall for cost in runs], [cost.wall for cost in floors])
    cpu = _ratio([cost.cpu for cost in runs], [cost.cpu for cost in floors])
    best = min(cost.wall for cost in runs) / min(cost.wall for cost in floors)
    table.add_row("ratio", f"{ratio:.2f}", f"{best:.2f}", f"{cpu:.2f}")
    Console().print(table, f"The bar for the ratio of medians is {BAR}.")
    return ratio


def _ratio(above: Sequence[float], below: Sequence[float]) -> float:
    return statistics.median(above) / statistics.median(below)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--units", type=int, default=1_000_000)
    options.add_argument("--outcomes", type=int, default=10_000_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    made = world(units=asked.units, outcomes=asked.outcomes, seed=asked.seed)
    ratio = report(made, *compared(made, asked.rounds))
    raise SystemExit(0 if ratio <= BAR else 1)


if __name__ == "__main__":
    main()
