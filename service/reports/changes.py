"""Who changed what about schedules, receivers and deliveries? Only ever added to."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.access import Actor
from service.kit.clock import now
from service.kit.ids import new_id
from service.reports.tables import ReportChange


def told_change(session: Session, actor: Actor, subject: str, act: str, fields: Iterable[str]) -> None:
    session.add(
        ReportChange(
            id=new_id("chg"),
            subject=subject,
            act=act,
            fields=sorted(fields),
            author=actor.owner,
            team=actor.team,
            at=now(),
        )
    )
    session.flush()


def changes(session: Session, subject: str) -> Sequence[ReportChange]:
    """The newest first."""
    statement = select(ReportChange).where(ReportChange.subject == subject)
    return session.scalars(statement.order_by(ReportChange.id.desc())).all()
