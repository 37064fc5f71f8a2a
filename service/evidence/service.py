"""Which runs count for a hypothesis, what was concluded from them, and what is still awaited?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.orm import Session

from analyses import ExperimentContrasts, NotEstimable, Reason
from service.evidence.documents import (
    STOPPED_EARLY,
    ContrastsDocument,
    FindingDocument,
    JudgementDocument,
    LookState,
    RefusalDocument,
)
from service.evidence.judgement import Amended, Basis, Counted, Missing, rule_document
from service.evidence.plans import planned_shift
from service.evidence.tables import Evidence, Verdict
from service.evidence.verdict_looks import keep_verdict_look, last_look
from service.experiments import planned as experiments
from service.experiments.planned import PlannedExperiment
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.clock import now
from service.kit.ids import new_id
from service.kit.paging import Found, Query, page
from service.metrics import service as metrics
from service.runs import service as runs
from service.runs.rules import RunState, RunType
from service.runs.service import RunEnd
from service.runs.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What a final run says on one hypothesis, before or after it is kept."""

    experiment_id: str
    run_id: str
    named: bool
    measured: tuple[str, str]  # the versions of CPI and KPI
    as_of: datetime
    found: ExperimentContrasts | NotEstimable

    @classmethod
    def of(cls, task: Task, finding: FindingDocument) -> "Reported":
        return cls(
            experiment_id=task.about,
            run_id=task.id,
            named=finding.named,
            measured=(finding.cpi, finding.kpi),
            as_of=task.as_of,
            found=_found(finding.contrasts, finding.not_estimable),
        )


def _found(
    contrasts: ContrastsDocument | None, refusal: RefusalDocument | None
) -> ExperimentContrasts | NotEstimable:
    if contrasts is not None:
        return contrasts.contrasts()
    if refusal is None:
        raise ValueError("evidence holds contrasts, or why there are none; got neither")
    return refusal.not_estimable()


def basis(session: Session, hypothesis_id: str, fresh: Reported | None = None) -> Basis:
    """All that counts now, together with what a run has found and not kept yet.

    An experiment whose evidence is on another version of the metrics has not reported on this one.
    """
    *earlier, current = hypotheses.get_registered_versions(session, hypothesis_id)
    linked = experiments.linked(session, current)
    basis = _under(session, current, linked, fresh)
    versions = (*earlier, current)
    amended = _amended(session, versions, linked, fresh)
    return replace(basis, amended=amended, last=last_look(session, current, versions))


def _under(
    session: Session,
    hypothesis: RegisteredHypothesis,
    linked: Sequence[PlannedExperiment],
    fresh: Reported | None,
) -> Basis:
    """What these experiments say under one version of the hypothesis."""
    reported = {name: _reported(row) for name, row in _latest(session, hypothesis).items()}
    if fresh is not None and fresh.measured == (hypothesis.cpi.key, hypothesis.kpi.key):
        kept = reported.get(fresh.experiment_id, fresh)
        reported[fresh.experiment_id] = max(kept, fresh, key=lambda one: (one.as_of, one is fresh))
    counted = tuple(_counted(one.name, reported[one.id]) for one in linked if one.id in reported)
    return Basis(
        hypothesis=hypothesis,
        counted=counted,
        missing=tuple(_missing(session, one) for one in linked if one.id not in reported),
        planned_shift=planned_shift(linked, hypothesis.id),
        bound_evidence=len(experiments.supporting(session, hypothesis)),
        names=_names(session, counted),
    )


def _names(session: Session, counted: Sequence[Counted]) -> Mapping[str, str]:
    """What people call the experiments and the metrics of all contrasts, rivals of another plan included."""
    refs = {
        ref: re.split("[@#]", ref)[0]
        for one in counted
        if isinstance(one.contrasts, ExperimentContrasts)
        for ref in one.contrasts.metrics
    }
    known = metrics.heads_of(session, set(refs.values()))
    found = metrics.pinned_all(session, {(one, None) for one in known})
    named = {ref: found[one, None].name for ref, one in refs.items() if one in known}
    return named | {one.experiment_id: one.name for one in counted}


def _missing(session: Session, experiment: PlannedExperiment) -> Missing:
    """Why an experiment that counts has no final run: what its last run said, if there was one."""
    found = runs.planned_ends(session, experiment.id)
    told = next((run for run in found if run.why_not_final), None)
    last = told or next(iter(found), None)
    return Missing(
        experiment_id=experiment.id,
        name=experiment.name,
        run_id=None if last is None else last.id,
        why=_why_missing(experiment, last),
    )


def _why_missing(experiment: PlannedExperiment, run: RunEnd | None) -> Reason:
    name = f"“{experiment.name}”"
    if not experiment.stopped:
        return Reason(code="not_stopped", text=f"{name} still runs.")
    if run is None:
        return Reason(code="not_analysed", text=f"{name} has stopped and has not been analysed.")
    if run.why_not_final_code == STOPPED_EARLY:
        return Reason(
            code=STOPPED_EARLY, text=f"{name} did not stop at its planned size: {run.why_not_final}"
        )
    if run.why_not_final:
        return Reason(code="not_final", text=f"{name} has no final run: {run.why_not_final}")
    if run.state is RunState.SUCCEEDED and run.type is RunType.FINAL:
        return Reason(code="other_version", text=f"{name} was analysed on other versions of the metrics.")
    return Reason(code=f"run_{run.state.value}", text=f"The last run of {name} is {run.state.value}.")


