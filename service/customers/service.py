"""How is a question about one unit asked, answered by a worker, and forgotten again?"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from service.access import Actor, Role, require_role
from service.customers.rules import Asked
from service.customers.schemas import Found, Reading
from service.customers.tables import UnitQuestion, UnitReading
from service.facts.lake.tombstones import digest
from service.facts.tables import ErasedUnit
from service.kit import paging
from service.kit.clock import now
from service.kit.database import Database
from service.kit.errors import NotFound, ServiceError
from service.kit.ids import new_id

FRESH = timedelta(minutes=5)  # an answer stands for as long
KEPT = timedelta(minutes=15)  # then nothing is left of the question
NEEDED = {Asked.VALUE: Role.editor, Asked.JOURNEY: Role.approver}


class UnitErased(ServiceError):
    """Nothing is told of a unit that was erased, whatever came in since."""

    status, slug, title = 410, "unit-erased", "The unit was erased"


class UnitUnknown(NotFound):
    slug, title = "unit-unknown", "Nothing was ever sent about that unit"


def asked(database: Database, actor: Actor, unit: str, what: Asked) -> Found | None:
    """The answer, if a worker has given one lately; else the question waits, and None says so.

    To look is to write down who looked, in a transaction of its own, also where nothing was found.
    """
    require_role(actor, NEEDED[what])
    with database.write() as session:
        question = _question(session, unit)
        if question.answered_at is None:
            return None
        _write_down(session, actor, question.unit_sha256, what)
    if question.answer is None:
        raise UnitUnknown("No assignment, exposure, outcome or attribute names it.")
    return Found.model_validate(question.answer)


def _question(session: Session, unit: str) -> UnitQuestion:
    """The one that is being answered or lately was, else a new one; never of an erased unit."""
    sha256 = digest(unit)
    if session.get(ErasedUnit, sha256) is not None:
        raise UnitErased("It was asked for, and it stays so.")
    known = _latest(session, sha256)
    if known is not None:
        return known
    question = UnitQuestion(
        id=new_id("unq"), unit=unit, unit_sha256=sha256, asked_at=now(), answered_at=None, answer=None
    )
    session.add(question)
    session.flush()
    return question


def readings(session: Session, unit: str | None, query: paging.Query) -> paging.Found[Reading]:
    """Who looked at what, the newest first; of one unit, or of all."""
    wanted = None if unit is None else digest(unit)
    statement = paging.matching(select(UnitReading), (UnitReading.unit_sha256, wanted))
    found = paging.page(session, statement, UnitReading.id, query, newest_first=True)
    items = [
        Reading.model_validate({name: getattr(row, name) for name in Reading.model_fields})
        for row in found.items
    ]
    return paging.Found(items=items, next=found.next)


def waiting(session: Session) -> list[tuple[str, str]]:
    """Questions that nobody has answered yet, the oldest first: their ids and units."""
    rows = select(UnitQuestion).where(UnitQuestion.answered_at.is_(None)).order_by(UnitQuestion.id)
    return [(row.id, row.unit) for row in session.scalars(rows)]


def answer(session: Session, question_id: str, found: Found | None) -> None:
    """Keep what was found; of a unit that was erased meanwhile nothing is kept."""
    row = session.get(UnitQuestion, question_id, with_for_update=True)
    if row is None:
        return
    if session.get(ErasedUnit, row.unit_sha256) is not None:
        session.delete(row)
        return
    row.answer, row.answered_at = None if found is None else found.document(), now()


def forgettable(session: Session, at: datetime) -> bool:
    return session.scalar(select(UnitQuestion.id).where(_spent(at)).limit(1)) is not None


def forget(session: Session, at: datetime) -> int:
    """Drop questions that are old, and those about units that were erased; of how many."""
    ids = session.scalars(select(UnitQuestion.id).where(_spent(at))).all()
    session.execute(delete(UnitQuestion).where(UnitQuestion.id.in_(ids)))
    return len(ids)


def _spent(at: datetime) -> ColumnElement[bool]:
    return or_(UnitQuestion.asked_at < at - KEPT, UnitQuestion.unit_sha256.in_(select(ErasedUnit.id)))


def _latest(session: Session, sha256: str) -> UnitQuestion | None:
    """The one that is being answered, or was answered a moment ago."""
    fresh = or_(UnitQuestion.answered_at.is_(None), UnitQuestion.answered_at >= now() - FRESH)
    return session.scalars(
        select(UnitQuestion)
        .where(UnitQuestion.unit_sha256 == sha256, fresh)
        .order_by(UnitQuestion.id.desc())
        .limit(1)
    ).first()


def _write_down(session: Session, actor: Actor, sha256: str, what: Asked) -> None:
    session.add(
        UnitReading(
            id=new_id("ure"),
            unit_sha256=sha256,
            what=what,
            by=actor.owner,
            team=actor.team,
            key_id=actor.key_id,
            at=now(),
        )
    )
    session.flush()
