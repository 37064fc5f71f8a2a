"""The analysis run: what does a child compute, and what does its parent keep?"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pydantic import JsonValue, TypeAdapter
from sqlalchemy.orm import Session

from analyses import Early, ExperimentContrasts, Reason
from service.evidence import service
from service.evidence.analysis import analyse
from service.evidence.documents import STOPPED_EARLY, FindingDocument
from service.evidence.exploring import Counting, explorations
from service.evidence.judgement import Basis
from service.evidence.judging import judgement_document
from service.evidence.levels import keep_levels
from service.evidence.looks import due, keep_look, newest_share, taken
from service.evidence.plan import Plan
from service.evidence.plans import plan_of
from service.evidence.published import keep_effects
from service.evidence.results import document, finding_document
from service.facts import MomentsQuery, MomentsResult, UnitState, fold, mark_lost
from service.facts.asking import moments
from service.facts.sources.reading import source_moments
from service.hypotheses import registered as hypotheses
from service.kit.clock import instant
from service.kit.database import Database
from service.runs.rules import RunType
from service.runs.task import Outcome, Outdated, ReportStage, Task, versions
from service.settings import Settings
from service.sources import service as sources

METHOD = "rule E"
MOST_OF_THE_PLAN = 1.1
"""Units of one planned, above which the moment of stopping may have been chosen: who goes on past the plan
until it pleases is wrong about four times as often as a fixed interval says. A tenth is what still comes in
on the last day."""
_ALMOST_A_MINUTE = timedelta(minutes=1) - timedelta.resolution
LIBRARIES = ("numpy", "scipy", "duckdb", "ibis-framework", "deltalake", "pyarrow")
FINDINGS = TypeAdapter(tuple[FindingDocument, ...])


def compute(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    """Ask the facts once for all moments, estimate, and judge all that counts."""
    report("planning", 0.0)
    with database.read() as session:
        plan = plan_of(session, task.about)
    facts, snapshot = _facts(settings, database, plan, question_of(plan, task.as_of), report)
    report("estimating", 0.7)
    analysed = facts.n(UnitState.ANALYSED)
    came = facts.n(UnitState.ANALYSED, UnitState.WINDOW_OPEN)
    kind, why = decided(task, plan, analysed, came)
    with database.read() as session:
        before = taken(session, plan.experiment)
    look = due(plan, before, analysed, kind, newest=newest_share(facts))
    withheld = _withheld(task, plan, kind, analysed, came)
    boundary = None if look is None else look.boundary
    analysis = analyse(plan, facts, boundary, running=_running(task, plan), withheld=withheld)
    report("judging", 0.8)
    size = None if kind is RunType.FINAL else Early(units=analysed, planned_units=plan.planned_units)
    counts = kind is RunType.FINAL or _stopped_early(why)
    findings = tuple(
        finding_document(finding, withheld=withheld and not counts, size=size)
        for finding in analysis.findings
    )
    bases = _bases(database, task, findings) if counts else {}
    explored = {} if withheld else explorations(plan, facts, analysis.findings, _counting(bases))
    return Outcome(
        type=kind,
        result=document(
            plan=plan,
            facts=facts,
            analysis=analysis,
            kind=kind,
            withheld=withheld,
            why_not_final=why,
            findings=_judged(findings, bases, plan),
            looks_before=before,
            look=look,
        )
        | {"explorations": explored},
        provenance=_provenance(plan, facts),
        snapshot=snapshot,
    )


def _facts(
    settings: Settings, database: Database, plan: Plan, query: MomentsQuery, report: ReportStage
) -> tuple[MomentsResult, str]:
    """From the lake, folded and pinned, or from the warehouse that the plan names; and what was read."""
    if plan.source is None:
        report("folding", 0.1)
        snapshot = fold(settings, database)
        report("reading", 0.3)
        return moments(settings, snapshot, query), snapshot.to_json()
    with database.read() as session:
        source = sources.get(session, plan.source.source, plan.source.version)
    report("reading", 0.1)
    return source_moments(settings, source, plan.source.experiment or plan.experiment, query)


def question_of(plan: Plan, as_of: datetime) -> MomentsQuery:
    """What an experiment's plan asks of the facts."""
    return MomentsQuery(
        experiment=plan.experiment,
        arms=plan.arms,
        metrics=tuple((metric.ref, metric.definition) for metric in plan.metrics),
        as_of=as_of,
        horizon=plan.horizon,
        started_at=plan.started_at,
        stopped_at=plan.stopped_at,
        exposure=plan.exposure,
        phases=tuple(plan.shares),
        segments=plan.segments,
        attributes=plan.analysis.attributes,
        cluster=plan.cluster,
        over_days=tuple(sorted(plan.primary)),
    )


