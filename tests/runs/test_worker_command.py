"""`leverboard worker` as an operator starts and stops it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from run_watch import wait_until

from service.kit.database import Database
from service.runs import queue
from service.settings import Settings

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "service.cli", "worker", "--json"]


def environment(settings: Settings) -> dict[str, str]:
    return os.environ | {"LEVERBOARD_DATA_DIR": str(settings.data_dir)}


def test_once_ends_when_nothing_is_left(settings: Settings) -> None:
    answer = subprocess.run(
        [*COMMAND, "--once"],
        env=environment(settings),
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    assert json.loads(answer.stdout.splitlines()[-1]) == {"attempts": 0}


def test_sigterm_ends_it_in_good_order(settings: Settings, database: Database) -> None:
    process = subprocess.Popen(COMMAND, env=environment(settings), cwd=ROOT, stdout=subprocess.PIPE)

    def alive() -> bool:
        with database.read() as session:
            return queue.latest_beat(session) is not None

    try:
        wait_until(alive)
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        assert process.wait(20) == 0
        assert time.monotonic() - asked < 10
    finally:
        process.kill()
        process.communicate()
    assert not alive()
