"""The worker: which function computes which kind of run? Nothing else knows both."""

from collections.abc import Mapping
from threading import Event

from service.kit.database import Database
from service.runs.loop import worker
from service.runs.rules import RunKind
from service.runs.task import Job
from service.settings import Settings

JOBS: Mapping[RunKind, Job] = {}


def work(settings: Settings, stop: Event, *, until_idle: bool = False) -> int:
    """Work on the queue of this deployment; how many attempts were made."""
    database = Database.open(settings.url)
    try:
        return worker(settings, database, JOBS, stop).work(until_idle=until_idle)
    finally:
        database.close()
