"""What stands on the board?"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from pydantic import JsonValue
from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from analyses import EvidenceCount, Rung
from service.access import Actor
from service.evidence import levels
from service.evidence.discovered import not_known
from service.evidence.documents import SlopeDocument, Unanswered, VerdictDocument, VerdictState
from service.evidence.imported import service as past
from service.evidence.imported.documents import GradeDocument, NextExperiment
from service.evidence.rungs import Standing, standing_of
from service.evidence.schemas import CountedRun
from service.evidence.sensitivity import SensitivityDocument
from service.evidence.tables import MetricLevel, RetrospectiveGrade, Verdict, VerdictLook
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.clock import now
from service.kit.paging import Found, Query, page
from service.kit.remembered import Remembered
from service.levers import commitments
from service.levers.commitments import CommitmentDraft, CommitmentView
from service.levers.discoveries import FalseDiscoveryView, false_shares
from service.levers.doses import tested_up_to
from service.levers.earning import earning
from service.levers.parts import segments_of
from service.levers.rows import LeverRow, named_like
from service.levers.schemas import (
    CurrentLevel,
    LeverCpi,
    LeverMetric,
    LeverRetrospective,
    LeverState,
    LeverVerdict,
    LeverView,
    Sorting,
)
from service.metrics.customer import Better, MetricState
from service.metrics.scale import Scale
from service.metrics.service import PinnedMetric
from service.studies import service as studies
from service.studies.schemas import LeverStudy
from service.studies.views import lever_study

ON_ASSUMPTION = "on_assumption"  # confirmed under a bound that nothing supports: not proven
DAY = timedelta(days=1)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What never changes of a verdict, as a leader reads it."""

    state: VerdictState
    verdict: LeverVerdict


_KNOWN: Remembered[str, Told] = Remembered(2000)  # by the id of the verdict, which is only ever followed


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
    return sorted(session.scalars(hypotheses.teams()))


def _wanted(wanted: Filter) -> Select[LeverRow]:
    statement = select(LeverRow)
    if wanted.team is not None:
        statement = statement.where(LeverRow.team == wanted.team)
    if wanted.search is not None:
        statement = statement.where(named_like(wanted.search))
    if wanted.state is LeverState.UNTESTED:
        return statement.where(LeverRow.verdict_id.is_(None))
    if wanted.state is not None:
        return statement.where(LeverRow.state == VerdictState(wanted.state.value))
    return statement


def _views(session: Session, rows: Sequence[LeverRow]) -> list[LeverView]:
    """The rows as leaders read them, in a fixed number of queries."""
    ids = [row.hypothesis_id for row in rows]
    claimed = hypotheses.get_all_registered(session, ids)
    told = _KNOWN.all([one for row in rows if (one := row.verdict_id)], partial(_told, session))
    verdicts = {row.hypothesis_id: told[row.verdict_id] for row in rows if row.verdict_id}
    grades, carried = past.latest(session, ids), commitments.latest(session, ids)
    studied = {key: lever_study(*found) for key, found in studies.latest_of_hypotheses(session, ids).items()}
    stand = levels.latest(session, {hypothesis.cpi.key for hypothesis in claimed.values()})
    shares = false_shares(session)
    return [
        _view(
            claimed[one],
            verdicts.get(one),
            grades.get(one),
            carried.get(one),
            stand.get(claimed[one].cpi.key),
            study=studied.get(one),
            share=_share(verdicts.get(one), shares),
        )
        for one in ids
    ]


def _view(
    hypothesis: RegisteredHypothesis,
    told: Told | None,
    grade: RetrospectiveGrade | None,
    carried: CommitmentView | None,
    level: MetricLevel | None,
    *,
    study: LeverStudy | None,
    share: FalseDiscoveryView | Unanswered | None,
) -> LeverView:
    judged = None if told is None else _verdict(told, hypothesis.version)
    slope = None if judged is None or not isinstance(judged.slope, SlopeDocument) else judged.slope
    return LeverView(
        hypothesis_id=hypothesis.id,
        statement=hypothesis.statement,
        cpi=_cpi(hypothesis.cpi, level),
        kpi=_metric(hypothesis.kpi, hypothesis.hoped_for),
        provisional=hypothesis.cpi.state is MetricState.PROVISIONAL,
        state=LeverState.UNTESTED if told is None else LeverState(told.state.value),
        verdict=judged,
        false_discovery=share,
        retrospective=None if grade is None else _retrospective(grade, hypothesis.version),
        increment=_increment(hypothesis),
        direction=hypothesis.direction,
        smallest_slope=hypothesis.smallest_slope,
        study=study,
        standing=_standing(hypothesis, judged, study),
        carried_by=carried,
        earning=earning(
            hypothesis.cpi.cost_of_one_increment,
            hypothesis.kpi.value_of_one_unit,
            slope,
            better=hypothesis.hoped_for,
        ),
        registered_at=hypothesis.registered_at,
        owner=hypothesis.owner,
        team=hypothesis.team,
    )


