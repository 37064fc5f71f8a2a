"""How long do all effects, the relationship and the verdict take once the moments are there?

`python -m tests.bench.effects`: 20 metrics in 4 arms, raw and adjusted by their value before exposure,
absolute and relative, at the end and at any look, with posteriors and families of tests; then contrasts and
a verdict. Moments of a thousand rows and of a million are the same size: memory does not know the rows.
gbstats gets the same sums and gives what it has of it, the adjusted effects alone, in an environment of its
own (tests/bench/compare.py says how to make it).
"""

import json
import statistics
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from analyses import (
    Circumstances,
    ContrastArm,
    Measure,
    Moments,
    NotEstimable,
    Reading,
    Rule,
    Wanted,
    arm_effects,
    contrasts_of,
    judge,
    phase_means,
    read_effects,
    signals,
)

METRICS = 20
ARMS = ("control", "one", "two", "three")
GOAL = 10.0  # ms, of a machine with nothing else to do
GBSTATS = Path(".venv/gbstats/bin/python")
SCRIPT = Path(__file__).parent / "gbstats_sums.py"

type Drawn = dict[str, Moments]


def moments(units: int, seed: int = 1) -> Drawn:
    """Four arms as a query yields them: each metric and its value before exposure.

    A treatment moves each by some standard errors. The scatter of so many units is
    taken as their number times a covariance.
    """
    rng = np.random.default_rng(seed)
    columns = tuple(name for k in range(METRICS) for name in (f"m{k}", f"m{k} before"))
    root = rng.standard_normal((len(columns), len(columns))) / np.sqrt(len(columns))
    covariance = root @ root.T + 0.5 * np.eye(len(columns))
    return {
        arm: Moments(
            columns=columns,
            n=units,
            mean=10 + 0.003 * at + rng.standard_normal(len(columns)) / np.sqrt(units),
            scatter=covariance * (units - 1),
        )
        for at, arm in enumerate(ARMS)
    }


def measures() -> list[Measure]:
    return [Measure(name=f"m{k}", value=f"m{k}", covariates=(f"m{k} before",)) for k in range(METRICS)]


def analysed(arms: Drawn) -> tuple[Reading, ...]:
    """What a run does from the moments on: every effect, their families, the relationship, the verdict."""
    units = sum(one.n for one in arms.values())
    wanted = [Wanted(measure=one, better=1, negligible=0.01) for one in measures()]
    when = Circumstances(units=units, planned_units=units)
    found = read_effects({1: arms}, ARMS[0], ARMS[1:], wanted, when)
    signals(found, primary={"m1"}, secondary={one.measure.name for one in wanted})
    means = phase_means({1: arms}, ARMS, measures()[:2], adjusted=True)
    if isinstance(means, NotEstimable):
        raise TypeError(means.detail)
    treatments = [(ContrastArm(name=arm, mechanism=arm), means[arm]) for arm in ARMS[1:]]
    judge(Rule(smallest_slope=0.1), [contrasts_of("one", means[ARMS[0]], treatments)])
    return found


def milliseconds(work: Callable[[], object], times: int) -> list[float]:
    """CPU of each turn, after one that loads what it needs."""
    work()
    taken = []
    for _ in range(times):
        started = time.process_time()
        work()
        taken.append(1000 * (time.process_time() - started))
    return taken


def peak_bytes(units: int) -> int:
    """Of one analysis, moments included."""
    tracemalloc.start()
    analysed(moments(units))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def gbstats_milliseconds(arms: Drawn, times: int) -> list[float]:
    """Its adjusted effects from sums, by its own clock, without the start of its process."""
    pairs = [[_sums(arms[ARMS[0]], k), _sums(arms[arm], k)] for k in range(METRICS) for arm in ARMS[1:]]
    taken = []
    for _ in range(times):
        done = subprocess.run(
            [GBSTATS, SCRIPT], input=json.dumps(pairs), capture_output=True, text=True, check=True
        )
        taken.append(1000 * float(json.loads(done.stdout)["seconds"]))
    return taken


def _sums(arm: Moments, metric: int) -> dict[str, float]:
    at, before = arm.index(f"m{metric}"), arm.index(f"m{metric} before")
    products = arm.scatter + arm.n * np.outer(arm.mean, arm.mean)
    return {
        "n": arm.n,
        "sum": float(arm.n * arm.mean[at]),
        "squares": float(products[at, at]),
        "before": float(arm.n * arm.mean[before]),
        "before_squares": float(products[before, before]),
        "products": float(products[at, before]),
    }


def main() -> None:
    arms = moments(1_000_000)
    table = Table(title=f"{METRICS} metrics, {len(ARMS)} arms, from moments")
    for heading in ("", "ms (best)", "ms (median)"):
        table.add_column(heading, justify="right" if heading else "left")
    taken = {"all effects, relationship, verdict": milliseconds(lambda: analysed(arms), 30)}
    alone = milliseconds(lambda: arm_effects({1: arms}, ARMS[0], ARMS[1:], measures()), 30)
    taken["effects alone, raw and adjusted"] = alone
    if GBSTATS.exists():
        taken["gbstats: adjusted effects alone"] = gbstats_milliseconds(arms, 5)
    for name, turns in taken.items():
        table.add_row(name, f"{min(turns):.1f}", f"{statistics.median(turns):.1f}")
    console = Console()
    console.print(table, f"The goal is {GOAL:g} ms on a quiet machine.")
    few, many = peak_bytes(1_000), peak_bytes(1_000_000_000)
    console.print(f"Peak memory: {few / 1024:.0f} KiB of a thousand units an arm, {many / 1024:.0f} of 10^9.")
    if not GBSTATS.exists():
        console.print("gbstats is not there: see the head of tests/bench/compare.py")


if __name__ == "__main__":
    main()
