"""What becomes of a run when all goes well, when its code breaks, and when somebody stops it?"""

import os
import threading
import time
from datetime import timedelta
from threading import Event

import run_jobs
from run_watch import alive, read, sleeping, wait_until

from service.kit.clock import now
from service.runs import loop, queue, service
from service.runs.loop import Worker
from service.runs.rules import RunState


def test_a_run_is_computed_in_a_child_and_its_result_kept(database, queued, hire, capfd) -> None:
    run_id = queued()
    hire(run_jobs.answer).work(until_idle=True)
    run = read(database, run_id)
    assert run.state is RunState.SUCCEEDED
    assert run.result is not None
    assert run.result["answer"] == 42
    assert run.result["pid"] != os.getpid()
    assert (run.progress, run.snapshot, run.provenance) == (1.0, "7", {"method": "test"})
    assert "a library that talks" not in capfd.readouterr().out


def test_an_error_is_tried_three_times_and_kept(database, queued, hire) -> None:
    run_id = queued()
    assert hire(run_jobs.raise_error).work(until_idle=True) == 3
    run = read(database, run_id)
    assert (run.state, run.attempts) == (RunState.FAILED, 3)
    assert (run.error_type, run.error_message) == ("ArithmeticError", "attempt 3 went wrong")
    assert run.error_trace is not None
    assert "raise_error" in run.error_trace
    assert run.finished_at is not None


def test_a_crash_names_the_signal_and_keeps_the_last_words(database, queued, hire) -> None:
    run_id = queued()
    hire(run_jobs.crash).work(until_idle=True)
    run = read(database, run_id)
    assert run.state is RunState.FAILED
    assert "SIGSEGV" in (run.error_message or "")
    assert "last words" in (run.error_trace or "")


def test_what_no_attempt_can_answer_is_tried_once(database, queued, hire) -> None:
    run_id = queued()
    assert hire(run_jobs.give_up).work(until_idle=True) == 1
    run = read(database, run_id)
    assert (run.state, run.attempts, run.error_type) == (RunState.FAILED, 1, "Unanswerable")


def test_a_child_that_is_killed_while_it_answers_has_died(database, queued, hire) -> None:
    """Half a message is none: the attempt fails, and the worker goes on."""
    run_id = queued()
    hire(run_jobs.die_answering).work(until_idle=True)
    run = read(database, run_id)
    assert (run.state, run.attempts, run.error_type) == (RunState.FAILED, 3, "child_died")
    assert "SIGKILL" in (run.error_message or "")


def test_a_child_that_cannot_be_started_is_a_failed_attempt(database, queued, hire, monkeypatch) -> None:
    run_id = queued()

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError("no process is left")

    monkeypatch.setattr(loop, "Child", refuse)
    assert hire(run_jobs.answer).work(until_idle=True) == 3
    run = read(database, run_id)
    assert (run.state, run.error_type) == (RunState.FAILED, "child_not_started")
    assert "no process is left" in (run.error_message or "")


def test_the_time_limit_kills_and_counts_as_a_failed_attempt(database, queued, hire) -> None:
    run_id = queued()
    hire(run_jobs.sleep, run_time_limit=timedelta(seconds=0.6)).work(until_idle=True)
    run = read(database, run_id)
    assert (run.state, run.attempts, run.error_type) == (RunState.FAILED, 3, "time_limit")


def test_cancel_kills_the_child_in_the_middle(database, queued, hire) -> None:
    run_id = queued()
    thread = threading.Thread(target=hire(run_jobs.sleep).work, kwargs={"until_idle": True})
    thread.start()
    wait_until(lambda: sleeping(database, run_id))
    child = int((read(database, run_id).stage or "").split()[-1])
    asked = time.monotonic()
    with database.write() as session:
        service.cancel(session, run_id)
    thread.join(20)
    assert time.monotonic() - asked < 5
    assert not alive(child)
    assert read(database, run_id).state is RunState.CANCELLED
    with database.write() as session:  # asking again changes nothing
        assert service.cancel(session, run_id).state is RunState.CANCELLED


def test_stopping_gives_the_run_back_unharmed(database, queued, hire, stop: Event) -> None:
    run_id = queued()
    thread = threading.Thread(target=hire(run_jobs.sleep).work)
    thread.start()
    wait_until(lambda: sleeping(database, run_id))
    stop.set()
    thread.join(20)
    run = read(database, run_id)
    assert (run.state, run.attempts, run.lease_token) == (RunState.QUEUED, 0, None)
    with database.read() as session:
        assert queue.latest_beat(session) is None


def test_a_worker_shows_that_it_lives(database, queued, hire, stop: Event) -> None:
    thread = threading.Thread(target=hire(run_jobs.answer).work)
    before = now()
    thread.start()

    def has_beaten() -> bool:
        with database.read() as session:
            last = queue.latest_beat(session)
        return last is not None and last >= before

    wait_until(has_beaten)
    stop.set()
    thread.join(20)


def test_two_workers_share_a_queue_without_doing_anything_twice(database, queued, hire, quick) -> None:
    runs = [queued() for _ in range(8)]
    workers: list[Worker] = [hire(run_jobs.note_start) for _ in range(2)]
    threads = [threading.Thread(target=w.work, kwargs={"until_idle": True}) for w in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(path.name for path in quick.data_dir.glob("run_*")) == sorted(f"{run}.1" for run in runs)
    assert all(read(database, run).state is RunState.SUCCEEDED for run in runs)
