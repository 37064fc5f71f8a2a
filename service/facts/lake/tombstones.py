"""Which units are erased, and which of them may still lie in files?

A unit is known by the SHA-256 of its id: the id itself is written nowhere. What is sent of it later is known
by that again, and stays hidden. Who holds the database can still try whether an id they guess was erased.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from service.facts import engine
from service.facts.lake.layout import TABLES
from service.facts.tables import ErasedUnit, FactKind
from service.kit.clock import now
from service.kit.errors import NotFound, excerpt
from service.kit.paging import Found, Query, page
from service.settings import Settings


class ErasureNotFound(NotFound):
    """No unit was erased whose id has this SHA-256."""

    slug, title = "erasure-not-found", "There is no such erasure"


def digest(unit: str) -> str:
    return sha256(unit.encode()).hexdigest()


def entomb(session: Session, unit: str, *, requested_by: str) -> ErasedUnit:
    """Hide a unit from now on; asking again asks for nothing new."""
    return entomb_digest(session, digest(unit), requested_by=requested_by)


def entomb_digest(session: Session, erasure: str, *, requested_by: str) -> ErasedUnit:
    known = session.get(ErasedUnit, erasure)
    if known is not None:
        return known
    erased = ErasedUnit(id=erasure, requested_by=requested_by, requested_at=now())
    session.add(erased)
    session.flush()
    return erased


def get(session: Session, erasure: str) -> ErasedUnit:
    found = session.get(ErasedUnit, erasure)
    if found is None:
        raise ErasureNotFound(f"There is no erasure {excerpt(erasure)}.")
    return found


def find(session: Session, query: Query) -> Found[ErasedUnit]:
    """By the SHA-256."""
    return page(session, select(ErasedUnit), ErasedUnit.id, query)


def all_of(session: Session) -> tuple[str, ...]:
    return tuple(session.scalars(select(ErasedUnit.id).order_by(ErasedUnit.id)))


def unremoved(session: Session) -> tuple[str, ...]:
    """Those that nobody has removed from the files yet."""
    waiting = select(ErasedUnit.id).where(ErasedUnit.removed_at.is_(None))
    return tuple(session.scalars(waiting.order_by(ErasedUnit.id)))


def hidden_in(session: Session, fold: int) -> tuple[str, ...]:
    """Those that a reader of the lake as this turn left it must leave out: later turns removed them."""
    later = or_(ErasedUnit.fold_id.is_(None), ErasedUnit.fold_id > fold)
    return tuple(session.scalars(select(ErasedUnit.id).where(later).order_by(ErasedUnit.id)))


def removed(session: Session, erasures: Iterable[str], *, turn: int, at: datetime) -> None:
    """They are in no file any more since this turn."""
    done = {"fold_id": turn, "removed_at": at}
    for erasure in erasures:
        session.execute(update(ErasedUnit).where(ErasedUnit.id == erasure).values(done))


def absent(digests: Iterable[str], texts: Iterable[str]) -> str:
    """That none of these texts of a row is one of these units, in SQL that DuckDB understands."""
    some = ", ".join(f"'{one}'" for one in digests)
    if not some:
        return engine.EVERYTHING
    return " AND ".join(f"(sha256({text}) IN ({some})) IS NOT TRUE" for text in texts)


def linked(settings: Settings, files: Sequence[str], units: Iterable[str]) -> tuple[str, ...]:
    """These units, and the ids that are linked to them, to those again, and so on, by SHA-256."""
    known = set(units)
    if not known or not files:
        return tuple(sorted(known))
    table = TABLES[FactKind.IDENTITIES]
    with engine.connection(settings) as opened:
        engine.register(opened, settings, "links", files, table.schema)
        unit, linked = table.units
        pairs = opened.execute(f"SELECT DISTINCT sha256({unit}), sha256({linked}) FROM links").fetchall()  # noqa: S608
    while more := {other for unit, other in pairs if unit in known} - known:
        known |= more
    return tuple(sorted(known))
