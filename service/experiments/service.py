"""How are experiments planned, frozen, run through their states, and linked to hypotheses?"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.access import Actor, require_team
from service.experiments import rules
from service.experiments.planned import PlannedExperiment
from service.experiments.rules import Known, KnownHypothesis
from service.experiments.schemas import (
    Experiment,
    ExperimentDraft,
    ExperimentState,
    HypothesisPin,
    MetricPin,
    Phase,
    PhaseDraft,
    Transition,
)
from service.experiments.tables import ExperimentPhaseRow, ExperimentRow, ExperimentTransitionRow
from service.hypotheses import mechanisms
from service.hypotheses.mechanisms import Revised
from service.hypotheses.schemas import HypothesisState
from service.hypotheses.service import RegisteredHypothesis, get_registered, look_up_hypothesis
from service.kit.canonical import canonical_json, sha256_hex
from service.kit.clock import now
from service.kit.errors import Conflict, Invalid, NotFound, check_version, excerpt, joined
from service.kit.ids import new_id
from service.kit.paging import Found, Query, page
from service.metrics.service import PinnedMetric, look_up, pinned


class ExperimentNotFound(NotFound):
    slug, title = "experiment-not-found", "There is no such experiment"


class ExperimentRefused(Invalid):
    slug, title = "experiment-refused", "The plan breaks a rule"


class ExperimentFrozen(Conflict):
    slug, title = "experiment-frozen", "The plan is approved and stays as it is"


class ExperimentNotReady(Conflict):
    slug, title = "experiment-not-ready", "Something that the plan refers to is not registered yet"


class IllegalTransition(Conflict):
    slug, title = "illegal-transition", "The experiment's state does not allow that step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    state: ExperimentState | None = None
    team: str | None = None
    unit_type: str | None = None


def create(session: Session, actor: Actor, draft: ExperimentDraft) -> Revised[Experiment]:
    draft = _judged(session, draft)
    row = ExperimentRow(
        id=new_id("exp"),
        revision=1,
        state=ExperimentState.DRAFT,
        unit_type=draft.unit_type,
        plan=draft.model_dump(mode="json"),
        hypothesis_versions={},
        sha256=None,
        team=actor.team,
        owner=actor.owner,
        created_at=now(),
        approved_at=None,
        started_at=None,
        stopped_at=None,
        concluded_at=None,
    )
    session.add(row)
    session.flush()
    return _revised(session, row)


def show(session: Session, experiment_id: str) -> Revised[Experiment]:
    return _revised(session, _row(session, experiment_id))


def find(session: Session, wanted: Filter, query: Query) -> Found[Experiment]:
    statement = select(ExperimentRow)
    for column, value in (
        (ExperimentRow.state, wanted.state),
        (ExperimentRow.team, wanted.team),
        (ExperimentRow.unit_type, wanted.unit_type),
    ):
        if value is not None:
            statement = statement.where(column == value)
    found = page(session, statement, ExperimentRow.id, query)
    return Found(items=[_revised(session, row).value for row in found.items], next=found.next)


def replace(
    session: Session, actor: Actor, experiment_id: str, expected: int, draft: ExperimentDraft
) -> Revised[Experiment]:
    """A draft's plan, as a whole."""
    row = _for_change(session, actor, experiment_id, expected)
    if row.state is not ExperimentState.DRAFT:
        raise ExperimentFrozen(
            f"The plan was frozen at approval; the experiment is {row.state.value}.",
            state=row.state.value,
            legal=list(rules.LEGAL[row.state]),
        )
    draft = _judged(session, draft)
    row.plan, row.unit_type = draft.model_dump(mode="json"), draft.unit_type
    row.revision += 1
    return _revised(session, row)


def approve(session: Session, actor: Actor, experiment_id: str, expected: int) -> Revised[Experiment]:
    """Freeze the plan: hypotheses are registered, their versions pinned, the whole hashed."""
    row = _for_change(session, actor, experiment_id, expected)
    target = _legal(row, "approve")
    draft = _judged(session, _plan(row))
    known = _known(session, draft)
    if unready := rules.unready(draft, known):
        raise ExperimentNotReady(joined([one["message"] for one in unready]), errors=list(unready))
    versions = {test.hypothesis: _version(session, test.hypothesis) for test in draft.hypotheses}
    row.plan, row.hypothesis_versions = draft.model_dump(mode="json"), versions
    row.sha256 = sha256_hex(canonical_json(row.plan | {"hypothesis_versions": versions}))
    row.approved_at = _step(session, actor, row, target).at
    return _revised(session, row)


