"""The long lane: every row that is not of today's code, printed as it comes, kept, and written as a page.

Stopped, it goes on with the rows that are left. A part of the rows can be counted by itself, by `--only`.
"""

import argparse
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path

from tests.calibration.lane import Task, counted, tasks
from tests.calibration.page import Usual, lines, page
from tests.calibration.records import Record, Records

SEED = 20261122
ROOT = Path(__file__).parents[2]
COUNTED = ROOT / "docs" / "calibration.jsonl"
PAGE = ROOT / "docs" / "calibration.md"
MEASURED = ("analyses", "tests/calibration", "tests/analyses")  # whose code makes the numbers


def own_version() -> str:
    """Of the tree that is measured, installed or not."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def own_commit() -> str:
    """The last that changed what is measured; with a + where something is changed and not committed."""
    commit = _git("log", "-1", "--format=%h", "--", *MEASURED)
    return commit + "+" * bool(_git("status", "--porcelain", "--", *MEASURED))


def _git(*words: str) -> str:
    asked = ["git", "-C", str(ROOT), *words]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def stale(wanted: Sequence[Task], records: Records, *, seed: int, code: str) -> list[Task]:
    """The rows that were not counted yet on this code, with this seed and as often."""
    of = {task: records.get(task.section, task.name) for task in wanted}
    return [
        task
        for task, one in of.items()
        if one is None
        or (one.code, one.seed, one.replications) != (code, seed, task.replications)
        or code.endswith("+")
    ]


def count(wanted: Sequence[Task], records: Records, pool: Pool, *, seed: int, code: str) -> Iterator[Record]:
    """Each row's record, kept as it comes."""
    for task, found in zip(wanted, pool.imap(partial(counted, seed=seed), wanted), strict=True):
        record = Record(
            section=task.section,
            name=task.name,
            replications=task.replications,
            seed=seed,
            code=code,
            version=own_version(),
            day=f"{datetime.now(UTC):%Y-%m-%d}",
            found=found,
        )
        records.keep(record)
        yield record


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.calibration", description=__doc__)
    parser.add_argument("--replications", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="rows whose table or name contains this")
    parser.add_argument("--keep", type=Path, default=COUNTED, help="where counts are kept, a line a row")
    parser.add_argument("--write", type=Path, help="where the page goes")
    asked = parser.parse_args()
    everything, code = [*tasks(asked.replications)], own_commit()
    records = Records(asked.keep)
    chosen = [task for task in everything if asked.only in f"{task.section} | {task.name}"]
    left = stale(chosen, records, seed=asked.seed, code=code)
    print(f"{len(left)} of {len(chosen)} rows are not of commit {code} yet")
    usual = Usual(replications=asked.replications, code=code)
    with get_context("spawn").Pool(asked.processes) as pool:
        for record in count(left, records, pool, seed=asked.seed, code=code):
            print("\n".join(map(str, lines(record, usual))), flush=True)
    if asked.write:
        records.only([(task.section, task.name) for task in everything])
        asked.write.write_text(page(records))


if __name__ == "__main__":
    main()
