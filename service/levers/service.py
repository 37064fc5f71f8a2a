"""What stands on the board?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import JsonValue
from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.access import Actor
from service.evidence.documents import VerdictDocument, VerdictState
from service.evidence.imported import service as past
from service.evidence.imported.documents import GradeDocument, NextExperiment
from service.evidence.schemas import CountedRun
from service.evidence.tables import RetrospectiveGrade, Verdict
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.clock import now
from service.kit.paging import Found, Query, page
from service.levers import commitments
from service.levers.commitments import CommitmentDraft, CommitmentView
from service.levers.rows import LeverRow
from service.levers.schemas import (
    LeverMetric,
    LeverRetrospective,
    LeverState,
    LeverVerdict,
    LeverView,
    Sorting,
)
from service.metrics.customer import MetricState
from service.metrics.definitions import Aggregation
from service.metrics.service import PinnedMetric

ON_ASSUMPTION = "on_assumption"  # confirmed under a bound that nothing supports: not proven
DAY = timedelta(days=1)
SHARES = frozenset({Aggregation.PROPORTION})  # of units: effects are told in percentage points
_KEYS: dict[Sorting, InstrumentedAttribute[str]] = {
    Sorting.STATE: LeverRow.by_state,
    Sorting.TEAM: LeverRow.by_team,
    Sorting.NEWEST: LeverRow.hypothesis_id,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which levers a list shows; None leaves a question open."""

    state: LeverState | None = None
    team: str | None = None
    search: str | None = None  # in the names of CPI and KPI, whatever the case


def find(session: Session, wanted: Filter, sorting: Sorting, query: Query) -> Found[LeverView]:
    """Levers in the order asked for."""
    found = page(session, _wanted(wanted), _KEYS[sorting], query, newest_first=sorting is Sorting.NEWEST)
    return Found(items=_views(session, found.items), next=found.next)


def show(session: Session, hypothesis_id: str) -> LeverView:
    """The lever of one registered hypothesis."""
    hypothesis = hypotheses.get_registered(session, hypothesis_id)
    (view,) = _views(session, [session.get_one(LeverRow, hypothesis.id)])
    return view


def commit(session: Session, actor: Actor, hypothesis_id: str, draft: CommitmentDraft) -> CommitmentView:
    """Make a team accountable for the lever, on the strength of the verdict that proves it."""
    hypothesis = hypotheses.get_registered(session, hypothesis_id)
    lever = show(session, hypothesis_id)
    proof = lever.verdict if lever.verdict is not None and lever.verdict.proven else None
    verdict = None if proof is None else session.get_one(Verdict, proof.id)
    return commitments.commit(session, actor, hypothesis, verdict, draft)


def standings(session: Session) -> Mapping[LeverState, int]:
    """How many levers are in each state."""
    counted = session.execute(select(LeverRow.state, func.count()).group_by(LeverRow.state))
    found = {LeverState.UNTESTED if state is None else LeverState(state): n for state, n in counted}
    return {state: found.get(state, 0) for state in LeverState}


def teams(session: Session) -> Sequence[str]:
    """Every team with a lever, in the order of the alphabet."""
    return session.scalars(select(LeverRow.team).distinct().order_by(LeverRow.team)).all()


def _wanted(wanted: Filter) -> Select[LeverRow]:
    statement = select(LeverRow)
    if wanted.team is not None:
        statement = statement.where(LeverRow.team == wanted.team)
    if wanted.search is not None:
        statement = statement.where(LeverRow.names.icontains(wanted.search, autoescape=True))
    if wanted.state is LeverState.UNTESTED:
        return statement.where(LeverRow.verdict_id.is_(None))
    if wanted.state is not None:
        return statement.where(LeverRow.state == VerdictState(wanted.state.value))
    return statement


def _views(session: Session, rows: Sequence[LeverRow]) -> list[LeverView]:
    """The rows as leaders read them, in a fixed number of queries."""
    ids = [row.hypothesis_id for row in rows]
    claimed = hypotheses.get_all_registered(session, ids)
    judged = session.scalars(select(Verdict).where(Verdict.id.in_([row.verdict_id for row in rows])))
    verdicts = {verdict.hypothesis_id: verdict for verdict in judged}
    grades, carried = past.latest(session, ids), commitments.latest(session, ids)
    return [_view(claimed[one], verdicts.get(one), grades.get(one), carried.get(one)) for one in ids]


def _view(
    hypothesis: RegisteredHypothesis,
    verdict: Verdict | None,
    grade: RetrospectiveGrade | None,
    carried: CommitmentView | None,
) -> LeverView:
    return LeverView(
        hypothesis_id=hypothesis.id,
        statement=hypothesis.statement,
        cpi=_metric(hypothesis.cpi),
        kpi=_metric(hypothesis.kpi),
        provisional=hypothesis.cpi.state is MetricState.PROVISIONAL,
        state=LeverState.UNTESTED if verdict is None else LeverState(verdict.state.value),
        verdict=None if verdict is None else _verdict(verdict, hypothesis.version),
        retrospective=None if grade is None else _retrospective(grade, hypothesis.version),
        increment=_increment(hypothesis),
        smallest_slope=hypothesis.smallest_slope,
        carried_by=carried,
        registered_at=hypothesis.registered_at,
        owner=hypothesis.owner,
        team=hypothesis.team,
    )


def _verdict(row: Verdict, current: int) -> LeverVerdict:
    judged, outdated = VerdictDocument.model_validate(row.verdict), row.hypothesis_version != current
    return LeverVerdict(
        id=row.id,
        label=judged.label,
        hypothesis_version=row.hypothesis_version,
        outdated=outdated,
        proven=judged.state is VerdictState.CONFIRMED and judged.label != ON_ASSUMPTION and not outdated,
        sentence=judged.sentence,
        slope=judged.slope,
        reasons=judged.reasons,
        needed_units_per_arm=judged.needed_units_per_arm,
        experiments=sum(CountedRun.model_validate(one).used for one in row.experiments),
        mechanisms=_mechanisms(row.relationship),
        at=row.created_at,
        age_days=round((now() - row.created_at) / DAY, 3),
    )


def _retrospective(row: RetrospectiveGrade, current: int) -> LeverRetrospective:
    """Apart from the verdict, and never in its place."""
    graded = GradeDocument.model_validate(row.document)
    found = graded.next_experiment
    following = found if isinstance(found, NextExperiment) else None
    return LeverRetrospective(
        grade=graded.grade,
        label=graded.label,
        sentence=graded.sentence,
        slope=graded.slope,
        experiments=sum(one.used for one in graded.experiments),
        mechanisms=graded.mechanisms,
        outdated=row.hypothesis_version != current,
        next_experiment=None if following is None else f"{following.sentence} {following.days_sentence}",
        units=None if following is None else following.units,
        days=None if following is None else following.days,
        at=row.created_at,
    )


def _mechanisms(relationship: Mapping[str, JsonValue]) -> int:
    """None where the relationship could not be estimated at all."""
    found = relationship.get("mechanisms")
    return len(found) if isinstance(found, list) else 0


def _metric(metric: PinnedMetric) -> LeverMetric:
    return LeverMetric(
        id=metric.id,
        version=metric.version,
        name=metric.name,
        kind=metric.kind,
        share=metric.definition.aggregation in SHARES,
    )


def _increment(hypothesis: RegisteredHypothesis) -> str:
    increment = hypothesis.cpi.increment
    if increment is None:
        raise ValueError(f"CPI {hypothesis.cpi.key} was registered without an increment")
    return increment.words