def start(session: Session, actor: Actor, experiment_id: str, expected: int) -> Revised[Experiment]:
    """From now on units are assigned; the first phase begins and the mechanisms in use are fixed."""
    row = _for_change(session, actor, experiment_id, expected)
    target = _legal(row, "start")
    draft = _plan(row)
    row.started_at = _step(session, actor, row, target).at
    mechanisms.fix(session, rules.used_mechanisms(draft), row.started_at)
    _open_phase(session, row, {arm.name: arm.weight for arm in draft.arms})
    return _revised(session, row)


def stop(session: Session, actor: Actor, experiment_id: str, expected: int) -> Revised[Experiment]:
    """Nobody is assigned any more; windows may still be open."""
    row = _for_change(session, actor, experiment_id, expected)
    target = _legal(row, "stop")
    row.stopped_at = _step(session, actor, row, target).at
    return _revised(session, row)


def conclude(session: Session, actor: Actor, experiment_id: str, expected: int) -> Revised[Experiment]:
    """The team has drawn its conclusion."""
    row = _for_change(session, actor, experiment_id, expected)
    target = _legal(row, "conclude")
    row.concluded_at = _step(session, actor, row, target).at
    return _revised(session, row)


def reweigh(
    session: Session, actor: Actor, experiment_id: str, expected: int, wanted: PhaseDraft
) -> Revised[Experiment]:
    """A new phase with other weights; only while the experiment runs."""
    row = _for_change(session, actor, experiment_id, expected)
    if row.state is not ExperimentState.RUNNING:
        raise IllegalTransition(
            f"Weights change only while an experiment runs; this one is {row.state.value}.",
            state=row.state.value,
            legal=list(rules.LEGAL[row.state]),
        )
    if broken := rules.weights_fit(_plan(row), wanted.weights):
        raise ExperimentRefused(errors=broken)
    _open_phase(session, row, wanted.weights)
    row.revision += 1
    return _revised(session, row)


def get(session: Session, experiment_id: str) -> PlannedExperiment:
    """For those who assign, measure and judge."""
    return _planned(session, _row(session, experiment_id))


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
    both = {hypothesis.cpi.id, hypothesis.kpi.id}
    return tuple(_planned(session, row) for row in rows if both <= _measured_ids(session, row))


def supporting(session: Session, hypothesis: RegisteredHypothesis) -> tuple[str, ...]:
    """The experiments behind the hypothesis' bound that can speak for it.

    Of its unit type, with both metrics measured, and over before the registration: what counts for the
    verdict itself is no earlier evidence for the bound that the verdict assumes.
    """
    both = {hypothesis.cpi.id, hypothesis.kpi.id}
    rows = (session.get(ExperimentRow, experiment_id) for experiment_id in hypothesis.bound_evidence)
    return tuple(
        row.id
        for row in rows
        if row is not None
        and row.stopped_at is not None
        and row.stopped_at <= hypothesis.registered_at
        and row.unit_type == hypothesis.unit_type
        and both <= _measured_ids(session, row)
    )


def _judged(session: Session, draft: ExperimentDraft) -> ExperimentDraft:
    """The plan with its metric versions pinned, if it breaks no rule."""
    known = _known(session, draft)
    if broken := rules.refusals(draft, known):
        raise ExperimentRefused(errors=broken)
    return draft.model_copy(
        update={
            "secondary": _pinned_by(known, draft.secondary),
            "guardrails": _pinned_by(known, draft.guardrails),
        }
    )


def _pinned_by(known: Known, pins: Sequence[MetricPin]) -> tuple[MetricPin, ...]:
    return tuple(MetricPin(metric=pin.metric, version=known.metrics[pin.metric].version) for pin in pins)


def _known(session: Session, draft: ExperimentDraft) -> Known:
    tested = {test.hypothesis: look_up_hypothesis(session, test.hypothesis) for test in draft.hypotheses}
    used = {mechanism: mechanisms.cpi_of(session, mechanism) for mechanism in rules.used_mechanisms(draft)}
    pins = {
        pin.metric: look_up(session, pin.metric, pin.version) for pin in (*draft.secondary, *draft.guardrails)
    }
    return Known(
        hypotheses={
            key: KnownHypothesis(
                registered=hypothesis.state is HypothesisState.REGISTERED,
                unit_type=hypothesis.unit_type,
                cpi=hypothesis.cpi,
                kpi=hypothesis.kpi,
                bound_unknown=hypothesis.direct_effect_bound == "unknown",
            )
            for key, hypothesis in tested.items()
            if hypothesis is not None
        },
        mechanisms={key: cpi for key, cpi in used.items() if cpi is not None},
        metrics={key: metric for key, metric in pins.items() if metric is not None},
    )


