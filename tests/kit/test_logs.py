"""What a person finds in the log when the service makes its tables."""

import os
import subprocess
import sys
from pathlib import Path

FIRST_START = """
import sys
from service.kit import logs, schema
from service.kit.database import Database

logs.configure("console", sys.argv[1])
schema.upgrade(Database.open(f"sqlite:///{sys.argv[2]}"))
"""


def started(folder: Path, level: str) -> tuple[str, ...]:
    return sys.executable, "-c", FIRST_START, level, str(folder / "leverboard.db")


def test_a_log_that_no_terminal_shows_has_no_colours_and_no_inner_life_of_alembic(tmp_path: Path) -> None:
    told = subprocess.run(started(tmp_path, "info"), capture_output=True, text=True, check=True).stderr
    assert "Running upgrade" in told
    assert "\x1b" not in told
    assert "autogenerate" not in told


def test_who_asks_for_everything_is_told_everything(tmp_path: Path) -> None:
    told = subprocess.run(started(tmp_path, "debug"), capture_output=True, text=True, check=True).stderr
    assert "autogenerate" in told


def test_a_terminal_is_shown_colours(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {
        "TERM": "xterm"
    }
    subprocess.run(started(tmp_path, "info"), env=environment, stderr=theirs, check=True)
    os.close(theirs)
    assert b"\x1b[" in os.read(ours, 65536)
    os.close(ours)
