"""How does what waits leave? A worker sends it: receivers side by side, each one's messages in order."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from time import perf_counter

import structlog
from sqlalchemy.orm import Session

from service.kit.clock import now
from service.kit.database import Database
from service.kit.words import Words
from service.reports import deliveries, keeping, trials
from service.reports.deliveries import Attempted
from service.reports.kinds import Form, ReceiverKind, ReportKind
from service.reports.sending.chat import send_chat
from service.reports.sending.mail import send_mail
from service.reports.sending.message import Address, Message, Sent, Unsent
from service.reports.sending.secrets import secret_of
from service.reports.sending.webhook import send_webhook
from service.reports.tables import ReceiverTrial, ReportDelivery, ReportReceiver, ReportRow
from service.runs.task import Performed, ReportStage
from service.settings import Settings

log = structlog.get_logger(__name__)

MESSAGES = 100  # in one turn
ABREAST = 8  # receivers at once: one that hangs holds up no other

SENDERS: Mapping[ReceiverKind, Callable[[Settings, Address, Message], str]] = {
    ReceiverKind.WEBHOOK: send_webhook,
    ReceiverKind.MAIL: send_mail,
    ReceiverKind.CHAT: send_chat,
}

type Prepared = Callable[[], tuple[Address, Message]]


def deliveries_due(_settings: Settings, database: Database, _last: datetime | None) -> bool:
    with database.read() as session:
        return deliveries.any_due(session) or trials.any_waiting(session)


def deliver(settings: Settings, database: Database, _given: None, _report: ReportStage) -> Performed:
    """One attempt for each test and for each message that waits."""
    with database.read() as session:
        tested = [one.id for one in trials.waiting(session)]
        queued: dict[str, list[str]] = {}
        for one in deliveries.due(session, MESSAGES):
            queued.setdefault(one.receiver_id, []).append(one.id)
    with ThreadPoolExecutor(max_workers=ABREAST) as pool:
        trying = [pool.submit(_try, settings, database, one) for one in tested]
        sending = [pool.submit(_send_all, settings, database, ids) for ids in queued.values()]
    tried = sum(map(len, queued.values())) + len(tested)
    delivered = sum(one.result() for one in (*trying, *sending))
    return Performed(told={"tried": tried, "delivered": delivered})


def _try(settings: Settings, database: Database, trial_id: str) -> int:
    """A test's only attempt."""

    def prepared() -> tuple[Address, Message]:
        with database.read() as session:
            row = session.get_one(ReceiverTrial, trial_id)
            receiver = session.get_one(ReportReceiver, row.receiver_id)
            message = trials.message_of(row)
        return _address(settings, receiver), message

    what = _attempt(settings, prepared, trial_id)
    with database.write() as session:
        trials.tried(session, trial_id, what)
    return int(what.error is None)


def _send_all(settings: Settings, database: Database, delivery_ids: Sequence[str]) -> int:
    """To one receiver, until one attempt fails: what comes after it would fail too, and waits its turn."""
    delivered = 0
    for one in delivery_ids:
        what = _attempt(settings, partial(_prepared, settings, database, one), one)
        with database.write() as session:
            deliveries.attempted(session, one, what)
        if what.error is not None:
            break
        delivered += 1
    return delivered


def _attempt(settings: Settings, prepared: Prepared, message_id: str) -> Attempted:
    started, at = perf_counter(), now()
    try:
        address, message = prepared()
        answer = SENDERS[address.kind](settings, address, message)
    except Unsent as why:
        took = perf_counter() - started
        return Attempted(at=at, took=took, error=str(why), final=why.final, after=why.after)
    except Exception as error:  # a message that nobody foresaw must not come round for ever
        log.exception("a message could not be sent", message=message_id)
        told = f"The worker failed: {type(error).__name__}."  # its words, which may hold a secret, are logged
        return Attempted(at=at, took=perf_counter() - started, error=told)
    return Attempted(at=at, took=perf_counter() - started, answer=answer)


def _prepared(settings: Settings, database: Database, delivery_id: str) -> tuple[Address, Message]:
    """What goes where; the message is made of what was kept, so that it is the same at every attempt."""
    with database.read() as session:
        row = session.get_one(ReportDelivery, delivery_id)
        receiver = session.get_one(ReportReceiver, row.receiver_id)
        message = _message(session, row, keeping.get(session, row.report_sha256), receiver)
    if not receiver.active:
        raise Unsent("The receiver is switched off.")
    return _address(settings, receiver), message


def _message(session: Session, row: ReportDelivery, report: ReportRow, receiver: ReportReceiver) -> Message:
    """Title and answer were kept in English; a reader gets them in the language of the report."""
    words = Words.of(row.language)
    board = report.kind is ReportKind.BOARD
    return Message(
        id=row.id,
        at=row.created_at,
        title=words.gettext("What grows the business") if board else report.title,
        answer=words.retold(report.answer),
        language=row.language,
        report=Sent(
            cause=row.cause,
            kind=report.kind,
            subject=report.subject,
            sha256=report.sha256,
            run_id=report.run_id,
            forms=_attached(session, row, receiver),
        ),
    )


def _address(settings: Settings, receiver: ReportReceiver) -> Address:
    named = receiver.secret_named
    secret = receiver.secret if named is None else secret_of(settings, named, receiver.team)
    return Address(kind=receiver.kind, address=receiver.address, secret=secret)


def _attached(session: Session, row: ReportDelivery, receiver: ReportReceiver) -> Mapping[Form, bytes]:
    """The forms that the receiver wants, as far as they could be made."""
    found = {}
    for name in receiver.attach:
        with suppress(keeping.FormUnavailable, keeping.FormNotKept):
            form = Form(name)
            found[form] = keeping.content(session, row.report_sha256, form, row.language)[1]
    return found
