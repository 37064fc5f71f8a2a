"""What a person finds in the log when the service starts for the first time."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

STARTED = (sys.executable, "-m", "service.cli", "worker", "--once")


def first_start(folder: Path, **environment: str) -> str:
    settings = {**os.environ, "LEVERBOARD_DATA_DIR": str(folder / "data"), **environment}
    return subprocess.run(STARTED, env=settings, capture_output=True, text=True, check=True).stderr


def test_a_log_that_no_terminal_shows_has_no_colours_and_no_inner_life_of_alembic(tmp_path: Path) -> None:
    told = first_start(tmp_path)
    assert "Running upgrade" in told
    assert "\x1b" not in told
    assert "autogenerate" not in told


def test_who_asks_for_everything_is_told_everything(tmp_path: Path) -> None:
    assert "autogenerate" in first_start(tmp_path, LEVERBOARD_LOG_LEVEL="debug")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_terminal_is_shown_colours(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    settings = {**os.environ, "LEVERBOARD_DATA_DIR": str(tmp_path / "data"), "TERM": "xterm"}
    settings.pop("NO_COLOR", None)
    subprocess.run(STARTED, env=settings, stderr=theirs, stdout=subprocess.DEVNULL, check=True)
    os.close(theirs)
    assert b"\x1b[" in os.read(ours, 65536)
    os.close(ours)
