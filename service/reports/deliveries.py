"""Which message goes to whom, and what became of it? An outbox: a dead receiver loses nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from service.access import Actor, Role, require_team
from service.kit.clock import now
from service.kit.errors import NotFound, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, matching, page
from service.reports.changes import told_change
from service.reports.kinds import Cause, DeliveryState
from service.reports.rules import MOST_ATTEMPTS, pause_after
from service.reports.tables import (
    DeliveryAttempt,
    ReportDelivery,
    ReportReceiver,
    ReportRequest,
    ReportRow,
)

_LUCK = SystemRandom()


class DeliveryNotFound(NotFound):
    slug, title = "delivery-not-found", "There is no such delivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which deliveries a list shows; None leaves a question open."""

    receiver: str | None = None
    report: str | None = None
    state: DeliveryState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What one attempt came to."""

    at: datetime
    took: float
    answer: str | None = None
    error: str | None = None
    final: bool = False
    after: timedelta | None = None


def queue_for(session: Session, report: ReportRow, request: ReportRequest, language: str) -> None:
    """To whom the request names, and to the team's receivers that want reports of this cause."""
    receivers = {one.id: one for one in _named(session, request.receivers)}
    if report.team is not None and request.cause is not Cause.ASKED:
        receivers |= {one.id: one for one in _wanting(session, report.team, request.cause)}
    for receiver in receivers.values():
        queue(session, report.sha256, receiver.id, request.cause, language)


def _named(session: Session, ids: Collection[str]) -> Sequence[ReportReceiver]:
    wanted = select(ReportReceiver).where(ReportReceiver.id.in_(ids), ReportReceiver.active)
    return session.scalars(wanted).all()


def _wanting(session: Session, team: str, cause: Cause) -> list[ReportReceiver]:
    rows = session.scalars(select(ReportReceiver).where(ReportReceiver.team == team, ReportReceiver.active))
    return [one for one in rows if cause.value in one.causes]


def queue(session: Session, sha256: str, receiver_id: str, cause: Cause, language: str) -> ReportDelivery:
    """One message more, in the transaction that keeps the report."""
    row = ReportDelivery(
        id=new_id("msg"),
        receiver_id=receiver_id,
        report_sha256=sha256,
        cause=cause,
        language=language,
        state=DeliveryState.WAITING,
        attempts=0,
        next_at=now(),
        created_at=now(),
    )
    session.add(row)
    session.flush()
    return row


def due(session: Session, most: int) -> Sequence[ReportDelivery]:
    """What waits for an attempt now: the oldest of each receiver first: one with many starves none."""
    oldest = (ReportDelivery.next_at, ReportDelivery.id)
    rank = func.row_number().over(partition_by=ReportDelivery.receiver_id, order_by=oldest)
    return session.scalars(_due().order_by(rank, *oldest).limit(most)).all()


def any_due(session: Session) -> bool:
    return session.scalar(_due().with_only_columns(ReportDelivery.id).limit(1)) is not None


def _due() -> Select[ReportDelivery]:
    return select(ReportDelivery).where(
        ReportDelivery.state == DeliveryState.WAITING, ReportDelivery.next_at <= now()
    )


def attempted(session: Session, delivery_id: str, what: Attempted) -> None:
    """Keep the attempt, and when the next one is; one that was delivered or given up meanwhile stays so."""
    session.add(
        DeliveryAttempt(
            id=new_id("att"),
            delivery_id=delivery_id,
            at=what.at,
            took=what.took,
            answer=what.answer,
            error=what.error,
        )
    )
    row = session.get(ReportDelivery, delivery_id, with_for_update=True)
    if row is None or row.state is DeliveryState.DELIVERED:
        return
    row.attempts += 1
    row.error = what.error
    if what.error is None:
        row.state, row.delivered_at, row.next_at = DeliveryState.DELIVERED, now(), None
    elif what.final or row.attempts >= MOST_ATTEMPTS:
        row.state, row.next_at = DeliveryState.FAILED, None
    else:
        pause = max(pause_after(row.attempts, _LUCK.random()), what.after or timedelta(0))
        row.next_at = now() + pause
    session.flush()


def get(session: Session, delivery_id: str) -> ReportDelivery:
    row = session.get(ReportDelivery, delivery_id)
    if row is None:
        raise DeliveryNotFound(f"There is no delivery {excerpt(delivery_id)}.")
    return row


def find(session: Session, wanted: Filter, query: Query) -> Found[ReportDelivery]:
    """Deliveries, the newest first."""
    statement = matching(
        select(ReportDelivery),
        (ReportDelivery.receiver_id, wanted.receiver),
        (ReportDelivery.report_sha256, wanted.report),
        (ReportDelivery.state, wanted.state),
    )
    return page(session, statement, ReportDelivery.id, query, newest_first=True)


def own(session: Session, actor: Actor, rows: Sequence[ReportDelivery]) -> set[str]:
    """Which of them go to receivers of the actor's team: an error may tell where a receiver stands."""
    if actor.role is Role.admin:
        return {row.id for row in rows}
    asked = ReportReceiver.id.in_({row.receiver_id for row in rows})
    mine = set(session.scalars(select(ReportReceiver.id).where(asked, ReportReceiver.team == actor.team)))
    return {row.id for row in rows if row.receiver_id in mine}


def log(session: Session, delivery_id: str) -> Sequence[DeliveryAttempt]:
    """Every attempt, the newest first."""
    statement = select(DeliveryAttempt).where(DeliveryAttempt.delivery_id == delivery_id)
    return session.scalars(statement.order_by(DeliveryAttempt.id.desc())).all()


def replay(session: Session, actor: Actor, delivery_id: str) -> ReportDelivery:
    """Send it again from the start, under the same message id, whatever became of it."""
    row = get(session, delivery_id)
    require_team(actor, session.get_one(ReportReceiver, row.receiver_id).team)
    row.state, row.attempts, row.next_at = DeliveryState.WAITING, 0, now()
    told_change(session, actor, row.id, "replayed", ())
    session.flush()
    return row


def replay_undelivered(session: Session, actor: Actor, receiver: ReportReceiver) -> int:
    """Send now what was given up, or waits for its turn, on the way to this receiver; how many."""
    require_team(actor, receiver.team)
    undelivered = (
        ReportDelivery.receiver_id == receiver.id,
        ReportDelivery.state.in_((DeliveryState.FAILED, DeliveryState.WAITING)),
    )
    n = session.scalar(select(func.count()).select_from(ReportDelivery).where(*undelivered)) or 0
    session.execute(
        update(ReportDelivery)
        .where(*undelivered)
        .values(state=DeliveryState.WAITING, attempts=0, next_at=now())
        .execution_options(synchronize_session=False)
    )
    told_change(session, actor, receiver.id, "replayed", ())
    return n
