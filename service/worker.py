"""The worker: which function computes which kind of run? Nothing else knows both."""

from collections.abc import Mapping
from threading import Event

from service.evidence import job as analysis
from service.evidence.imported import job as grading
from service.kit.database import Database
from service.runs import loop
from service.runs.rules import RunKind
from service.runs.task import Job
from service.settings import Settings

JOBS: Mapping[RunKind, Job] = {
    RunKind.ANALYSIS: Job(compute=analysis.compute, record=analysis.record),
    RunKind.RETROSPECTIVE: Job(compute=grading.compute, record=grading.record),
}


def work(settings: Settings, database: Database, stop: Event, *, until_idle: bool = False) -> int:
    """Work on the queue of this deployment; how many attempts were made."""
    return loop.worker(settings, database, JOBS, stop).work(until_idle=until_idle)
