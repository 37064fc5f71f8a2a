"""How are experiments planned, frozen, run through their states, and linked to hypotheses?"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.access import Actor, Role, require_team
from service.experiments import rules
from service.experiments.known import Known
from service.experiments.schemas import (
    Experiment,
    ExperimentDraft,
    ExperimentState,
    HypothesisPin,
    MetricPin,
    PhaseDraft,
)
from service.experiments.stored import known_to, phases_by, phases_of, plan_of, row_of, transitions_by
from service.experiments.tables import ExperimentPhaseRow, ExperimentRow, ExperimentTransitionRow
from service.hypotheses import mechanisms
from service.hypotheses import service as hypotheses
from service.hypotheses.registered import get_registered
from service.kit.canonical import canonical_json, sha256_hex
from service.kit.clock import now
from service.kit.errors import Conflict, Forbidden, Invalid, check_version, joined
from service.kit.ids import new_id
from service.kit.paging import Found, Query, matching, page
from service.kit.revisions import Revised


class ExperimentRefused(Invalid):
    slug, title = "experiment-refused", "The plan breaks a rule"


class ExperimentFrozen(Conflict):
    slug, title = "experiment-frozen", "The plan is approved and stays as it is"


class ExperimentNotReady(Conflict):
    slug, title = "experiment-not-ready", "Something that the plan refers to is not registered yet"


class IllegalTransition(Conflict):
    slug, title = "illegal-transition", "The experiment's state does not allow that step"


_KEPT = (
    *("id", "state", "team", "owner", "sha256"),
    *("created_at", "approved_at", "started_at", "stopped_at", "concluded_at"),
)  # as the row has them


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    state: ExperimentState | None = None
    team: str | None = None
    unit_type: str | None = None


def create(session: Session, actor: Actor, draft: ExperimentDraft) -> Revised[Experiment]:
    draft = _judged(session, actor, draft)
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
    return _revised(session, row_of(session, experiment_id))


def find(session: Session, wanted: Filter, query: Query) -> Found[Experiment]:
    statement = matching(
        select(ExperimentRow),
        (ExperimentRow.state, wanted.state),
        (ExperimentRow.team, wanted.team),
        (ExperimentRow.unit_type, wanted.unit_type),
    )
    found = page(session, statement, ExperimentRow.id, query)
    return Found(items=_shown(session, found.items), next=found.next)


def unit_types(session: Session, experiment_ids: Collection[str]) -> frozenset[str]:
    """What those experiments are about each of; one that nobody registered tells nothing."""
    known = select(ExperimentRow.unit_type).where(ExperimentRow.id.in_(experiment_ids))
    return frozenset(session.scalars(known))


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
    draft = _judged(session, actor, draft)
    row.plan, row.unit_type = draft.model_dump(mode="json"), draft.unit_type
    row.revision += 1
    return _revised(session, row)


def approve(session: Session, actor: Actor, experiment_id: str, expected: int) -> Revised[Experiment]:
    """Freeze the plan: hypotheses are registered, their versions pinned, the whole hashed."""
    row = _for_change(session, actor, experiment_id, expected)
    target = _legal(row, "approve")
    draft = _judged(session, actor, plan_of(row))
    known = known_to(session, draft)
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
    draft = plan_of(row)
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
    if broken := rules.weights_fit(plan_of(row), wanted.weights):
        raise ExperimentRefused(errors=broken)
    _open_phase(session, row, wanted.weights)
    row.revision += 1
    return _revised(session, row)


def _judged(session: Session, actor: Actor, draft: ExperimentDraft) -> ExperimentDraft:
    """The plan with the versions of its metrics and its source pinned, if it breaks no rule."""
    known = known_to(session, draft)
    _may_read(actor, known)
    if broken := rules.refusals(draft, known):
        raise ExperimentRefused(errors=broken)
    return draft.model_copy(
        update={
            "secondary": _pinned_by(known, draft.secondary),
            "guardrails": _pinned_by(known, draft.guardrails),
            "source": draft.source and draft.source.model_copy(update={"version": known.source_version}),
        }
    )


def _may_read(actor: Actor, known: Known) -> None:
    """A source reads with its team's secret: who is of another team does not read through it."""
    if known.source_team not in (None, actor.team) and actor.role is not Role.admin:
        raise Forbidden(
            f"The source belongs to the team {known.source_team}; the key belongs to the team {actor.team}. "
            "Only that team's plans, or an admin's, are analysed from it."
        )


def _pinned_by(known: Known, pins: Sequence[MetricPin]) -> tuple[MetricPin, ...]:
    return tuple(MetricPin(metric=pin.metric, version=known.metrics[pin.metric].version) for pin in pins)


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
    number = len(phases_of(session, row)) + 1
    session.add(ExperimentPhaseRow(experiment_id=row.id, number=number, started_at=now(), weights=weights))
    session.flush()


def _for_change(session: Session, actor: Actor, experiment_id: str, expected: int) -> ExperimentRow:
    row = row_of(session, experiment_id, for_change=True)
    require_team(actor, row.team)
    check_version(current=row.revision, expected=expected)
    return row


def _revised(session: Session, row: ExperimentRow) -> Revised[Experiment]:
    session.flush()
    (shown,) = _shown(session, [row])
    return Revised(value=shown, revision=row.revision)


def _shown(session: Session, rows: Sequence[ExperimentRow]) -> list[Experiment]:
    """The experiments as they stand, in a fixed number of queries."""
    ids, plans = [row.id for row in rows], [plan_of(row) for row in rows]
    steps, phases = transitions_by(session, ids), phases_by(session, ids)
    unbounded = hypotheses.unbounded(session, {test.hypothesis for one in plans for test in one.hypotheses})
    return [
        Experiment(
            **{name: getattr(plan, name) for name in ExperimentDraft.model_fields},
            **{name: getattr(row, name) for name in _KEPT},
            transitions=steps[row.id],
            phases=phases[row.id],
            hypothesis_versions=_versions(row),
            planned_units=rules.planned_units(plan),
            warnings=rules.warnings(plan, unbounded),
        )
        for row, plan in zip(rows, plans, strict=True)
    ]


def _versions(row: ExperimentRow) -> tuple[HypothesisPin, ...]:
    return tuple(HypothesisPin(hypothesis=key, version=one) for key, one in row.hypothesis_versions.items())
