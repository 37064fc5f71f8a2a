"""The report run: what does a child make, what does its parent keep, and which analyses lead to one?"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.evidence.documents import STOPPED_EARLY
from service.evidence.tables import Verdict
from service.kit.canonical import sha256_hex
from service.kit.clock import now
from service.kit.database import Database
from service.kit.errors import Conflict, NotFound
from service.kit.languages import ENGLISH, LANGUAGES
from service.reports import deliveries, keeping, requests
from service.reports.assembling import About, bundle_of
from service.reports.assembling_levers import previous
from service.reports.kinds import Cause, ReportKind
from service.reports.making import AnyBundle, made, text_of
from service.reports.requests import Wanted
from service.reports.tables import ReportRequest
from service.runs.rules import RunType
from service.runs.task import Outcome, ReportStage, Task, Unanswerable, versions
from service.settings import Settings

METHOD = "report"
LIBRARIES = ("jinja2", "vl-convert-python")
ITSELF = "leverboard"  # who asks for what comes by itself


def compute(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    """Read once, write down in five forms, and keep them under their hash."""
    report("reading", 0.0)
    with database.read() as session:
        request = requests.of_job(session, task.id)
        bundle = _bundle(session, request)
        language = _language(settings, request)
        sha256 = sha256_hex(text_of(bundle))
        there = keeping.complete(session, sha256, language)
    if not there:
        report("writing", 0.2)
        keeping.keep(database, bundle, made(bundle, language))
    return Outcome(
        type=RunType.EXPLORATORY,
        result={"report": sha256, "kind": bundle.kind, "title": bundle.title, "language": language},
        provenance={
            "method": METHOD,
            "versions": versions(LIBRARIES),
            "plan_hash": None,
            "fingerprint": sha256,
            "seed": None,
        },
    )


def _language(settings: Settings, request: ReportRequest) -> str:
    wanted = request.language or settings.report_language
    return wanted if wanted in LANGUAGES else ENGLISH


def _bundle(session: Session, request: ReportRequest) -> AnyBundle:
    since = request.since or request.at - requests.FIRST_LOOK
    try:
        return bundle_of(
            session,
            About(kind=request.kind, id=request.subject, run=request.of_run, as_of=request.at, since=since),
        )
    except (Conflict, NotFound) as error:
        raise Unanswerable(error.detail) from error


def record(session: Session, task: Task, outcome: Outcome) -> None:
    """Say which report it was, and queue its way to everybody whom it is for."""
    request = requests.of_job(session, task.id)
    request.report_sha256 = str(outcome.result["report"])
    row = keeping.get(session, request.report_sha256)
    deliveries.queue_for(session, row, request, str(outcome.result["language"]))


def after_analysis(session: Session, task: Task, outcome: Outcome) -> None:
    """In the transaction that keeps a run and its verdicts: reports that follow from them are asked for."""
    awaited = requests.awaiting(session, task.id)
    for request in awaited:
        request.awaits, request.of_run = None, task.id
    ended = outcome.type is RunType.FINAL or outcome.result.get("why_not_final_code") == STOPPED_EARLY
    if ended:
        requests.queue(
            session,
            Wanted(
                kind=ReportKind.EXPERIMENT,
                subject=task.about,
                cause=Cause.PLANNED_END,
                asked_by=ITSELF,
                of_run=task.id,
            ),
        )
    for verdict in session.scalars(select(Verdict).where(Verdict.run_id == task.id).order_by(Verdict.id)):
        before = previous(session, verdict)
        if before is None or (before.state, before.label) != (verdict.state, verdict.label):
            lever = Wanted(
                kind=ReportKind.LEVER,
                subject=verdict.hypothesis_id,
                cause=Cause.VERDICT,
                asked_by=ITSELF,
                since=now(),
            )
            requests.queue(session, lever)