def _amended(
    session: Session,
    versions: Sequence[RegisteredHypothesis],
    linked: Sequence[PlannedExperiment],
    fresh: Reported | None,
) -> Amended | None:
    """The same evidence under the version in force at the first start, if what decides has changed since."""
    current, starts = versions[-1], [one.started_at for one in linked if one.started_at is not None]
    if not starts:
        return None
    in_force = [one for one in versions if one.since <= min(starts)][-1]
    if in_force.deciding == current.deciding:
        return None
    changes = [new.since for old, new in pairwise(versions) if old.deciding != new.deciding]
    at = changes[-1]
    later = [one for one in linked if one.started_at is not None and one.started_at >= at]
    return Amended(
        fields=tuple(name for name, value in current.deciding.items() if in_force.deciding[name] != value),
        at=at,
        before=_under(session, in_force, linked, fresh),
        since=_under(session, current, later, fresh) if later else None,
    )


def _latest(session: Session, hypothesis: RegisteredHypothesis) -> dict[str, Evidence]:
    """By experiment: the latest final run's, on the metric versions that the hypothesis names today.

    The latest is the one of the latest moment; of one moment, the one that was kept last.
    """
    rows = session.scalars(
        select(Evidence)
        .where(
            Evidence.hypothesis_id == hypothesis.id,
            Evidence.cpi == hypothesis.cpi.key,
            Evidence.kpi == hypothesis.kpi.key,
        )
        .order_by(Evidence.as_of, Evidence.id)
    )
    return {row.experiment_id: row for row in rows}


def _reported(row: Evidence) -> Reported:
    contrasts, refusal = row.contrasts, row.not_estimable
    return Reported(
        experiment_id=row.experiment_id,
        run_id=row.run_id,
        named=row.named,
        measured=(row.cpi, row.kpi),
        as_of=row.as_of,
        found=_found(
            None if contrasts is None else ContrastsDocument.model_validate(contrasts),
            None if refusal is None else RefusalDocument.model_validate(refusal),
        ),
    )


def _counted(name: str, reported: Reported) -> Counted:
    return Counted(
        experiment_id=reported.experiment_id,
        name=name,
        run_id=reported.run_id,
        named=reported.named,
        contrasts=reported.found,
    )


def keep_evidence(
    session: Session, task: Task, finding: FindingDocument, *, plan_hash: str, fingerprint: str
) -> None:
    """One row more; those it supersedes stay."""
    document = finding.model_dump(mode="json")
    session.add(
        Evidence(
            id=new_id("evi"),
            hypothesis_id=finding.hypothesis_id,
            experiment_id=task.about,
            run_id=task.id,
            named=finding.named,
            cpi=finding.cpi,
            kpi=finding.kpi,
            contrasts=document["contrasts"],
            not_estimable=document["not_estimable"],
            unmeasured=document["unmeasured"],
            plan_hash=plan_hash,
            fingerprint=fingerprint,
            as_of=task.as_of,
            created_at=now(),
        )
    )
    session.flush()


def keep_verdict(session: Session, task: Task, rested_on: Basis, judged: JudgementDocument) -> None:
    """One verdict more, none is ever changed; or, where none is due and the last one stands, a look alone."""
    waits = judged.look is not None and judged.look.state is LookState.WAITS
    if waits and rested_on.last is not None and rested_on.last.stands:
        keep_verdict_look(session, task, judged, None, rested_on.hypothesis.id)
        return
    verdict_id = new_id("ver")
    keep_verdict_look(session, task, judged, verdict_id, rested_on.hypothesis.id)
    session.add(
        Verdict(
            id=verdict_id,
            hypothesis_id=rested_on.hypothesis.id,
            state=judged.verdict.state,
            label=judged.verdict.label,
            relationship=judged.relationship,
            verdict=judged.verdict.model_dump(mode="json"),
            rule=rule_document(rested_on),
            hypothesis_version=rested_on.hypothesis.version,
            hypothesis_hash=rested_on.hypothesis.sha256,
            experiments=judged.experiments,
            missing=[{"experiment_id": one.experiment_id, "name": one.name} for one in rested_on.missing],
            run_id=task.id,
            p_value=None if judged.discovery is None else judged.discovery.p_value,
            log_e_value=None if judged.discovery is None else judged.discovery.log_e_value,
            created_at=now(),
        )
    )
    session.flush()


def verdicts(session: Session, hypothesis_id: str) -> Sequence[Verdict]:
    """Every verdict on a hypothesis, the newest first."""
    return session.scalars(
        select(Verdict).where(Verdict.hypothesis_id == hypothesis_id).order_by(Verdict.id.desc())
    ).all()


def verdict_page(session: Session, hypothesis_id: str, query: Query) -> Found[Verdict]:
    """The same, a page at a time."""
    statement = select(Verdict).where(Verdict.hypothesis_id == hypothesis_id)
    return page(session, statement, Verdict.id, query, newest_first=True)


def latest_verdict(session: Session, hypothesis_id: str) -> Verdict | None:
    statement = select(Verdict).where(Verdict.hypothesis_id == hypothesis_id)
    return session.scalars(statement.order_by(Verdict.id.desc()).limit(1)).first()


def evidence(session: Session, hypothesis_id: str, query: Query) -> Found[Evidence]:
    """All evidence on a hypothesis, the newest first, superseded ones included."""
    statement = select(Evidence).where(Evidence.hypothesis_id == hypothesis_id)
    return page(session, statement, Evidence.id, query, newest_first=True)


def counting_runs(session: Session, hypothesis: RegisteredHypothesis) -> frozenset[str]:
    """The latest final run of each experiment, on the metric versions that the hypothesis names today."""
    return frozenset(row.run_id for row in _latest(session, hypothesis).values())


def unreported(session: Session, hypothesis: RegisteredHypothesis) -> Sequence[Missing]:
    """Experiments that count and have no final run yet."""
    reported = _latest(session, hypothesis)
    linked = experiments.linked(session, hypothesis)
    return [_missing(session, one) for one in linked if one.id not in reported]
