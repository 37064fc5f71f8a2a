"""What do those who assign, measure and judge see of an experiment? Its frozen plan and its times."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.experiments import rules
from service.experiments.analysis import AnalysisPlan
from service.experiments.schemas import (
    Arm,
    ArmRole,
    ExperimentDraft,
    ExperimentState,
    Phase,
    RandomisedBy,
    RecordedDifferently,
    SourcePin,
    UnderTest,
)
from service.experiments.stored import phases_by, plan_of, row_of
from service.experiments.tables import ExperimentRow
from service.hypotheses.registered import RegisteredHypothesis, get_registered, metrics_under_test
from service.metrics.definitions import Exposure
from service.metrics.service import PinnedMetric, pinned_all


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedExperiment:
    """One experiment. Metrics are pinned; hypotheses are named by id, each with the arms' roles."""

    id: str
    name: str
    team: str
    owner: str
    unit_type: str
    state: ExperimentState
    arms: tuple[Arm, ...]
    hypotheses: tuple[UnderTest, ...]
    hypothesis_versions: Mapping[str, int]  # pinned at approval
    secondary: tuple[PinnedMetric, ...]
    guardrails: tuple[PinnedMetric, ...]
    covariates: tuple[str, ...]  # metric ids
    records_differently: tuple[RecordedDifferently, ...]
    shared_capacity: tuple[str, ...]
    randomised_by: RandomisedBy
    cluster: str | None
    interference_possible: bool
    exposure: Exposure | None  # None: the assignment is the exposure
    source: SourcePin | None  # None: the managed lake
    planned_units: int  # in total
    planned_looks: int
    analysis: AnalysisPlan
    phases: tuple[Phase, ...]
    sha256: str | None
    approved_at: datetime | None
    started_at: datetime | None
    stopped_at: datetime | None
    concluded_at: datetime | None

    @property
    def control(self) -> Arm:
        return next(arm for arm in self.arms if arm.control)

    @property
    def treatments(self) -> tuple[Arm, ...]:
        return tuple(arm for arm in self.arms if not arm.control)

    @property
    def stopped(self) -> bool:
        return self.state in (ExperimentState.STOPPED, ExperimentState.CONCLUDED)

    def shares(self) -> dict[int, dict[str, float]]:
        """Planned shares by phase and arm, adding up to one; before the start, the first phase's."""
        weights = {phase.number: phase.weights for phase in self.phases}
        weights = weights or {1: {arm.name: arm.weight for arm in self.arms}}
        return {
            number: {arm: weight / sum(planned.values()) for arm, weight in planned.items()}
            for number, planned in weights.items()
        }

    def roles(self, hypothesis_id: str) -> tuple[ArmRole, ...]:
        """The roles that arms were given for it; none where the plan does not name it."""
        named = (test.arms for test in self.hypotheses if test.hypothesis == hypothesis_id)
        return next(named, ())


def get(session: Session, experiment_id: str) -> PlannedExperiment:
    """For those who assign, measure and judge."""
    return _planned(session, [row_of(session, experiment_id)])[0]


def hold(session: Session, experiment_id: str) -> None:
    """Nobody else changes it or takes a look at it until the transaction ends."""
    row_of(session, experiment_id, for_change=True)


def existing(session: Session, ids: Collection[str]) -> frozenset[str]:
    """Those of these ids that experiments of this service have."""
    return frozenset(session.scalars(select(ExperimentRow.id).where(ExperimentRow.id.in_(ids))))


def names(session: Session, ids: Collection[str]) -> Mapping[str, str]:
    """What people call those of these experiments that this service has."""
    found = session.execute(select(ExperimentRow.id, ExperimentRow.plan).where(ExperimentRow.id.in_(ids)))
    return {one: str(plan["name"]) for one, plan in found}


def measured(session: Session, experiment_id: str) -> tuple[PinnedMetric, ...]:
    """CPI and KPI of each hypothesis under test, then secondary metrics, then guardrails; each once."""
    experiment = get(session, experiment_id)
    found: dict[str, PinnedMetric] = {}
    for test in experiment.hypotheses:
        hypothesis = get_registered(session, test.hypothesis)
        found |= {hypothesis.cpi.key: hypothesis.cpi, hypothesis.kpi.key: hypothesis.kpi}
    found |= {metric.key: metric for metric in (*experiment.secondary, *experiment.guardrails)}
    return tuple(found.values())