def decided(task: Task, plan: Plan, analysed: int, came: int) -> tuple[RunType, Reason | None]:
    """Final means stopped at the planned size; one that ended elsewhere is interim, and says why.

    An experiment that stopped elsewhere still counts, with the intervals that hold at any moment of stopping.
    """
    if task.type is not RunType.FINAL:
        return task.type, None
    why = _not_final(task, plan, analysed, came)
    return (RunType.FINAL, None) if why is None else (RunType.INTERIM, why)


def _not_final(task: Task, plan: Plan, analysed: int, came: int) -> Reason | None:
    """Only what was known once the last unit's window had closed is final.

    Before that each moment analyses other units, and somebody could pick the one that pleases.
    """
    if plan.stopped_at is None or _running(task, plan):
        text = "The experiment had not stopped at the time that was asked about."
        return Reason(code="not_stopped", text=text)
    closed = plan.stopped_at + plan.horizon
    if task.as_of < closed:
        return Reason(code="windows_open", text=_still_open(plan, closed, came))
    if not plan.planned_units <= analysed <= plan.planned_units * MOST_OF_THE_PLAN:
        text = f"{analysed:,} units were analysed of {plan.planned_units:,} planned."
        return Reason(code=STOPPED_EARLY, text=text)
    return None


def _still_open(plan: Plan, closed: datetime, came: int) -> str:
    """Until when; and a final run is held out only where the units that came leave it possible."""
    planned, whole = plan.planned_units, closed + _ALMOST_A_MINUTE  # the first minute that is late enough
    if came > planned * MOST_OF_THE_PLAN:
        return (
            f"Windows were open until {instant(whole)}, and no run can be final: "
            f"{came:,} units came of {planned:,} planned."
        )
    return f"Windows were still open: it can be final as of {instant(whole)}, or later."


def _stopped_early(why: Reason | None) -> bool:
    """Whether a run missed the planned size and is all that will ever come of its experiment."""
    return why is not None and why.code == STOPPED_EARLY


def _running(task: Task, plan: Plan) -> bool:
    """Whether units still came in at the time that is asked about."""
    return plan.stopped_at is None or task.as_of < plan.stopped_at


def _withheld(task: Task, plan: Plan, kind: RunType, analysed: int, came: int) -> bool:
    """Short of the planned end, no name for a run shows intervals that hold for one look only."""
    if kind is RunType.EXPLORATORY:
        return _not_final(task, plan, analysed, came) is not None
    return kind is RunType.INTERIM


def _bases(database: Database, task: Task, findings: Iterable[FindingDocument]) -> Mapping[str, Basis]:
    """All that counts for each hypothesis, what this run has found included."""
    with database.read() as session:
        return {
            one.hypothesis_id: service.basis(session, one.hypothesis_id, service.Reported.of(task, one))
            for one in findings
        }


def _judged(
    findings: Iterable[FindingDocument], bases: Mapping[str, Basis], plan: Plan
) -> tuple[FindingDocument, ...]:
    """With the verdict that follows, where the run is final."""
    return tuple(
        one.model_copy(update={"judgement": judgement_document(bases[one.hypothesis_id], plan.names)})
        if one.hypothesis_id in bases
        else one
        for one in findings
    )


def _counting(bases: Mapping[str, Basis]) -> Mapping[str, Counting]:
    return {
        name: Counting(
            contrasts=tuple(
                one.contrasts for one in basis.counted if isinstance(one.contrasts, ExperimentContrasts)
            ),
            names=basis.names,
        )
        for name, basis in bases.items()
    }


def _provenance(plan: Plan, facts: MomentsResult) -> dict[str, JsonValue]:
    return {
        "method": METHOD,
        "versions": versions(LIBRARIES),
        "plan_hash": plan.digest,
        "fingerprint": facts.fingerprint,
        "seed": None,
    }


def record(session: Session, task: Task, outcome: Outcome) -> None:
    """Keep a counting run's evidence and verdicts, unless what they rest on has changed meanwhile."""
    mark_lost(session, task.id, outcome.snapshot)
    keep_look(session, task.about, task.id, outcome.result["looks"])
    keep_levels(session, task, outcome.result["daily"])
    final = outcome.type is RunType.FINAL
    if not final and outcome.result["why_not_final_code"] != STOPPED_EARLY:
        return
    plan_hash, fingerprint = (str(outcome.provenance[key]) for key in ("plan_hash", "fingerprint"))
    if final:
        keep_effects(session, task.about, task.id, outcome.result)
    findings = FINDINGS.validate_python(outcome.result["hypotheses"])
    hypotheses.hold(session, [finding.hypothesis_id for finding in findings])  # or two runs miss each other
    for finding in findings:
        service.keep_evidence(session, task, finding, plan_hash=plan_hash, fingerprint=fingerprint)
        rested_on = service.basis(session, finding.hypothesis_id)
        if finding.judgement is None or rested_on.key != finding.judgement.basis:
            raise Outdated(finding.hypothesis_id)
        service.keep_verdict(session, task, rested_on, finding.judgement)
