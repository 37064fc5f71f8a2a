"""Does the whole demo end as told, and does it leave nothing behind? The slowest tests that we have."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

COMMAND = (sys.executable, "-m", "service.cli", "demo")
ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
TOLD = {
    "Quick quote": ("confirmed", "strong", []),
    "Talks with my adviser": ("rejected", None, ["below_smallest_slope"]),
    "Days to a decision": ("inconclusive", None, ["credit_shared"]),
    "Payment flexibility": ("inconclusive", None, ["too_few_units"]),
    "Neighbours who decided for it": ("inconclusive", "supported", ["one_mechanism"]),
}


def _environment() -> dict[str, str]:
    """A setting of somebody's own that the demo must not touch."""
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
        "LEVERBOARD_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    }


@pytest.mark.timeout(280)
def test_the_demo_ends_as_told_within_two_minutes_of_computing(tmp_path: Path) -> None:
    before = os.times()
    done = subprocess.run(
        (*COMMAND, "--once", "--json"),
        cwd=tmp_path,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    after = os.times()  # of a process that ended; how long it waited for a busy machine is not its doing
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent < 120
    levers = json.loads((tmp_path / "demo-levers.json").read_text(encoding="utf-8"))
    assert json.loads(done.stdout) == levers
    found = {
        lever["cpi"]["name"]: (lever["state"], lever["verdict"]["label"], lever["reasons"])
        for lever in levers
    }
    assert found == TOLD
    by_cpi = {lever["cpi"]["name"]: lever for lever in levers}
    low, high = by_cpi["Quick quote"]["verdict"]["slope"]["interval"]
    assert low < 0.015 < high  # the truth
    counts = by_cpi["Quick quote"]["verdict"]
    assert (counts["experiments"], counts["mechanisms"]) == (3, 2)
    assert by_cpi["Payment flexibility"]["needed_units_per_arm"] > 1000
    low, high = by_cpi["Neighbours who decided for it"]["verdict"]["slope"]["interval"]
    assert low < 0.079 < high  # the published figure
    assert "rating_is_no_cpi" in done.stderr
    assert "correlation +0." in done.stderr
    with pytest.raises(httpx.ConnectError):
        httpx.get(_address(done.stderr) + "/livez")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Whoever runs the tests in the background ignores SIGINT, and a child would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def _started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    """The demo, once it has told its address."""
    log = tmp_path / "told.txt"
    with log.open("wb") as sink:
        process = subprocess.Popen(COMMAND, cwd=tmp_path, env=_environment(), stdout=sink, stderr=sink)
        try:
            deadline = time.monotonic() + 60
            while not ADDRESS.search(log.read_text()):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield process, _address(log.read_text()), log
        finally:
            process.kill()
            process.wait()


def _address(text: str) -> str:
    match = ADDRESS.search(text)
    assert match is not None, text
    return match[0]


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_service_with_the_demo(tmp_path: Path, number: signal.Signals) -> None:
    with _started(tmp_path) as (process, address, log):
        process.send_signal(number)
        assert process.wait(60) == 130, log.read_text()
        with pytest.raises(httpx.ConnectError):
            httpx.get(address + "/livez")


def test_a_service_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    with _started(tmp_path) as (process, _, log):
        service = _children(process.pid)[0]
        worker = _children(service)
        os.kill(service, signal.SIGKILL)
        assert process.wait(60) == 1, log.read_text()
        assert "last words" in log.read_text()
        assert not any(Path(f"/proc/{one}").exists() for one in (service, *worker))


def _children(process: int) -> list[int]:
    path = Path(f"/proc/{process}/task/{process}/children")
    if not path.exists():
        pytest.skip("this system does not tell a process' children")
    return [int(child) for child in path.read_text().split()]
