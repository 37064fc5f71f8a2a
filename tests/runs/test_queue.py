"""Does the lease protect a run from two workers, a silent one, and one that comes back too late?"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import run_jobs
from run_watch import alive, read, sleeping, wait_until

from service.kit.clock import now
from service.kit.database import Database
from service.runs import queue, service
from service.runs.queue import Lease, LeaseLost
from service.runs.rules import RunState
from service.runs.task import Failure
from service.settings import Settings

LEASE = timedelta(seconds=60)


@pytest.fixture
def chosen(each_settings: Settings) -> Settings:
    return each_settings


@pytest.fixture
def database(each_database: Database) -> Database:
    return each_database


def claim(database: Database, worker: str, later: timedelta = timedelta(0)) -> Lease | None:
    with database.write() as session:
        return queue.claim(session, worker, now() + later, LEASE)


def claimed(database: Database, worker: str, later: timedelta = timedelta(0)) -> Lease:
    lease = claim(database, worker, later)
    assert lease is not None
    return lease


def state(database: Database, run_id: str) -> RunState:
    with database.read() as session:
        return service.get(session, run_id).state


def test_a_race_for_the_same_runs_gives_each_to_one(database: Database, queued: Callable[[], str]) -> None:
    runs = {queued() for _ in range(12)}
    won: list[Lease] = []
    start = threading.Barrier(4)

    def race(name: str) -> None:
        start.wait()
        while (lease := claim(database, name)) is not None:
            won.append(lease)

    threads = [threading.Thread(target=race, args=(f"worker {i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(lease.task.id for lease in won) == sorted(runs)


def test_the_oldest_run_goes_first(database: Database, queued: Callable[[], str]) -> None:
    first, _ = queued(), queued()
    assert claimed(database, "a").task.id == first


def test_a_lease_that_ran_out_is_taken_over(database: Database, queued: Callable[[], str]) -> None:
    run_id = queued()
    claimed(database, "a")
    assert claim(database, "b") is None
    taken = claimed(database, "b", later=LEASE * 2)
    assert (taken.task.id, taken.task.attempt) == (run_id, 2)


def test_a_heartbeat_keeps_the_lease(database: Database, queued: Callable[[], str]) -> None:
    queued()
    lease = claimed(database, "a")
    with database.write() as session:
        queue.extend(session, lease, now() + LEASE, LEASE)
    assert claim(database, "b", later=LEASE * 1.5) is None


def test_who_lost_the_lease_can_record_nothing(database: Database, queued: Callable[[], str]) -> None:
    run_id = queued()
    late = claimed(database, "a")
    claimed(database, "b", later=LEASE * 2)
    for write in (
        lambda session: queue.succeed(session, late, run_jobs.outcome(late.task, answer=1), now()),
        lambda session: queue.fail(session, late, Failure(type="x", message="x"), now()),
        lambda session: queue.release(session, late, now()),
        lambda session: queue.report(session, late, "late", 0.9),
        lambda session: queue.extend(session, late, now(), LEASE),
    ):
        with pytest.raises(LeaseLost), database.write() as session:
            write(session)
    assert state(database, run_id) is RunState.RUNNING


def test_a_cancelled_run_accepts_no_result(database: Database, queued: Callable[[], str]) -> None:
    run_id = queued()
    lease = claimed(database, "a")
    with database.write() as session:
        service.cancel(session, run_id)
    with pytest.raises(LeaseLost), database.write() as session:
        queue.succeed(session, lease, run_jobs.outcome(lease.task, answer=1), now())
    assert state(database, run_id) is RunState.CANCELLED
    assert claim(database, "b", later=LEASE * 2) is None


def test_a_run_that_kills_every_worker_is_given_up(database: Database, queued: Callable[[], str]) -> None:
    run_id = queued()
    for attempt in range(3):
        claimed(database, "a", later=LEASE * 2 * attempt)
    assert claim(database, "b", later=LEASE * 8) is None
    with database.read() as session:
        run = service.get(session, run_id)
    assert (run.state, run.error_type) == (RunState.FAILED, "worker_lost")


def test_a_finished_run_cannot_be_cancelled(database: Database, queued: Callable[[], str]) -> None:
    run_id = queued()
    lease = claimed(database, "a")
    with database.write() as session:
        queue.succeed(session, lease, run_jobs.outcome(lease.task, answer=1), now())
    with pytest.raises(service.RunFinished), database.write() as session:
        service.cancel(session, run_id)


def test_a_killed_worker_is_replaced_and_its_child_dies(database, queued, hire, quick) -> None:
    run_id = queued()
    script = Path(__file__).parent / "run_a_worker.py"
    doomed = subprocess.Popen(
        [sys.executable, str(script), "sleep_once", quick.model_dump_json()],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        wait_until(lambda: sleeping(database, run_id))
        child = int((read(database, run_id).stage or "").split()[-1])
    finally:
        doomed.send_signal(signal.SIGKILL)
        doomed.wait(10)
    hire(run_jobs.sleep_once).work(until_idle=True)
    run = read(database, run_id)
    assert (run.state, run.attempts, run.error_type) == (RunState.SUCCEEDED, 2, "worker_lost")
    wait_until(lambda: not alive(child))