def linked(session: Session, hypothesis: RegisteredHypothesis) -> tuple[PlannedExperiment, ...]:
    """Every experiment that counts for the hypothesis, in the order of their starts, reported or not.

    It counts if it is of the same unit type, started after the first registration, and its frozen plan names
    both metrics: under test (of this hypothesis or another), secondary or guardrail. Plans are frozen before
    anybody is assigned, so nobody picks by results; versions do not matter, since any version is computed
    from the same outcomes.
    """
    rows = session.scalars(
        select(ExperimentRow)
        .where(
            ExperimentRow.unit_type == hypothesis.unit_type,
            ExperimentRow.started_at >= hypothesis.registered_at,
        )
        .order_by(ExperimentRow.started_at, ExperimentRow.id)
    ).all()
    return _planned(session, _measuring(session, rows, hypothesis))


def supporting(session: Session, hypothesis: RegisteredHypothesis) -> tuple[str, ...]:
    """The experiments behind the hypothesis' bound that can speak for it.

    Of its unit type, with both metrics measured, and over before the registration: what counts for the
    verdict itself is no earlier evidence for the bound that the verdict assumes.
    """
    if not hypothesis.bound_evidence:
        return ()
    rows = session.scalars(
        select(ExperimentRow).where(
            ExperimentRow.id.in_(hypothesis.bound_evidence),
            ExperimentRow.stopped_at <= hypothesis.registered_at,
            ExperimentRow.unit_type == hypothesis.unit_type,
        )
    ).all()
    speaking = {row.id for row in _measuring(session, rows, hypothesis)}
    return tuple(one for one in hypothesis.bound_evidence if one in speaking)


def _measuring(
    session: Session, rows: Sequence[ExperimentRow], hypothesis: RegisteredHypothesis
) -> Sequence[ExperimentRow]:
    """Those whose plans name both of its metrics, by one query for all that they test."""
    plans = [plan_of(row) for row in rows]
    tested = metrics_under_test(session, {test.hypothesis for plan in plans for test in plan.hypotheses})
    both = {hypothesis.cpi.id, hypothesis.kpi.id}
    return [row for row, plan in zip(rows, plans, strict=True) if both <= rules.metrics_named(plan, tested)]


def _planned(session: Session, rows: Sequence[ExperimentRow]) -> tuple[PlannedExperiment, ...]:
    """Three queries for all of them together."""
    plans = [plan_of(row) for row in rows]
    pins = {(pin.metric, pin.version) for plan in plans for pin in (*plan.secondary, *plan.guardrails)}
    known, phases = pinned_all(session, pins), phases_by(session, [row.id for row in rows])
    return tuple(_one(row, plan, known, phases[row.id]) for row, plan in zip(rows, plans, strict=True))


def _one(
    row: ExperimentRow,
    draft: ExperimentDraft,
    known: Mapping[tuple[str, int | None], PinnedMetric],
    phases: tuple[Phase, ...],
) -> PlannedExperiment:
    return PlannedExperiment(
        id=row.id,
        name=draft.name,
        team=row.team,
        owner=row.owner,
        unit_type=draft.unit_type,
        state=row.state,
        arms=draft.arms,
        hypotheses=draft.hypotheses,
        hypothesis_versions=dict(row.hypothesis_versions),
        secondary=tuple(known[pin.metric, pin.version] for pin in draft.secondary),
        guardrails=tuple(known[pin.metric, pin.version] for pin in draft.guardrails),
        covariates=draft.covariates,
        records_differently=draft.records_differently,
        shared_capacity=draft.shared_capacity,
        randomised_by=draft.randomised_by,
        cluster=draft.cluster,
        interference_possible=rules.interference_possible(draft),
        exposure=None if draft.exposure == "assignment" else draft.exposure,
        source=draft.source,
        planned_units=rules.planned_units(draft),
        planned_looks=draft.planned_looks,
        analysis=draft.analysis,
        phases=phases,
        sha256=row.sha256,
        approved_at=row.approved_at,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        concluded_at=row.concluded_at,
    )