def _share(
    told: Told | None, shares: Mapping[str, FalseDiscoveryView]
) -> FalseDiscoveryView | Unanswered | None:
    """A verdict at no error rate claimed nothing."""
    if told is None:
        return None
    verdict = told.verdict
    unknown = not_known(verdict.reasons, spent=verdict.coverage is not None)
    return shares.get(verdict.id, unknown)


def _standing(
    hypothesis: RegisteredHypothesis, judged: LeverVerdict | None, study: LeverStudy | None
) -> Standing:
    """Studies count where nothing was randomised."""
    rung = Rung.STATED if study is None else Rung(study.rung)
    counted = EvidenceCount(
        experiments=0 if judged is None else judged.experiments,
        mechanisms=0 if judged is None else judged.mechanisms,
        quasi_experiments=rung is Rung.QUASI_EXPERIMENTAL,
        observations=rung is Rung.OBSERVED,
    )
    return standing_of(counted, bounded=hypothesis.direct_effect_bound is not None)


def every(session: Session) -> Sequence[LeverView]:
    """All levers: a program has as many as it has registered claims."""
    return _views(session, session.scalars(select(LeverRow).order_by(LeverRow.hypothesis_id)).all())


def _verdict(told: Told, current: int) -> LeverVerdict:
    """The verdict as of today, beside the hypothesis as it stands."""
    outdated = told.verdict.hypothesis_version != current
    proven = told.state is VerdictState.CONFIRMED and told.verdict.label != ON_ASSUMPTION and not outdated
    age = round((now() - told.verdict.at) / DAY, 3)
    return told.verdict.model_copy(update={"outdated": outdated, "proven": proven, "age_days": age})


def _told(session: Session, verdict_ids: Collection[str]) -> Mapping[str, Told]:
    looks = select(VerdictLook).where(VerdictLook.verdict_id.in_(verdict_ids))
    alphas = {look.verdict_id: look.alpha for look in session.scalars(looks)}
    rows = session.scalars(select(Verdict).where(Verdict.id.in_(verdict_ids)))
    return {row.id: _judged(row, alphas.get(row.id)) for row in rows}


def _judged(row: Verdict, alpha: float | None) -> Told:
    """A verdict as it was issued: proven or outdated is said beside the hypothesis."""
    judged = VerdictDocument.model_validate(row.verdict)
    hangs_on = SensitivityDocument.of_relationship(row.relationship)
    verdict = LeverVerdict(
        id=row.id,
        label=judged.label,
        hypothesis_version=row.hypothesis_version,
        outdated=False,
        proven=False,
        sentence=judged.sentence,
        slope=judged.slope,
        coverage=None if alpha is None else 1.0 - alpha,
        reasons=judged.reasons,
        needed_units_per_arm=judged.needed_units_per_arm,
        experiments=sum(CountedRun.model_validate(one).used for one in row.experiments),
        mechanisms=_mechanisms(row.relationship),
        at_half=None if hangs_on is None else hangs_on.at_half,
        at_double=None if hangs_on is None else hangs_on.at_double,
        tested_up_to=tested_up_to(row),
        segments=segments_of(row),
        at=row.created_at,
        age_days=0.0,
    )
    return Told(state=judged.state, verdict=verdict)


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


def _metric(metric: PinnedMetric, better: Better) -> LeverMetric:
    return LeverMetric(
        id=metric.id,
        version=metric.version,
        name=metric.name,
        kind=metric.kind,
        share=Scale.of(metric.definition).points,
        better=better,
        value_of_one_unit=metric.value_of_one_unit,
    )


def _cpi(metric: PinnedMetric, level: MetricLevel | None) -> LeverCpi:
    own = _metric(metric, metric.valued.better)
    return LeverCpi(
        **{name: getattr(own, name) for name in LeverMetric.model_fields},
        unit=metric.valued.unit,
        cost_of_one_increment=metric.cost_of_one_increment,
        expectations=metric.expectations,
        current=None
        if level is None
        else CurrentLevel(level=level.level, before=level.before, day=level.day, units=level.units),
    )


def _increment(hypothesis: RegisteredHypothesis) -> str:
    return hypothesis.cpi.valued.words
