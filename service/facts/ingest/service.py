"""How is a request's batch acknowledged? Parsed, checked, and kept as one row of the inbox."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.access.rules import Actor, Role
from service.experiments.assignable import assignable
from service.facts import inbox
from service.facts.ingest.checks import checked
from service.facts.ingest.formats import parse
from service.facts.ingest.rows import Rejection
from service.facts.ingest.schemas import INLINE_REJECTIONS, BatchState, BatchView, Receipt, RowRejection
from service.facts.ingest.sieve import Checked, Reading
from service.facts.tables import Batch, FactKind, Fold
from service.kit.clock import now
from service.kit.errors import IdempotencyMismatch, NotFound, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, decode_cursor, encode_cursor

_REJECTIONS = pa.schema([("row", pa.int64()), ("field", pa.string()), ("reason", pa.string())])


class BatchNotFound(NotFound):
    slug, title = "batch-not-found", "There is no such batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request's body, and how it wants to be read."""

    kind: FactKind
    body: bytes
    content_type: str
    source: str
    zone: tzinfo | None
    key: str | None  # Idempotency-Key: names the batch within its source, for ever
    numbered: bool  # id=row

    @property
    def digest(self) -> str:
        read_as = "\n".join((self.kind, self.source, self.content_type, str(self.zone), str(self.numbered)))
        return hashlib.sha256(read_as.encode() + b"\n" + self.body).hexdigest()


def accept(session: Session, actor: Actor, delivery: Delivery) -> Receipt:
    """Keep the good rows; the same key with the same body is answered as the first time."""
    digest = delivery.digest
    earlier = _earlier(session, delivery, digest)
    if earlier is not None:
        return _receipt(earlier)
    found = _checked(session, actor, delivery)
    origin = Origin(source=delivery.source, key=delivery.key, digest=digest)
    return _receipt(keep(session, actor, delivery.kind, origin, found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a batch is known by."""

    source: str
    digest: str  # of the request
    key: str | None = None


def keep(session: Session, actor: Actor, kind: FactKind, origin: Origin, found: Checked) -> Batch:
    """One row of the inbox."""
    batch = Batch(
        id=new_id("bat"),
        kind=kind,
        source=origin.source,
        idempotency_key=origin.key,
        request_sha256=origin.digest,
        accepted=found.rows.num_rows,
        rejected=len(found.rejections),
        rows=inbox.packed(found.rows),
        rejections=_packed(found.rejections),
        received_by=actor.owner,
        team=actor.team,
        received_at=now(),
    )
    session.add(batch)
    session.flush()
    return batch


def show(session: Session, batch_id: str) -> BatchView:
    batch = _get(session, batch_id)
    fold = None if batch.fold_id is None else session.get(Fold, batch.fold_id)
    folded_at = None if fold is None else fold.folded_at
    return BatchView(
        id=batch.id,
        kind=batch.kind,
        source=batch.source,
        idempotency_key=batch.idempotency_key,
        accepted=batch.accepted,
        rejected=batch.rejected,
        received_by=batch.received_by,
        team=batch.team,
        received_at=batch.received_at,
        state=BatchState.ACKNOWLEDGED if folded_at is None else BatchState.FOLDED,
        folded_at=folded_at,
    )


def rejections(session: Session, batch_id: str, query: Query) -> Found[RowRejection]:
    """By row; the cursor is how many have been handed out."""
    start = 0
    if query.cursor is not None:
        position = decode_cursor(query.cursor)
        start = int(position) if position.isdigit() and len(position) < 10 else 0
    batch = _get(session, batch_id)
    end = start + query.limit
    following = encode_cursor(str(end)) if end < batch.rejected else None
    return Found(items=_unpacked(batch, start, query.limit), next=following)


def _get(session: Session, batch_id: str) -> Batch:
    batch = session.get(Batch, batch_id)
    if batch is None:
        raise BatchNotFound(f"There is no batch {excerpt(batch_id)}.")
    return batch


def _earlier(session: Session, delivery: Delivery, digest: str) -> Batch | None:
    """Kit remembers answers for a day and per caller; a batch is known by its key for ever."""
    if delivery.key is None:
        return None
    known = select(Batch).where(
        Batch.kind == delivery.kind,
        Batch.source == delivery.source,
        Batch.idempotency_key == delivery.key,
    )
    batch = session.scalar(known)
    if batch is not None and batch.request_sha256 != digest:
        raise IdempotencyMismatch
    return batch


def _checked(session: Session, actor: Actor, delivery: Delivery) -> Checked:
    reading = replace(
        reading_for(session, actor),
        zone=delivery.zone,
        id_prefix=delivery.key if delivery.numbered else None,
    )
    parsed = parse(delivery.kind, delivery.content_type, delivery.body)
    return checked(delivery.kind, parsed, reading)


def reading_for(session: Session, actor: Actor) -> Reading:
    """Assignments are read against what the caller may assign to: an admin to any team's experiments."""
    return Reading(
        experiments=lambda ids: assignable(session, ids),
        team=None if actor.role is Role.admin else actor.team,
    )


def _receipt(batch: Batch) -> Receipt:
    return Receipt(
        batch=batch.id,
        accepted=batch.accepted,
        rejected=batch.rejected,
        rejections=_unpacked(batch, 0, INLINE_REJECTIONS),
    )


def _packed(found: Sequence[Rejection]) -> bytes:
    columns = [
        [rejection.row for rejection in found],
        [rejection.field for rejection in found],
        [rejection.reason for rejection in found],
    ]
    return inbox.packed(pa.table(columns, schema=_REJECTIONS))


def _unpacked(batch: Batch, start: int, limit: int) -> list[RowRejection]:
    rows = inbox.unpacked(batch.rejections).slice(start, limit).to_pylist()
    return [RowRejection(**row) for row in rows]
