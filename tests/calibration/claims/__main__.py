"""Promises of estimators outside the verdict rule, tried R times each: a section of docs/calibration.md."""

import argparse
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.calibration.__main__ import SEED
from tests.calibration.claims.all import CLAIMS, numbered
from tests.calibration.claims.claim import Kept, line, table

TITLE = "## Beyond the rule: promises of the other estimators\n"
HEAD = """Evidence that enters no verdict: how often its estimators keep what they promise, where their
assumptions hold. Each row says of how many tries, at most {replications}; seeds from {seed};
`python -m tests.calibration.claims`; *answered* are those in which the estimator did not refuse. One Monte
Carlo error is given at the bar.

"""


def told(at: int, counts: tuple[int, int, int]) -> Kept:
    kept = Kept(claim=CLAIMS[at], held=counts[0], answered=counts[1], tries=counts[2])
    print(line(kept), flush=True)
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.calibration.claims", description=__doc__)
    parser.add_argument("--replications", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="rows whose estimator's name contains this")
    parser.add_argument("--write", type=Path, help="the page whose last section is written anew")
    asked = parser.parse_args()
    if asked.only and asked.write:
        parser.error("--write takes every row: the section is written anew")
    chosen = [at for at, claim in enumerate(CLAIMS) if asked.only in claim.family]
    with get_context("spawn").Pool(asked.processes) as pool:
        ask = partial(numbered, replications=asked.replications, seed=asked.seed)
        found = list(map(told, chosen, pool.imap(ask, chosen)))
    print(f"\n{sum(kept.short > 2 * kept.error for kept in found)} rows miss their bar")
    if asked.write:
        before = asked.write.read_text().partition(TITLE)[0].rstrip()
        head = HEAD.format(replications=asked.replications, seed=asked.seed)
        asked.write.write_text(f"{before}\n\n{TITLE}\n{head}{table(found)}")


if __name__ == "__main__":
    main()
