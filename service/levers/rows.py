"""Which hypotheses stand on the board, each with its latest verdict? A view, kept nowhere of its own."""

from sqlalchemy import case, func, literal, select
from sqlalchemy.orm import Mapped

from service.evidence.documents import VerdictState
from service.evidence.tables import Verdict
from service.hypotheses.schemas import HypothesisState
from service.hypotheses.tables import HypothesisRow
from service.kit.database import Base

_latest = (
    select(Verdict.hypothesis_id, func.max(Verdict.id).label("verdict_id"))
    .group_by(Verdict.hypothesis_id)
    .subquery()
)
_rank = case(
    (Verdict.state == VerdictState.CONFIRMED, "1"),
    (Verdict.state == VerdictState.INCONCLUSIVE, "2"),
    (Verdict.state == VerdictState.REJECTED, "3"),
    else_="4",
)
_board = (
    select(
        HypothesisRow.id.label("hypothesis_id"),
        HypothesisRow.team.label("team"),
        Verdict.id.label("verdict_id"),
        Verdict.state.label("state"),
        (_rank + literal(":") + HypothesisRow.id).label("by_state"),
        (HypothesisRow.team + literal(":") + HypothesisRow.id).label("by_team"),
    )
    .outerjoin(_latest, _latest.c.hypothesis_id == HypothesisRow.id)
    .outerjoin(Verdict, Verdict.id == _latest.c.verdict_id)
    .where(HypothesisRow.state == HypothesisState.REGISTERED)
    .subquery("levers")
)


class LeverRow(Base):
    """A registered hypothesis and its latest verdict; each way of sorting is a key of its own for paging."""

    __table__ = _board
    __mapper_args__ = {"primary_key": [_board.c.hypothesis_id]}  # noqa: RUF012 - SQLAlchemy's own form

    hypothesis_id: Mapped[str]
    team: Mapped[str]
    verdict_id: Mapped[str | None]
    state: Mapped[VerdictState | None]
    by_state: Mapped[str]
    by_team: Mapped[str]
