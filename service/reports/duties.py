"""What happens by the clock? Schedules come due, requests become runs, ends are noticed, messages leave."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.evidence.plans import plan_of
from service.experiments import planned as experiments
from service.experiments.schemas import ExperimentState
from service.experiments.tables import ExperimentRow
from service.kit.clock import now
from service.kit.database import Database
from service.reports import requests, schedules
from service.reports.delivering import deliver, deliveries_due
from service.reports.job import ITSELF
from service.runs import service as runs
from service.runs.duties import Duty, every
from service.runs.rules import RunState
from service.runs.schemas import RunRequest
from service.runs.tables import Run
from service.runs.task import Performed, ReportStage
from service.settings import Settings

AT_ONCE = 4  # reports in the queue of runs: an analysis that somebody waits for is never far behind
IMPATIENT = timedelta(minutes=1)
GRACE = timedelta(minutes=10)  # for people to ask for the final analysis themselves
LONG_AGO = timedelta(days=120)
OPEN = (RunState.QUEUED, RunState.RUNNING)


def requests_due(_settings: Settings, database: Database, _last: datetime | None) -> bool:
    """Somebody waits for a report, and the queue is free or has long not been; or a schedule is due."""
    with database.read() as session:
        if schedules.any_due(session) or requests.in_vain(session):
            return True
        found = requests.waiting(session, 1)
        if not found:
            return False
        busy = session.scalar(select(Run.id).where(Run.state.in_(OPEN)).limit(1))
        return busy is None or now() - found[0].at > IMPATIENT


def ask_for_reports(_settings: Settings, database: Database, _given: None, _report: ReportStage) -> Performed:
    """Carry out what is due, and hand the oldest requests to the queue of runs."""
    with database.write() as session:
        fired = schedules.due(session)
        for one in fired:
            schedules.carry_out(session, one)
    with database.write() as session:
        in_vain = requests.in_vain(session)
        for request in in_vain:
            requests.give_up(request)
        asked = [requests.start(session, one) for one in requests.waiting(session, AT_ONCE)]
    return Performed(told={"schedules": len(fired), "asked": len(asked), "given_up": len(in_vain)})


def ends_due(_settings: Settings, _database: Database, last: datetime | None) -> bool:
    return every(IMPATIENT, last)


def analyse_ends(_settings: Settings, database: Database, _given: None, _report: ReportStage) -> Performed:
    """Ask for the final analysis of experiments that stopped, and that nobody has analysed since.

    It can be final once the last window has closed; its report follows from it.
    """
    asked = select(Run.id).where(Run.experiment_id == ExperimentRow.id, Run.created_by == ITSELF)
    unasked = select(ExperimentRow.id).where(
        ExperimentRow.state == ExperimentState.STOPPED,
        ExperimentRow.stopped_at < now() - GRACE,
        ExperimentRow.stopped_at > now() - LONG_AGO,
        ~asked.exists(),
    )
    with database.read() as session:
        stopped = session.scalars(unasked).all()
        ripe = [one for one in stopped if _ripe(session, one)]
    for experiment_id in ripe:
        with database.write() as session:
            if _ripe(session, experiment_id):
                runs.ask(session, experiments.get(session, experiment_id), RunRequest(), author=ITSELF)
    return Performed(told={"analyses": len(ripe)})


def _ripe(session: Session, experiment_id: str) -> bool:
    """Whether every window has closed, and no planned analysis was asked for since."""
    plan = plan_of(session, experiment_id)
    if plan.stopped_at is None or plan.stopped_at + plan.horizon + GRACE > now():
        return False
    closed = plan.stopped_at + plan.horizon
    return not any(run.as_of >= closed for run in runs.planned_heads(session, experiment_id))


DUTIES = (
    Duty(name="reports", due=requests_due, perform=ask_for_reports),
    Duty(name="report ends", due=ends_due, perform=analyse_ends),
    Duty(name="deliver", due=deliveries_due, perform=deliver),
)
