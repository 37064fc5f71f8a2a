"""Which hypotheses are there to put under test? As little of each as a list to choose from takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.hypotheses.schemas import HypothesisState
from service.hypotheses.tables import HypothesisRow
from service.metrics.options import options as metric_options


@dataclass(frozen=True, slots=True, kw_only=True)
class HypothesisOption:
    """A hypothesis by its two metrics, as they are called today."""

    id: str
    cpi: str
    kpi: str
    registered: bool

    @property
    def name(self) -> str:
        return f"{self.cpi} → {self.kpi}"


def options(session: Session) -> Sequence[HypothesisOption]:
    """All of them, drafts included, in the order of their CPIs' names; in two queries."""
    names = {one.id: one.name for one in metric_options(session)}
    rows = session.execute(
        select(HypothesisRow.id, HypothesisRow.cpi_id, HypothesisRow.kpi_id, HypothesisRow.state).order_by(
            HypothesisRow.id
        )
    )
    found = [
        HypothesisOption(
            id=key, cpi=names[cpi], kpi=names[kpi], registered=state is HypothesisState.REGISTERED
        )
        for key, cpi, kpi, state in rows
    ]
    return sorted(found, key=lambda one: (one.cpi.casefold(), one.kpi.casefold()))
