"""How a test waits for what happens in other processes."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from service.kit.database import Database
from service.runs import service
from service.runs.tables import Run


def read(database: Database, run_id: str) -> Run:
    with database.read() as session:
        return service.get(session, run_id)


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within 60 seconds")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def resident(pid: int) -> int:
    """Kilobytes in memory."""
    (line,) = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS")]
    return int(line.split()[1])


def sleeping(database: Database, run_id: str) -> bool:
    return (read(database, run_id).stage or "").startswith("sleeping in")
