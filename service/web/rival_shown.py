"""Which other CPIs did the arms of a lever move, and does anybody claim that they matter to its KPI?"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from service.evidence.tables import Verdict
from service.hypotheses import service as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.hypotheses.schemas import HypothesisState
from service.kit import paging
from service.metrics import service as metrics


class _Kept(BaseModel):
    """One rival of a verdict's relationship; fields that a page does not show may come."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    metric: str  # met_… # its definition, or the share of units that something happened to
    co_moved: bool = False


class _Relationship(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    rivals: tuple[_Kept, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A CPI that moved together with the lever's own; ``claim`` is a hypothesis of it on the same KPI."""

    metric_id: str
    name: str
    claim: str | None


def rivals(session: Session, verdict: Verdict, hypothesis: RegisteredHypothesis) -> list[Rival]:
    """Those that moved, each once; a share of units that was triggered is no metric with a page."""
    kept = _Relationship.model_validate(verdict.relationship).rivals
    moved = dict.fromkeys(one.metric.partition("#")[0] for one in kept if one.co_moved)
    return [_rival(session, one, hypothesis) for one in moved if one.startswith("met_")]


def _rival(session: Session, metric_id: str, hypothesis: RegisteredHypothesis) -> Rival:
    wanted = hypotheses.Filter(state=HypothesisState.REGISTERED, cpi=metric_id, kpi=hypothesis.kpi.id)
    found = hypotheses.find(session, wanted, paging.Query(limit=1)).items
    return Rival(
        metric_id=metric_id,
        name=metrics.get(session, metric_id).name,
        claim=found[0].id if found else None,
    )
