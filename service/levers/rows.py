"""Which hypotheses stand on the board, each with its latest verdict? A view, kept nowhere of its own."""

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import Mapped, aliased

from service.evidence.documents import VerdictState
from service.evidence.tables import Verdict
from service.hypotheses.schemas import HypothesisState
from service.hypotheses.tables import HypothesisRow
from service.kit.database import Base
from service.metrics.tables import MetricRow, MetricVersionRow

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


_cpi, _kpi = aliased(MetricVersionRow), aliased(MetricVersionRow)
_cpi_head, _kpi_head = aliased(MetricRow), aliased(MetricRow)


def named_like(text: str) -> ColumnElement[bool]:
    """Whose CPI or KPI, as it is called today, has this in its name, whatever the case."""
    names = _cpi.document["name"].as_string() + literal("\n") + _kpi.document["name"].as_string()
    found = (
        select(HypothesisRow.id)
        .join(_cpi_head, _cpi_head.id == HypothesisRow.cpi_id)
        .join(_cpi, (_cpi.metric_id == _cpi_head.id) & (_cpi.version == _cpi_head.version))
        .join(_kpi_head, _kpi_head.id == HypothesisRow.kpi_id)
        .join(_kpi, (_kpi.metric_id == _kpi_head.id) & (_kpi.version == _kpi_head.version))
        .where(HypothesisRow.state == HypothesisState.REGISTERED, names.icontains(text, autoescape=True))
    )
    return LeverRow.hypothesis_id.in_(found)
