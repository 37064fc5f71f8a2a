"""What happens by the clock? Schedules come due, requests become runs, ends are noticed, messages leave."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from time import perf_counter

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.evidence.plans import plan_of
from service.experiments import planned as experiments
from service.experiments.schemas import ExperimentState
from service.experiments.tables import ExperimentRow
from service.kit.clock import now
from service.kit.database import Database
from service.reports import deliveries, keeping, requests, schedules
from service.reports.deliveries import Attempted
from service.reports.job import ITSELF
from service.reports.kinds import Form, ReceiverKind
from service.reports.sending.chat import send_chat
from service.reports.sending.mail import send_mail
from service.reports.sending.message import Address, Message, Unsent
from service.reports.sending.secrets import secret_of
from service.reports.sending.webhook import send_webhook
from service.reports.tables import ReportDelivery, ReportReceiver
from service.runs import service as runs
from service.runs.duties import Duty, every
from service.runs.rules import RunState
from service.runs.schemas import RunRequest
from service.runs.tables import Run
from service.runs.task import Performed, ReportStage
from service.settings import Settings

log = structlog.get_logger(__name__)

AT_ONCE = 4  # reports in the queue of runs: an analysis that somebody waits for is never far behind
IMPATIENT = timedelta(minutes=1)
MESSAGES = 100  # in one turn
ABREAST = 8  # receivers at once: one that hangs holds up no other
GRACE = timedelta(minutes=10)  # for people to ask for the final analysis themselves
LONG_AGO = timedelta(days=120)
OPEN = (RunState.QUEUED, RunState.RUNNING)

SENDERS: Mapping[ReceiverKind, Callable[[Settings, Address, Message], str]] = {
    ReceiverKind.WEBHOOK: send_webhook,
    ReceiverKind.MAIL: send_mail,
    ReceiverKind.CHAT: send_chat,
}


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


def deliveries_due(_settings: Settings, database: Database, _last: datetime | None) -> bool:
    with database.read() as session:
        return deliveries.any_due(session)


def deliver(settings: Settings, database: Database, _given: None, _report: ReportStage) -> Performed:
    """One attempt for each message that waits: receivers side by side, each one's messages in their order."""
    with database.read() as session:
        waiting: dict[str, list[str]] = {}
        for one in deliveries.due(session, MESSAGES):
            waiting.setdefault(one.receiver_id, []).append(one.id)
    with ThreadPoolExecutor(max_workers=ABREAST) as pool:
        sent = list(pool.map(lambda ids: _send_all(settings, database, ids), waiting.values()))
    tried = sum(map(len, waiting.values()))
    return Performed(told={"tried": tried, "delivered": sum(sent)})


def _send_all(settings: Settings, database: Database, delivery_ids: Sequence[str]) -> int:
    """To one receiver, until one attempt fails: what comes after it would fail too, and waits its turn."""
    delivered = 0
    for one in delivery_ids:
        if not _attempt(settings, database, one):
            break
        delivered += 1
    return delivered


def _attempt(settings: Settings, database: Database, delivery_id: str) -> bool:
    started, at = perf_counter(), now()
    try:
        address, message = _prepared(settings, database, delivery_id)
        answer = SENDERS[address.kind](settings, address, message)
        what = Attempted(at=at, took=perf_counter() - started, answer=answer)
    except Unsent as why:
        what = Attempted(
            at=at, took=perf_counter() - started, error=str(why), final=why.final, after=why.after
        )
    except Exception as error:  # a message that nobody foresaw must not come round for ever
        log.exception("a report could not be sent", delivery=delivery_id)
        told = f"The worker failed: {type(error).__name__}."  # its words, which may hold a secret, are logged
        what = Attempted(at=at, took=perf_counter() - started, error=told)
    with database.write() as session:
        deliveries.attempted(session, delivery_id, what)
    return what.error is None


def _prepared(settings: Settings, database: Database, delivery_id: str) -> tuple[Address, Message]:
    """What goes where; the message is made of what was kept, so that it is the same at every attempt."""
    with database.read() as session:
        row = session.get_one(ReportDelivery, delivery_id)
        receiver = session.get_one(ReportReceiver, row.receiver_id)
        report = keeping.get(session, row.report_sha256)
        message = Message(
            id=row.id,
            at=row.created_at,
            cause=row.cause,
            kind=report.kind,
            subject=report.subject,
            title=report.title,
            answer=report.answer,
            sha256=report.sha256,
            run_id=report.run_id,
            language=row.language,
            forms=_attached(session, row, receiver),
        )
    if not receiver.active:
        raise Unsent("The receiver is switched off.")
    named = receiver.secret_named
    secret = receiver.secret if named is None else secret_of(settings, named, receiver.team)
    return Address(kind=receiver.kind, address=receiver.address, secret=secret), message


def _attached(session: Session, row: ReportDelivery, receiver: ReportReceiver) -> Mapping[Form, bytes]:
    """The forms that the receiver wants, as far as they could be made."""
    found = {}
    for name in receiver.attach:
        with suppress(keeping.FormUnavailable, keeping.FormNotKept):
            form = Form(name)
            found[form] = keeping.content(session, row.report_sha256, form, row.language)[1]
    return found


DUTIES = (
    Duty(name="reports", due=requests_due, perform=ask_for_reports),
    Duty(name="report ends", due=ends_due, perform=analyse_ends),
    Duty(name="deliver", due=deliveries_due, perform=deliver),
)
