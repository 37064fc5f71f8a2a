"""What became of an acknowledged request? What was kept and rejected of it, and whether it is in the lake."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.facts import inbox
from service.facts.ingest.schemas import INLINE_REJECTIONS, BatchState, BatchView, Receipt, RowRejection
from service.facts.tables import Batch, Fold
from service.kit.errors import NotFound, excerpt
from service.kit.paging import Found, Query, decode_cursor, encode_cursor


class BatchNotFound(NotFound):
    slug, title = "batch-not-found", "There is no such batch"


def show(session: Session, batch_id: str) -> BatchView:
    head, *rest = _parts(session, batch_id)
    folds = [
        None if part.fold_id is None else session.get_one(Fold, part.fold_id).folded_at
        for part in (head, *rest)
    ]
    folded = [at for at in folds if at is not None]
    whole = len(folded) == len(folds)
    return BatchView(
        id=head.id,
        kind=head.kind,
        source=head.source,
        idempotency_key=head.idempotency_key,
        accepted=sum(part.accepted for part in (head, *rest)),
        rejected=sum(part.rejected for part in (head, *rest)),
        notes=head.notes or [],
        received_by=head.received_by,
        team=head.team,
        received_at=head.received_at,
        state=BatchState.FOLDED if whole else BatchState.ACKNOWLEDGED,
        folded_at=max(folded) if whole else None,
    )


def rejections(session: Session, batch_id: str, query: Query) -> Found[RowRejection]:
    """By row; the cursor is how many have been handed out."""
    start = 0
    if query.cursor is not None:
        position = decode_cursor(query.cursor)
        start = int(position) if position.isdigit() and len(position) < 10 else 0
    parts = _parts(session, batch_id)
    end = start + query.limit
    following = encode_cursor(str(end)) if end < sum(part.rejected for part in parts) else None
    return Found(items=_rejections(parts, start, query.limit), next=following)


def receipt(session: Session, head: Batch) -> Receipt:
    parts = [head, *_rest(session, head.id)]
    return Receipt(
        batch=head.id,
        accepted=sum(part.accepted for part in parts),
        rejected=sum(part.rejected for part in parts),
        rejections=_rejections(parts, 0, INLINE_REJECTIONS),
        notes=head.notes or [],
    )


def _rejections(parts: Sequence[Batch], start: int, limit: int) -> list[RowRejection]:
    """Only the parts that hold these are read."""
    found: list[RowRejection] = []
    for part in parts:
        if part.rejected > start and len(found) < limit:
            found += told(part.rejections, start, limit - len(found))
        start = max(start - part.rejected, 0)
    return found


def told(packed: bytes, start: int, limit: int) -> list[RowRejection]:
    """Some of a part's rejections."""
    return [RowRejection(**row) for row in inbox.unpacked(packed).slice(start, limit).to_pylist()]


def _parts(session: Session, batch_id: str) -> list[Batch]:
    head = session.get(Batch, batch_id)
    if head is None:
        raise BatchNotFound(f"There is no batch {excerpt(batch_id)}.")
    return [head, *_rest(session, batch_id)]


def _rest(session: Session, batch_id: str) -> Sequence[Batch]:
    return session.scalars(select(Batch).where(Batch.part_of == batch_id).order_by(Batch.id)).all()