def _version(session: Session, hypothesis_id: str) -> int:
    return get_registered(session, hypothesis_id).version


def _legal(row: ExperimentRow, step: str) -> ExperimentState:
    steps = rules.LEGAL[row.state]
    if step not in steps:
        told = f"it can be followed by {', '.join(steps)}" if steps else "nothing follows it"
        raise IllegalTransition(
            f"The experiment is {row.state.value}; {told}, not by {step}.",
            state=row.state.value,
            legal=list(steps),
        )
    return steps[step]


def _step(
    session: Session, actor: Actor, row: ExperimentRow, target: ExperimentState
) -> ExperimentTransitionRow:
    row.state = target
    row.revision += 1
    step = ExperimentTransitionRow(experiment_id=row.id, state=target, at=now(), by=actor.owner)
    session.add(step)
    session.flush()
    return step


def _open_phase(session: Session, row: ExperimentRow, weights: dict[str, float]) -> None:
    number = len(_phases(session, row)) + 1
    session.add(ExperimentPhaseRow(experiment_id=row.id, number=number, started_at=now(), weights=weights))
    session.flush()


def _row(session: Session, experiment_id: str, *, for_change: bool = False) -> ExperimentRow:
    row = session.get(ExperimentRow, experiment_id, with_for_update=for_change)
    if row is None:
        raise ExperimentNotFound(f"There is no experiment {excerpt(experiment_id)}.")
    return row


def _for_change(session: Session, actor: Actor, experiment_id: str, expected: int) -> ExperimentRow:
    row = _row(session, experiment_id, for_change=True)
    require_team(actor, row.team)
    check_version(current=row.revision, expected=expected)
    return row


def _plan(row: ExperimentRow) -> ExperimentDraft:
    return ExperimentDraft.model_validate(row.plan)


def _measured_ids(session: Session, row: ExperimentRow) -> set[str]:
    draft = _plan(row)
    return rules.measured_ids(draft, _known(session, draft))


def _phases(session: Session, row: ExperimentRow) -> tuple[Phase, ...]:
    rows = session.scalars(
        select(ExperimentPhaseRow)
        .where(ExperimentPhaseRow.experiment_id == row.id)
        .order_by(ExperimentPhaseRow.number)
    )
    return tuple(Phase(number=p.number, started_at=p.started_at, weights=p.weights) for p in rows)


def _transitions(session: Session, row: ExperimentRow) -> tuple[Transition, ...]:
    rows = session.scalars(
        select(ExperimentTransitionRow)
        .where(ExperimentTransitionRow.experiment_id == row.id)
        .order_by(ExperimentTransitionRow.at)
    )
    return tuple(Transition(state=step.state, at=step.at, by=step.by) for step in rows)


def _pins(session: Session, pins: Sequence[MetricPin]) -> tuple[PinnedMetric, ...]:
    return tuple(pinned(session, pin.metric, pin.version) for pin in pins)


def _planned(session: Session, row: ExperimentRow) -> PlannedExperiment:
    draft = _plan(row)
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
        secondary=_pins(session, draft.secondary),
        guardrails=_pins(session, draft.guardrails),
        covariates=draft.covariates,
        records_differently=draft.records_differently,
        shared_capacity=draft.shared_capacity,
        randomised_by=draft.randomised_by,
        cluster=draft.cluster,
        interference_possible=rules.interference_possible(draft),
        exposure=None if draft.exposure == "assignment" else draft.exposure,
        planned_units=rules.planned_units(draft),
        planned_looks=draft.planned_looks,
        phases=_phases(session, row),
        sha256=row.sha256,
        approved_at=row.approved_at,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        concluded_at=row.concluded_at,
    )


def _revised(session: Session, row: ExperimentRow) -> Revised[Experiment]:
    session.flush()
    draft = _plan(row)
    shown = Experiment(
        **{name: getattr(draft, name) for name in ExperimentDraft.model_fields},
        id=row.id,
        state=row.state,
        team=row.team,
        owner=row.owner,
        created_at=row.created_at,
        approved_at=row.approved_at,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        concluded_at=row.concluded_at,
        transitions=_transitions(session, row),
        phases=_phases(session, row),
        hypothesis_versions=tuple(
            HypothesisPin(hypothesis=key, version=version) for key, version in row.hypothesis_versions.items()
        ),
        sha256=row.sha256,
        planned_units=rules.planned_units(draft),
        warnings=rules.warnings(draft, _known(session, draft)),
    )
    return Revised(value=shown, revision=row.revision)
