"""What goes into a report of one run of an experiment? Read once, as things stand, into one frozen value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.evidence.tables import Verdict
from service.experiments import planned as experiments
from service.experiments.planned import PlannedExperiment
from service.hypotheses import mechanisms
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.errors import Conflict
from service.metrics.service import PinnedMetric
from service.reports.assembling_levers import board_bundle, evidence_parts, lever_bundle, used_mechanisms
from service.reports.bundles import BoardBundle, ExperimentBundle, GroupPart, LeverBundle, RunPart
from service.reports.kinds import ReportKind
from service.reports.registered import hypothesis_part, metric_part, plan_part
from service.runs import service as runs
from service.runs.rules import RunKind, RunType
from service.runs.tables import Run


class NothingToReport(Conflict):
    """Nothing has been analysed yet, or the run that was named has no result."""

    slug, title = "nothing-to-report", "There is no result to report yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a report is about, and which moments it tells of."""

    kind: ReportKind
    id: str
    run: str | None  # of an experiment; None: the one that counts
    as_of: datetime
    since: datetime  # of the board: what is new since then


def bundle_of(session: Session, of: About) -> ExperimentBundle | LeverBundle | BoardBundle:
    """All that a report of it freezes."""
    match of.kind:
        case ReportKind.EXPERIMENT:
            return experiment_bundle(session, of.id, of.run)
        case ReportKind.LEVER:
            return lever_bundle(session, of.id)
        case ReportKind.BOARD:
            return board_bundle(session, of.as_of, of.since)


def experiment_bundle(session: Session, experiment_id: str, run_id: str | None = None) -> ExperimentBundle:
    """The report of the run that is named, or of the latest planned one that ended well."""
    plan = experiments.get(session, experiment_id)
    run = told_run(session, experiment_id, run_id)
    tested = _tested(session, plan, run)
    judged = _judged(session, run)
    others = {
        one.hypothesis_id: beside
        for one in judged
        if (beside := tuple(part for part in evidence_parts(session, one) if part.run_id != run.id))
    }
    named = _mechanisms(plan).union(*map(used_mechanisms, others.values()))
    return ExperimentBundle(
        subject=plan.id,
        title=plan.name,
        team=plan.team,
        answer=_answer(run),
        plan=plan_part(plan),
        hypotheses=tuple(hypothesis_part(one) for one in tested),
        metrics=tuple(metric_part(one) for one in _metrics(plan, tested).values()),
        groups=_groups(plan, tested),
        mechanisms=mechanisms.names(session, named),
        run=RunPart(
            id=run.id,
            type=run.type.value,
            as_of=run.as_of,
            finished_at=run.finished_at,
            created_by=run.created_by,
            result=run.result or {},
            provenance=run.provenance or {},
            snapshot=run.snapshot,
        ),
        rules={one.hypothesis_id: one.rule for one in judged},
        others=others,
    )


def told_run(session: Session, experiment_id: str, run_id: str | None) -> Run:
    """An analysis of the experiment with a result; exploratory ones only where they are asked for by id."""
    if run_id is not None:
        run = runs.get(session, run_id)
        if run.kind is RunKind.ANALYSIS and run.experiment_id == experiment_id and run.result is not None:
            return run
        raise NothingToReport("That run is no analysis of this experiment that has ended well.")
    if (answered := runs.latest_answered(session, experiment_id)) is None:
        raise NothingToReport("No planned analysis of it has ended well yet.")
    return answered


def _tested(session: Session, plan: PlannedExperiment, run: Run) -> tuple[RegisteredHypothesis, ...]:
    """Those that the plan names, then others that the run was evidence on."""
    named = [one.hypothesis for one in plan.hypotheses]
    found = [str(one["hypothesis_id"]) for one in _findings(run)]
    ids = dict.fromkeys([*named, *found])
    known = hypotheses.get_all_registered(session, ids)
    return tuple(known[one] for one in ids)


def _judged(session: Session, run: Run) -> Sequence[Verdict]:
    """The verdicts that the run led to."""
    return session.scalars(select(Verdict).where(Verdict.run_id == run.id).order_by(Verdict.id)).all()


def _findings(run: Run) -> list[Mapping[str, object]]:
    found = (run.result or {}).get("hypotheses")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _goals(tested: tuple[RegisteredHypothesis, ...]) -> dict[str, PinnedMetric]:
    return {metric.key: metric for one in tested for metric in (one.cpi, one.kpi)}


def _metrics(plan: PlannedExperiment, tested: tuple[RegisteredHypothesis, ...]) -> dict[str, PinnedMetric]:
    return _goals(tested) | {metric.key: metric for metric in (*plan.secondary, *plan.guardrails)}


def _groups(plan: PlannedExperiment, tested: tuple[RegisteredHypothesis, ...]) -> GroupPart:
    """Each metric once, where it matters most."""
    goals = _goals(tested)
    secondary = {one.key: one for one in plan.secondary if one.key not in goals}
    guardrails = [one.key for one in plan.guardrails if one.key not in goals | secondary]
    return GroupPart(goal=tuple(goals), secondary=tuple(secondary), guardrail=tuple(guardrails))


def _mechanisms(plan: PlannedExperiment) -> set[str]:
    named = (getattr(role, "mechanism", None) for one in plan.hypotheses for role in one.arms)
    return {one for one in named if one is not None}


def _answer(run: Run) -> str:
    """The verdict's own sentence; of a run that concludes nothing, why it does not."""
    for one in _findings(run):
        judged = one.get("judgement")
        if isinstance(judged, dict):
            return str(judged["verdict"]["sentence"])
    why = (run.result or {}).get("why_not_final")
    if run.type is RunType.EXPLORATORY:
        return str(why or "This run is exploratory, so it concludes nothing.")
    return str(why or "This run is not final, so it concludes nothing.")
