"""Jobs for the tests of the worker: each does in a child process what a real one might."""

import os
import signal
import struct
import sys
import time
from pathlib import Path

from service.kit.database import Database
from service.runs.origins import Need
from service.runs.rules import RunKind
from service.runs.task import Compute, Job, Outcome, ReportStage, Task, Unanswerable
from service.settings import Settings


def outcome(task: Task, **result: str | int) -> Outcome:
    return Outcome(type=task.type, result=dict(result), provenance={"method": "test"}, snapshot="7")


def answer(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    report("thinking", 0.5)
    print("a library that talks")  # noqa: T201 - what libraries do
    return outcome(task, answer=42, pid=os.getpid(), attempt=task.attempt)


def sleep(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    report(f"sleeping in {os.getpid()}", 0.1)
    time.sleep(30)
    return outcome(task, slept=30)


def sleep_once(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    """The first attempt never ends; the next answers at once."""
    return (sleep if task.attempt == 1 else answer)(settings, database, task, report)


def wait_for_file(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    report("waiting", 0.1)
    for _ in range(600):
        if (settings.data_dir / "go").exists():
            break
        time.sleep(0.05)
    return outcome(task, waited=1)


def raise_error(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    raise ArithmeticError(f"attempt {task.attempt} went wrong")


def give_up(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    raise Unanswerable("no attempt can answer this")


def crash(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    sys.stderr.write("last words\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGSEGV)
    return outcome(task)


def die_answering(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    """Killed while it sends: the length of a message is in the pipe, and not all of the message."""
    (pipe,) = (cell.cell_contents for cell in getattr(report, "__closure__", ()))
    os.write(pipe.fileno(), struct.pack("!i", 1_000) + b"half a message")
    os.kill(os.getpid(), signal.SIGKILL)
    return outcome(task)


def note_start(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    """Leaves a file for each computation, so that a test can count them."""
    Path(settings.data_dir, f"{task.id}.{task.attempt}").touch()
    return outcome(task, answer=1)


def forget(session: object, task: Task, outcome: Outcome) -> None:
    """A record step that keeps nothing more."""


def jobs(compute: Compute, need: Need = Need.ORDINARY) -> dict[RunKind, Job]:
    return {RunKind.ANALYSIS: Job(compute=compute, record=forget, need=need)}
