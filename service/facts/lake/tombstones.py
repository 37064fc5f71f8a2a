"""Which units are erased, and which of them may still lie in files?

A unit is known by the SHA-256 of its id: the id itself is written nowhere. What is sent of it later is known
by that again, and stays hidden. Who holds the database can still try whether an id they guess was erased.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from service.facts import engine
from service.facts.lake.layout import TABLES
from service.facts.tables import ErasedUnit, FactKind
from service.kit.clock import now
from service.kit.errors import NotFound, excerpt
from service.kit.paging import Found, Query, page
from service.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LINKED = "a linked unit"  # who asked, of ids that go with another
_PAIRS = "CREATE TEMP TABLE pairs AS SELECT DISTINCT sha256({unit}) AS a, sha256({linked}) AS b FROM links"
_REACHED = """
WITH RECURSIVE reached(root, id) AS (
    SELECT one, one FROM (SELECT unnest($1::VARCHAR[]) AS one)
    UNION
    SELECT root, b FROM reached JOIN (SELECT a, b FROM pairs UNION ALL SELECT b, a FROM pairs) ON a = id
)
SELECT root, list(id ORDER BY id) FROM reached GROUP BY root
"""


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


def asked_after(session: Session, moment: datetime) -> tuple[str, ...]:
    """Those whose erasure was asked for after this."""
    return tuple(session.scalars(select(ErasedUnit.id).where(ErasedUnit.requested_at >= moment)))


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


def widened(session: Session, found: Mapping[str, Sequence[str]]) -> None:
    """Hide what links lead to as well, and write down of each unit that was asked for how many ids went."""
    for asked, ids in found.items():
        more = [one for one in ids if session.get(ErasedUnit, one) is None]
        for one in more:
            entomb_digest(session, one, requested_by=LINKED)
        erased = session.get_one(ErasedUnit, asked)
        erased.linked = (erased.linked or 0) + len(more)


def absent(digests: Iterable[str], texts: Iterable[str]) -> str:
    """That none of these texts of a row is one of these units, in SQL that DuckDB understands."""
    some = ", ".join(f"'{one}'" for one in digests)
    if not some:
        return engine.EVERYTHING
    return " AND ".join(f"(sha256({text}) IN ({some})) IS NOT TRUE" for text in texts)


def linked(settings: Settings, files: Sequence[str], units: Iterable[str]) -> tuple[str, ...]:
    """These units, and the ids that are linked to them, to those again, and so on, by SHA-256."""
    return tuple(sorted({one for found in linked_to(settings, files, units).values() for one in found}))


def linked_to(
    settings: Settings, files: Sequence[str], units: Iterable[str]
) -> Mapping[str, tuple[str, ...]]:
    """Of each of these units: itself and whatever links lead to. By the engine: they may be many."""
    asked = sorted(set(units))
    if not asked or not files:
        return {one: (one,) for one in asked}
    with engine.connection(settings) as opened:
        engine.register(opened, settings, "links", files, TABLES[FactKind.IDENTITIES].schema)
        return _followed(opened, asked)


def linked_by(settings: Settings, rows: pa.Table, units: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """The same by links that are in no file yet."""
    with engine.connection(settings) as opened:
        opened.register("links", rows)
        return _followed(opened, sorted(set(units)))


def _followed(opened: "DuckDBPyConnection", asked: list[str]) -> Mapping[str, tuple[str, ...]]:
    unit, linked = TABLES[FactKind.IDENTITIES].units
    opened.execute(_PAIRS.format(unit=unit, linked=linked))
    return dict(opened.execute(_REACHED, [asked]).fetchall())
