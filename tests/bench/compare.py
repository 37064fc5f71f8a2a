"""What do others take from the same units to the same effects? `python -m tests.bench.compare`.

All start from one table of a million units in DuckDB, made by floor.sql, and give each treatment's effect on
"Premium bought online", adjusted by its value before exposure. gbstats gets sums only; it lives in an
environment of its own, since it wants pandas 1: `make .venv/gbstats/ready`.
"""

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from analyses import Difference, Measure, Moments, NotEstimable, arm_effects
from service.facts import engine, pin
from service.kit.database import Database
from tests.bench.__main__ import FLOOR, variables
from tests.bench.world import ARMS, World, world

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

type Effects = Mapping[str, float]  # by treatment

VALUE, BEFORE = "c6", "c8"  # premium, capped, and the same before exposure, as floor.sql names them
GBSTATS = Path(".venv/gbstats/bin/python")
_SCRIPT = Path(__file__).parent / "gbstats_sums.py"
_MOMENTS = f"""
SELECT arm, count(*), avg({VALUE}), avg({BEFORE}), covar_samp({VALUE}, {VALUE}),
    covar_samp({VALUE}, {BEFORE}), covar_samp({BEFORE}, {BEFORE})
FROM units GROUP BY arm
"""
_SUMS = f"""
SELECT arm, {{'n': count(*), 'sum': sum({VALUE}), 'squares': sum({VALUE}^2), 'before': sum({BEFORE}),
    'before_squares': sum({BEFORE}^2), 'products': sum({VALUE} * {BEFORE})}}
FROM units GROUP BY arm
"""


def units(made: World, opened: "DuckDBPyConnection") -> None:
    """The table that all of them start from: floor.sql up to its moments."""
    database = Database.open(made.settings.url)
    for name, value in variables(made, pin(made.settings, database)).items():
        opened.execute(f"SET VARIABLE {name} = $value", {"value": value})
    database.close()
    opened.execute(opened.extract_statements(FLOOR.read_text())[0])
    opened.execute(f"CREATE TABLE units AS SELECT arm, {VALUE}, {BEFORE} FROM numbers")
    opened.execute("DROP TABLE numbers")


def ours(opened: "DuckDBPyConnection") -> Effects:
    """Moments in the engine, then Lin's adjustment from them."""
    columns = (VALUE, BEFORE)
    arms = {
        arm: Moments(
            columns=columns,
            n=n,
            mean=np.array([value, before]),
            scatter=np.array([[vv, vb], [vb, bb]]) * (n - 1),
        )
        for arm, n, value, before, vv, vb, bb in opened.execute(_MOMENTS).fetchall()
    }
    measure = Measure(name="premium", value=VALUE, covariates=(BEFORE,))
    found = {}
    for effect in arm_effects({1: arms}, ARMS[0], ARMS[1:], [measure]):
        if not isinstance(effect.adjusted, Difference) or isinstance(effect.adjusted.absolute, NotEstimable):
            raise TypeError(f"expected an estimate, got {effect.adjusted}")
        found[effect.arm] = effect.adjusted.absolute.value
    return found


def tea_tasting(opened: "DuckDBPyConnection") -> Effects:
    """Its own aggregates in the engine, by Narwhals."""
    import tea_tasting as tt

    experiment = tt.Experiment(premium=tt.Mean(VALUE, covariate=BEFORE), variant="arm")
    results = experiment.analyze(opened.table("units"), control=ARMS[0], all_variants=True)
    return {pair[1]: result["premium"].effect_size for pair, result in results.items()}


def pandas(opened: "DuckDBPyConnection") -> Effects:
    """CUPED as one writes it by hand on a data frame: one theta, from all units."""
    rows = opened.execute("SELECT arm, c6, c8 FROM units").df()
    pair = rows[[VALUE, BEFORE]].cov()
    adjusted = rows[VALUE] - pair.loc[VALUE, BEFORE] / pair.loc[BEFORE, BEFORE] * rows[BEFORE]
    means = adjusted.groupby(rows["arm"]).mean()
    return {arm: float(means[arm] - means[ARMS[0]]) for arm in ARMS[1:]}


def gbstats(opened: "DuckDBPyConnection") -> Effects:
    """From sums that the engine adds up; the start of its process is not counted."""
    sums = dict(opened.execute(_SUMS).fetchall())
    pairs = json.dumps([[sums[ARMS[0]], sums[arm]] for arm in ARMS[1:]])
    started = time.perf_counter()
    answered = subprocess.run([GBSTATS, _SCRIPT], input=pairs, capture_output=True, text=True, check=True)
    answer = json.loads(answered.stdout)
    _OUTSIDE.append(time.perf_counter() - started - answer["seconds"])
    return dict(zip(ARMS[1:], (found["effect"] for found in answer["effects"]), strict=True))


_OUTSIDE: list[float] = []  # seconds of starting another Python, to be left out


def timed(
    work: Callable[["DuckDBPyConnection"], Effects], opened: "DuckDBPyConnection"
) -> tuple[Effects, float]:
    _OUTSIDE.clear()
    started = time.perf_counter()
    found = work(opened)
    return found, time.perf_counter() - started - sum(_OUTSIDE)


def compare(made: World, rounds: int) -> dict[str, tuple[Effects, float]]:
    """Each one's effects and its median seconds, in turns after one unmeasured turn."""
    asked: dict[str, Callable[[DuckDBPyConnection], Effects]] = {
        "Leverboard": ours,
        "tea-tasting on DuckDB": tea_tasting,
        "pandas": pandas,
    }
    if GBSTATS.exists():
        asked["gbstats, from sums"] = gbstats
    with engine.connection(made.settings) as opened:
        units(made, opened)
        effects = {name: timed(work, opened)[0] for name, work in asked.items()}
        turns = [{name: timed(work, opened)[1] for name, work in asked.items()} for _ in range(rounds)]
    return {name: (effects[name], statistics.median(turn[name] for turn in turns)) for name in asked}


def report(made: World, found: Mapping[str, tuple[Effects, float]]) -> None:
    table = Table(title=f"{made.units:,} units, seed {made.seed}: from units to two adjusted effects")
    for heading in ("", "seconds (median)", *ARMS[1:]):
        table.add_column(heading, justify="right" if heading else "left")
    for name, (effects, seconds) in found.items():
        table.add_row(name, f"{seconds:.3f}", *(f"{effects[arm]:.6f}" for arm in ARMS[1:]))
    Console().print(table)
    if not GBSTATS.exists():
        Console().print("gbstats is not there: make .venv/gbstats/ready")


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench.compare", description=__doc__)
    options.add_argument("--units", type=int, default=1_000_000)
    options.add_argument("--outcomes", type=int, default=10_000_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    made = world(units=asked.units, outcomes=asked.outcomes, seed=asked.seed)
    report(made, compare(made, asked.rounds))


if __name__ == "__main__":
    main()
