"""How a test waits for what happens in other processes."""

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from service.kit.database import Database
from service.runs import service
from service.runs.loop import Worker
from service.runs.origins import ORIGINS, Need
from service.runs.rules import RunState
from service.runs.tables import Run
from service.runs.task import Compute

LEAN = 60_000  # kilobytes that the process all children are forked from may grow by


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


def assert_cut_off(
    database: Database, queued: Callable[[], str], hire: Callable[..., Worker], endless: Compute, need: Need
) -> None:
    """An endless job is stopped by its time limit and by a person: the child dies, its origin stays lean."""
    server = ORIGINS[need].pid
    assert server is not None
    before = resident(server)
    limited = queued()
    hire(endless, need, run_time_limit=timedelta(seconds=2)).work(until_idle=True)
    run = read(database, limited)
    assert (run.state, run.error_type) == (RunState.FAILED, "time_limit")

    cancelled = queued()
    thread = threading.Thread(target=hire(endless, need).work, kwargs={"until_idle": True})
    thread.start()
    wait_until(lambda: sleeping(database, cancelled))
    child = int((read(database, cancelled).stage or "").split()[-1])
    time.sleep(1)  # into the computing
    assert resident(child) > 100_000
    with database.write() as session:
        service.cancel(session, cancelled)
    thread.join(30)
    assert not alive(child)
    assert read(database, cancelled).state is RunState.CANCELLED
    assert resident(server) - before < LEAN
