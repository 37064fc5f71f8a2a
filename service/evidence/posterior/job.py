"""The posterior's run: what does a child compute, and what does its parent keep?"""

import warnings
from dataclasses import replace

from pydantic import JsonValue
from sqlalchemy.orm import Session

from analyses import (
    Json,
    Label,
    NotEstimable,
    SlopePosterior,
    State,
    agreement,
    as_json,
    audited_posterior,
    deciding_experiment,
    look_alpha,
    slope_posterior,
)
from service.evidence import service as evidence
from service.evidence.documents import RefusalDocument, VerdictDocument
from service.evidence.posterior import service
from service.evidence.posterior.documents import (
    AgreementDocument,
    NextStudyDocument,
    PosteriorDocument,
    PosteriorResult,
)
from service.evidence.posterior.service import Judged
from service.evidence.wording import worded
from service.hypotheses import registered as hypotheses
from service.kit.canonical import canonical_json, sha256_hex
from service.kit.database import Database
from service.runs.rules import RunKind, RunType
from service.runs.task import Outcome, Outdated, ReportStage, Task, versions
from service.settings import Settings

SEED = 20261122  # fixed: the same evidence gives the same numbers
LIBRARIES = ("numpy", "scipy")
SAMPLERS = ("pymc", "pytensor", "nutpie", "arviz")
UNTRIED = "importance_weights"  # the refusal that another method may answer


def compute(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:  # noqa: ARG001
    """The posterior of the latest verdict's evidence. It is exploratory: it enters no verdict."""
    report("reading", 0.0)
    with database.read() as session:
        judged = service.judged(session, task.about)
    audit = task.kind is RunKind.POSTERIOR_AUDIT
    report("sampling", 0.1)
    found = _sampled(judged, audit=audit)
    return Outcome(
        type=RunType.EXPLORATORY,
        result={"posterior": _result(judged, found).model_dump(mode="json"), "verdict_id": judged.verdict.id},
        provenance=_provenance(judged, audit=audit),
    )


def _sampled(judged: Judged, *, audit: bool) -> SlopePosterior | NotEstimable:
    """What libraries warn of while they load is theirs; what matters is in the diagnostics."""
    ask = audited_posterior if audit else slope_posterior
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ask(judged.rule, judged.contrasts, seed=SEED)


def _result(judged: Judged, found: SlopePosterior | NotEstimable) -> PosteriorResult:
    following = _next(judged)
    return PosteriorResult(
        posterior=_document(judged, found) if isinstance(found, SlopePosterior) else None,
        not_estimable=_refusal(judged, found) if isinstance(found, NotEstimable) else None,
        agreement=_agreement(judged, found) if isinstance(found, SlopePosterior) else None,
        next_study=following if isinstance(following, NextStudyDocument) else None,
        no_next_study=RefusalDocument.of(following) if isinstance(following, NotEstimable) else None,
    )


def _next(judged: Judged) -> NextStudyDocument | NotEstimable:
    """The size of the experiment that would decide: planning it takes what the API process does not load."""
    if not judged.contrasts:
        return NotEstimable(reason="no_experiments", detail="no experiment could be estimated")
    following = replace(judged.rule, alpha=look_alpha(judged.rule.alpha, judged.issued + 1))
    found = deciding_experiment(following, judged.contrasts)
    if isinstance(found, NotEstimable):
        return found
    return NextStudyDocument(units=found.units, arms=len(found.arms), clusters=found.clusters)


def _refusal(judged: Judged, why: NotEstimable) -> RefusalDocument:
    told = _worded(judged, {"detail": why.detail})
    return RefusalDocument(reason=why.reason, detail=str(told["detail"]))


def _document(judged: Judged, found: SlopePosterior) -> PosteriorDocument:
    named = [
        {"name": judged.names.get(one.experiment, one.experiment), **_object(as_json(one))}
        for one in found.experiments
    ]
    return PosteriorDocument.model_validate(_worded(judged, as_json(found)) | {"experiments": named})


def _agreement(judged: Judged, found: SlopePosterior) -> AgreementDocument:
    verdict = VerdictDocument.model_validate(judged.verdict.verdict)
    label = None if verdict.label is None else Label(verdict.label)
    told = agreement(State(verdict.state.value), label, found, alpha=judged.rule.alpha)
    return AgreementDocument(agrees=told.agrees, text=told.text)


def _worded(judged: Judged, value: Json) -> dict[str, Json]:
    return _object(worded(value, judged.names))


def _object(found: Json) -> dict[str, Json]:
    if not isinstance(found, dict):
        raise TypeError(f"a posterior must be a JSON object, got {type(found).__name__}")
    return found


def _provenance(judged: Judged, *, audit: bool) -> dict[str, JsonValue]:
    libraries = (*LIBRARIES, *SAMPLERS) if audit else LIBRARIES
    rested_on = [one["run_id"] for one in judged.verdict.experiments if isinstance(one, dict)]
    return {
        "method": "NUTS" if audit else "importance sampling",
        "versions": versions(libraries),
        "plan_hash": judged.verdict.hypothesis_hash,
        "fingerprint": sha256_hex(canonical_json([judged.verdict.id, rested_on])),
        "seed": SEED,
    }


def record(session: Session, task: Task, outcome: Outcome) -> None:
    """Keep it, unless a newer verdict was given meanwhile; where the weights failed, NUTS is asked."""
    hypotheses.hold(session, [task.about])
    verdict = evidence.latest_verdict(session, task.about)
    if verdict is None or verdict.id != outcome.result["verdict_id"]:
        raise Outdated(task.about)
    result = PosteriorResult.model_validate(outcome.result["posterior"])
    audit = task.kind is RunKind.POSTERIOR_AUDIT
    service.keep(session, task.id, verdict, result, audit=audit)
    if not audit and result.not_estimable is not None and result.not_estimable.reason == UNTRIED:
        service.queue(session, task.about, RunKind.POSTERIOR_AUDIT)


def after_analysis(session: Session, task: Task) -> None:
    """Verdicts that an analysis gave are followed by posteriors of the same evidence."""
    service.after_analysis(session, task.id)
