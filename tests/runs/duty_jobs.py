"""Duties for the tests of their keeper: each does in a child process what a real one might."""

import os
import time

from service.kit.database import Database
from service.runs.task import Performed, ReportStage
from service.settings import Settings


def note(settings: Settings, database: Database, given: None, report: ReportStage) -> Performed:
    with (settings.data_dir / "noted").open("a") as file:
        file.write("x")
    return Performed(told={"pid": os.getpid()})


def fail(settings: Settings, database: Database, given: None, report: ReportStage) -> Performed:
    raise OSError("disk full")


def hang_once(settings: Settings, database: Database, given: None, report: ReportStage) -> Performed:
    """The first never ends."""
    started = settings.data_dir / "started"
    first = not started.exists()
    started.touch()
    time.sleep(60 if first else 0)
    return note(settings, database, given, report)
