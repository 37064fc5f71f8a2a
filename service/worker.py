"""The worker: which function computes which kind of run, and what is done by the clock? All listed."""

from collections.abc import Mapping, Sequence
from threading import Event

from sqlalchemy.orm import Session

from service.charts import duties as drawing
from service.customers import duties as customers
from service.evidence import job as analysis
from service.evidence.imported import job as grading
from service.evidence.posterior import job as posterior
from service.explorations import job as exploration
from service.facts.lake import duties as lake
from service.facts.sources import job as source_test
from service.kit.database import Database
from service.reports import duties as reporting
from service.reports import job as report
from service.runs import duties, loop
from service.runs.duties import Duty
from service.runs.origins import Need
from service.runs.rules import RunKind
from service.runs.task import Job, Outcome, Task
from service.settings import Settings
from service.studies import job as study


def analysed(session: Session, task: Task, outcome: Outcome) -> None:
    """Evidence and verdicts, and with them, or not at all, the posteriors and reports that follow."""
    analysis.record(session, task, outcome)
    posterior.after_analysis(session, task)
    report.after_analysis(session, task, outcome)


JOBS: Mapping[RunKind, Job] = {
    RunKind.ANALYSIS: Job(compute=analysis.compute, record=analysed),
    RunKind.RETROSPECTIVE: Job(compute=grading.compute, record=grading.record),
    RunKind.EXPLORATION: Job(compute=exploration.compute, record=exploration.record, need=Need.CAUSAL),
    RunKind.POSTERIOR: Job(compute=posterior.compute, record=posterior.record),
    RunKind.POSTERIOR_AUDIT: Job(compute=posterior.compute, record=posterior.record, need=Need.SAMPLERS),
    RunKind.SOURCE_TEST: Job(compute=source_test.compute, record=source_test.record),
    RunKind.STUDY: Job(compute=study.compute, record=study.record, need=Need.CAUSAL),
    RunKind.REPORT: Job(compute=report.compute, record=report.record),
}

DUTIES: Sequence[Duty] = (*lake.DUTIES, *drawing.DUTIES, *reporting.DUTIES, *customers.DUTIES)


def work(settings: Settings, database: Database, stop: Event, *, until_idle: bool = False) -> int:
    """Work on the queue of this deployment, and beside it on duties; how many attempts were made.

    Whoever works only until nothing is left has no duties.
    """
    worker = loop.worker(settings, database, JOBS, stop)
    if until_idle:
        return worker.work(until_idle=True)
    with duties.kept(settings, database, DUTIES, worker.id, stop):
        return worker.work()
