"""How is a request's body acknowledged? Parsed and checked some rows at a time, kept in one transaction."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from service.access.rules import Actor, Role
from service.experiments.assignable import Assignable, assignable
from service.facts.ingest import batches
from service.facts.ingest.cells import AHEAD
from service.facts.ingest.checks import checked
from service.facts.ingest.naming import require_own
from service.facts.ingest.parts import Part, Parts
from service.facts.ingest.reading import parse
from service.facts.ingest.schemas import INLINE_REJECTIONS, Receipt, RowRejection
from service.facts.ingest.sieve import Reading
from service.facts.ingest.spool import Spool
from service.facts.tables import Batch, FactKind
from service.kit.clock import now
from service.kit.database import Database
from service.kit.errors import IdempotencyMismatch
from service.kit.ids import new_id

_MOST_NOTES = 100
_INSERT = insert(Batch.__table__)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request's body, and how it wants to be read."""

    kind: FactKind
    body: Spool
    content_type: str
    source: str
    zone: tzinfo | None
    key: str | None  # Idempotency-Key: names the batch within its source, for ever
    numbered: bool  # id=row

    @property
    def digest(self) -> str:
        read_as = "\n".join((self.kind, self.source, self.content_type, str(self.zone), str(self.numbered)))
        return hashlib.sha256(f"{read_as}\n{self.body.sha256()}".encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a batch is known by, and who sent it."""

    kind: FactKind
    source: str
    digest: str  # of the request
    actor: Actor
    key: str | None = None


def origin_of(actor: Actor, delivery: Delivery) -> Origin:
    return Origin(
        kind=delivery.kind,
        source=delivery.source,
        digest=delivery.digest,
        actor=actor,
        key=delivery.key,
    )


@contextmanager
def prepared(folder: Path, database: Database, actor: Actor, delivery: Delivery) -> Iterator[Parts]:
    """The body's good rows, packed, and why the others are none. No transaction is open meanwhile."""
    reading = replace(
        reading_for(database, actor, delivery.zone),
        id_prefix=delivery.key if delivery.numbered else None,
    )
    with Parts(folder) as parts:
        for parsed in parse(delivery.kind, delivery.content_type, delivery.body):
            parts.add(checked(delivery.kind, parsed, reading))
        yield parts


def reading_for(database: Database, actor: Actor, zone: tzinfo | None = None) -> Reading:
    """Assignments are read against what the caller may assign to: an admin to any team's experiments."""

    def experiments(ids: set[str]) -> dict[str, Assignable]:
        with database.read() as session:
            return assignable(session, ids)

    team = None if actor.role is Role.admin else actor.team
    return Reading(zone=zone, latest=now() + AHEAD, experiments=experiments, team=team)


def earlier(session: Session, origin: Origin) -> Receipt | None:
    """Kit remembers answers for a day and per caller; a batch is known by its key for ever."""
    if origin.key is None:
        return None
    known = select(Batch).where(
        Batch.kind == origin.kind,
        Batch.source == origin.source,
        Batch.idempotency_key == origin.key,
    )
    batch = session.scalar(known)
    if batch is None:
        return None
    if batch.request_sha256 != origin.digest:
        raise IdempotencyMismatch
    return batches.receipt(session, batch)


def accept(session: Session, origin: Origin, parts: Iterable[Part]) -> Receipt:
    """Keep the good rows; the same key with the same body is answered as the first time."""
    require_own(session, origin.actor, origin.source)
    return earlier(session, origin) or keep(session, origin, parts)


def keep(session: Session, origin: Origin, parts: Iterable[Part]) -> Receipt:
    """Rows of the inbox, one a part; the first of them stands for all."""
    head = new_id("bat")
    number = accepted = rejected = 0
    told: list[RowRejection] = []
    unused: Counter[str] = Counter()
    for number, part in enumerate(parts, start=1):
        # Said to the table itself: what the session does for an object costs more than reading a small batch.
        session.execute(_INSERT, _row(origin, part, head, number - 1))
        accepted, rejected = accepted + part.accepted, rejected + part.rejected
        unused.update(part.unused)
        if part.rejected and len(told) < INLINE_REJECTIONS:
            told += batches.told(part.rejections, 0, INLINE_REJECTIONS - len(told))
    if not number:
        raise ValueError("expected at least one part")
    notes = [f"{rows:,} row{'s' * (rows != 1)} {reason}" for reason, rows in unused.most_common(_MOST_NOTES)]
    late: dict[str, object] = {"notes": notes} if notes else {}
    if not accepted:
        late["idempotency_key"] = None  # who mends the rows may send them under the same key
    if late:
        session.execute(update(Batch).where(Batch.id == head).values(late))
    return Receipt(batch=head, accepted=accepted, rejected=rejected, rejections=told, notes=notes)


def _row(origin: Origin, part: Part, head: str, number: int) -> dict[str, object]:
    return {
        "id": f"{head}-{number:05}" if number else head,
        "part_of": head if number else None,
        "kind": origin.kind,
        "source": origin.source,
        "idempotency_key": None if number else origin.key,
        "request_sha256": origin.digest,
        "accepted": part.accepted,
        "rejected": part.rejected,
        "rows": part.rows,
        "rejections": part.rejections,
        "received_by": origin.actor.owner,
        "team": origin.actor.team,
        "received_at": now(),
    }
