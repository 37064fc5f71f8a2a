"""The long lane: every row at R replications, printed as it comes, and written as a page if asked.

Stopped, it goes on with the rows that are left.
"""

import argparse
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path

from tests.calibration.kept import Kept
from tests.calibration.measure import Rates, measured
from tests.calibration.page import line, page, programme_line
from tests.calibration.programme import RULES, TRUTHS, Discoveries, discoveries
from tests.calibration.rows import Row
from tests.calibration.tables import TABLES

SEED = 20261122
ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "calibration.jsonl"
MEASURED = ("analyses", "tests/calibration", "tests/analyses/relationship")  # whose code makes the numbers


def own_version() -> str:
    """Of the tree that is measured, installed or not."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def own_commit() -> str:
    """The last that changed what is measured."""
    asked = ["git", "-C", str(ROOT), "log", "-1", "--format=%h", "--", *MEASURED]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def rates_of(table: str, rows: Sequence[Row], pool: Pool, kept: Kept) -> Iterator[Rates]:
    """Each row's rates, printed as they come, in the order of the page."""
    there = kept.there(table, rows)
    ask = partial(measured, replications=kept.replications, seed=kept.seed)
    fresh = pool.imap(ask, [row for row in rows if row.name not in there])
    for row in rows:
        rates = there[row.name] if row.name in there else kept.add(table, next(fresh))
        print(line(rates), flush=True)
        yield rates


def over_the_programme(replications: int, seed: int) -> list[Discoveries]:
    """Quick enough for one process."""
    print("\n200 hypotheses at once")
    found = [discoveries(truth, rule, replications, seed) for truth in TRUTHS for rule in RULES]
    print("\n".join(map(programme_line, found)), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.calibration", description=__doc__)
    parser.add_argument("--replications", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--write", type=Path, help="where the page goes")
    asked = parser.parse_args()
    if asked.only and asked.write:
        parser.error("--write takes every row: the page is written anew")
    code = own_commit()
    kept = Kept(KEPT, replications=asked.replications, seed=asked.seed, code=code)
    found: dict[str, list[Rates]] = {}
    with get_context("spawn").Pool(asked.processes) as pool:
        for name, rows in TABLES.items():
            print(f"\n{name}", flush=True)
            chosen = [row for row in rows if asked.only in row.name]
            found[name] = [*rates_of(name, chosen, pool, kept)]
    failing = sum(bool(rates.misses(2)) for of_table in found.values() for rates in of_table)
    programme = over_the_programme(asked.replications, asked.seed)
    failing += sum(one.said.startswith("**") for one in programme)
    print(f"\n{failing} rows miss their bar by more than two Monte Carlo errors")
    if asked.write:
        facts = {name: version(name) for name in ("numpy", "scipy")} | {"version": own_version()}
        facts |= {"code": code, "day": f"{datetime.now(UTC):%Y-%m-%d}"}
        asked.write.write_text(
            page(found, programme, replications=asked.replications, seed=asked.seed, **facts)
        )
        kept.forget()


if __name__ == "__main__":
    main()
