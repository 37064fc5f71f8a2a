"""How is an experiment read from its tables: the row, its plan, its phases, and what the plan refers to?"""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.experiments import rules
from service.experiments.known import Known, KnownHypothesis
from service.experiments.schemas import ExperimentDraft, Phase, Transition
from service.experiments.tables import ExperimentPhaseRow, ExperimentRow, ExperimentTransitionRow
from service.hypotheses import mechanisms
from service.hypotheses.schemas import HypothesisState
from service.hypotheses.service import look_up_hypothesis
from service.kit.errors import NotFound, excerpt
from service.metrics.service import look_up
from service.sources import service as sources
from service.sources.schemas import Source


class ExperimentNotFound(NotFound):
    slug, title = "experiment-not-found", "There is no such experiment"


def row_of(session: Session, experiment_id: str, *, for_change: bool = False) -> ExperimentRow:
    row = session.get(ExperimentRow, experiment_id, with_for_update=for_change)
    if row is None:
        raise ExperimentNotFound(f"There is no experiment {excerpt(experiment_id)}.")
    return row


def plan_of(row: ExperimentRow) -> ExperimentDraft:
    return ExperimentDraft.model_validate(row.plan)


def known_to(session: Session, draft: ExperimentDraft) -> Known:
    tested = {test.hypothesis: look_up_hypothesis(session, test.hypothesis) for test in draft.hypotheses}
    used = {mechanism: mechanisms.cpi_of(session, mechanism) for mechanism in rules.used_mechanisms(draft)}
    pins = {
        pin.metric: look_up(session, pin.metric, pin.version) for pin in (*draft.secondary, *draft.guardrails)
    }
    source = _source(session, draft)
    known = {metric: look_up(session, metric, None) for metric in draft.covariates if metric not in pins}
    return Known(
        hypotheses={
            key: KnownHypothesis(
                registered=hypothesis.state is HypothesisState.REGISTERED,
                unit_type=hypothesis.unit_type,
                cpi=hypothesis.cpi,
                kpi=hypothesis.kpi,
                attributes=frozenset(one for one in hypothesis.segments if isinstance(one, str)),
            )
            for key, hypothesis in tested.items()
            if hypothesis is not None
        },
        mechanisms={key: cpi for key, cpi in used.items() if cpi is not None},
        metrics={key: metric for key, metric in (known | pins).items() if metric is not None},
        source_version=None if source is None else source.version,
        source_team=None if source is None else source.team,
        source_maps=_maps(source),
    )


def _source(session: Session, draft: ExperimentDraft) -> Source | None:
    if draft.source is None:
        return None
    return sources.look_up(session, draft.source.source, draft.source.version)


def _maps(source: Source | None) -> frozenset[str]:
    if source is None:
        return frozenset()
    held = {"exposures": source.exposures, "attributes": source.attributes}
    return frozenset(kind for kind, mapped in held.items() if mapped)


def phases_of(session: Session, row: ExperimentRow) -> tuple[Phase, ...]:
    return phases_by(session, [row.id])[row.id]


def phases_by(session: Session, experiment_ids: Sequence[str]) -> Mapping[str, tuple[Phase, ...]]:
    """The phases of many experiments in one query."""
    rows = session.scalars(
        select(ExperimentPhaseRow)
        .where(ExperimentPhaseRow.experiment_id.in_(experiment_ids))
        .order_by(ExperimentPhaseRow.number)
    )
    found: dict[str, list[Phase]] = {one: [] for one in experiment_ids}
    for p in rows:
        found[p.experiment_id].append(Phase(number=p.number, started_at=p.started_at, weights=p.weights))
    return {one: tuple(phases) for one, phases in found.items()}


def transitions_by(session: Session, experiment_ids: Sequence[str]) -> Mapping[str, tuple[Transition, ...]]:
    """The steps of many experiments in one query, each in the order in which it took them."""
    rows = session.scalars(
        select(ExperimentTransitionRow)
        .where(ExperimentTransitionRow.experiment_id.in_(experiment_ids))
        .order_by(ExperimentTransitionRow.at)
    )
    found: dict[str, list[Transition]] = {one: [] for one in experiment_ids}
    for step in rows:
        found[step.experiment_id].append(Transition(state=step.state, at=step.at, by=step.by))
    return {one: tuple(steps) for one, steps in found.items()}
