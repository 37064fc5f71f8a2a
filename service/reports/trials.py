"""Does a receiver work, before the first report is due? A message that says so, sent once by a worker.

It leaves by the way that reports leave by: from the worker, with the receiver's secret, to a checked address.
It is tried once and never comes round by itself: whoever asked for it waits for the answer, and may ask
again.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.access import Actor, require_team
from service.kit.clock import now
from service.kit.errors import Conflict, NotFound, excerpt
from service.kit.ids import new_id
from service.kit.words import Words
from service.reports import receivers
from service.reports.changes import told_change
from service.reports.deliveries import Attempted
from service.reports.kinds import DeliveryState
from service.reports.sending.message import Message
from service.reports.tables import ReceiverTrial

MOST_TOLD = 50


class TrialNotFound(NotFound):
    slug, title = "receiver-test-not-found", "There is no such test message"


class TrialWaits(Conflict):
    """One at a time: nobody's mailbox is filled by tests."""

    slug, title = "receiver-test-waits", "A test message is on its way already"


def ask(session: Session, actor: Actor, receiver_id: str, language: str) -> ReceiverTrial:
    """One for a receiver of the own team, also one that is switched off: it was asked for."""
    receiver = receivers.get(session, receiver_id, for_change=True)
    require_team(actor, receiver.team)
    if any(one.receiver_id == receiver.id for one in waiting(session)):
        raise TrialWaits("Its answer is at most a minute away while a worker runs.")
    row = ReceiverTrial(
        id=new_id("tst"),
        receiver_id=receiver.id,
        language=language,
        state=DeliveryState.WAITING,
        asked_by=actor.owner,
        created_at=now(),
    )
    session.add(row)
    told_change(session, actor, receiver.id, "tested", ())
    return row


def waiting(session: Session) -> Sequence[ReceiverTrial]:
    """Oldest first; one of a receiver at a time, so that they are few."""
    statement = select(ReceiverTrial).where(ReceiverTrial.state == DeliveryState.WAITING)
    return session.scalars(statement.order_by(ReceiverTrial.id)).all()


def any_waiting(session: Session) -> bool:
    statement = select(ReceiverTrial.id).where(ReceiverTrial.state == DeliveryState.WAITING)
    return session.scalar(statement.limit(1)) is not None


def message_of(row: ReceiverTrial) -> Message:
    """What it says, in the language of reports."""
    _ = Words.of(row.language).gettext
    return Message(
        id=row.id,
        at=row.created_at,
        title=_("A test message"),
        answer=_("This is a test: reports will reach you here, as this message did."),
        language=row.language,
        report=None,
    )


def tried(session: Session, trial_id: str, what: Attempted) -> None:
    """Keep what came of it."""
    row = session.get_one(ReceiverTrial, trial_id)
    row.state = DeliveryState.DELIVERED if what.error is None else DeliveryState.FAILED
    row.tried_at, row.took, row.answer, row.error = what.at, what.took, what.answer, what.error
    session.flush()


def get(session: Session, actor: Actor, receiver_id: str, trial_id: str) -> ReceiverTrial:
    """What is answered may tell where a receiver stands: it is for its team."""
    receiver = receivers.get(session, receiver_id)
    require_team(actor, receiver.team)
    row = session.get(ReceiverTrial, trial_id)
    if row is None or row.receiver_id != receiver.id:
        raise TrialNotFound(f"There is no test message {excerpt(trial_id)} of this receiver.")
    return row


def newest(session: Session, actor: Actor, receiver_id: str) -> Sequence[ReceiverTrial]:
    """The last ones, the newest first."""
    receiver = receivers.get(session, receiver_id)
    require_team(actor, receiver.team)
    of_it = select(ReceiverTrial).where(ReceiverTrial.receiver_id == receiver.id)
    return session.scalars(of_it.order_by(ReceiverTrial.id.desc()).limit(MOST_TOLD)).all()
