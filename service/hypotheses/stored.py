"""How is a hypothesis read from its tables: the row, its versions, and what each changed?"""

from collections.abc import Sequence
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.hypotheses.schemas import Amendment, HypothesisDraft
from service.hypotheses.tables import HypothesisRow, HypothesisVersionRow
from service.kit.errors import NotFound, excerpt
from service.metrics.service import PinnedMetric, pinned


class HypothesisNotFound(NotFound):
    slug, title = "hypothesis-not-found", "There is no such hypothesis"


def row_of(session: Session, hypothesis_id: str, *, for_change: bool = False) -> HypothesisRow:
    row = session.get(HypothesisRow, hypothesis_id, with_for_update=for_change)
    if row is None:
        raise HypothesisNotFound(f"There is no hypothesis {excerpt(hypothesis_id)}.")
    return row


def latest(session: Session, row: HypothesisRow) -> HypothesisVersionRow:
    return session.get_one(HypothesisVersionRow, (row.id, row.version))


def versions_of(session: Session, row: HypothesisRow) -> Sequence[HypothesisVersionRow]:
    return session.scalars(
        select(HypothesisVersionRow)
        .where(HypothesisVersionRow.hypothesis_id == row.id)
        .order_by(HypothesisVersionRow.version)
    ).all()


def document(version: HypothesisVersionRow) -> HypothesisDraft:
    return HypothesisDraft.model_validate(version.document)


def metrics_of(session: Session, draft: HypothesisDraft) -> tuple[PinnedMetric, PinnedMetric]:
    return pinned(session, draft.cpi, draft.cpi_version), pinned(session, draft.kpi, draft.kpi_version)


def amendments(versions: Sequence[HypothesisVersionRow]) -> tuple[Amendment, ...]:
    """What each version changed of the one before it; oldest first, as they are given."""
    return tuple(
        Amendment(
            version=new.version,
            author=new.author,
            at=new.at,
            reason=new.reason or "",
            changed=tuple(sorted(k for k in new.document if new.document[k] != old.document.get(k))),
            sha256=new.sha256 or "",
        )
        for old, new in pairwise(versions)
    )
