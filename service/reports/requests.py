"""How does a report come to be made? A request stands in a row, and a run carries it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.access import Actor, require_team
from service.experiments import planned as experiments
from service.hypotheses import registered as hypotheses
from service.kit.clock import now
from service.kit.ids import new_id
from service.reports import receivers
from service.reports.assembling import told_run
from service.reports.assembling_levers import BOARD
from service.reports.kinds import Cause, ReportKind
from service.reports.schemas import ReportDraft, kind_of
from service.reports.tables import ReportRequest
from service.runs import service as runs
from service.runs.rules import RunKind, RunState
from service.runs.tables import Run

FIRST_LOOK = timedelta(days=7)  # how far back a digest looks that follows none


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be told, for which reason, and whom it goes to."""

    kind: ReportKind
    subject: str
    cause: Cause
    asked_by: str
    language: str | None = None  # None: the deployment's
    of_run: str | None = None
    awaits: str | None = None
    schedule_id: str | None = None
    receivers: Sequence[str] = ()
    since: datetime | None = None


def ask(session: Session, actor: Actor, draft: ReportDraft) -> Run:
    """The run that makes a report, for whoever may have one made of it."""
    kind = kind_of(draft.subject)
    team = team_of(session, kind, draft.subject)
    if team is not None:
        require_team(actor, team)
    receivers.refuse_unknown(session, actor, draft.receivers)
    if kind is ReportKind.EXPERIMENT:  # refused at once, what no worker could answer
        told_run(session, draft.subject, draft.run)
    wanted = Wanted(
        kind=kind,
        subject=draft.subject,
        cause=Cause.ASKED,
        asked_by=actor.owner,
        language=draft.language,
        of_run=draft.run,
        receivers=draft.receivers,
    )
    return start(session, queue(session, wanted))


def team_of(session: Session, kind: ReportKind, subject: str) -> str | None:
    """Who owns what it is about, which must be there; the board is everybody's."""
    if kind is ReportKind.EXPERIMENT:
        return experiments.get(session, subject).team
    if kind is ReportKind.LEVER:
        return hypotheses.get_registered(session, subject).team
    return None


def queue(session: Session, wanted: Wanted) -> ReportRequest:
    """Keep the request, in the transaction of whatever led to it; a duty has it carried out."""
    row = ReportRequest(
        id=new_id("rpq"),
        kind=wanted.kind,
        subject=wanted.subject,
        of_run=wanted.of_run,
        awaits=wanted.awaits,
        language=wanted.language,
        cause=wanted.cause,
        schedule_id=wanted.schedule_id,
        receivers=list(wanted.receivers),
        since=wanted.since,
        asked_by=wanted.asked_by,
        at=now(),
    )
    session.add(row)
    session.flush()
    return row


def start(session: Session, request: ReportRequest) -> Run:
    """Put the run that makes it into the queue."""
    subject = None if request.subject == BOARD else request.subject
    team = team_of(session, request.kind, request.subject)
    run = runs.ask_other(session, RunKind.REPORT, subject=subject, team=team, author=request.asked_by)
    request.job_id = run.id
    session.flush()
    return run


def waiting(session: Session, most: int) -> Sequence[ReportRequest]:
    """Requests that no run carries out yet, oldest first; those that await an analysis wait on."""
    statement = select(ReportRequest).where(
        ReportRequest.job_id.is_(None), ReportRequest.awaits.is_(None), ReportRequest.why_not.is_(None)
    )
    return session.scalars(statement.order_by(ReportRequest.id).limit(most)).all()


def awaiting(session: Session, run_id: str) -> Sequence[ReportRequest]:
    """Requests that wait for this analysis."""
    return session.scalars(select(ReportRequest).where(ReportRequest.awaits == run_id)).all()


def in_vain(session: Session) -> Sequence[ReportRequest]:
    """Requests whose analysis or own run failed for good or was cancelled, and that do not say it yet."""
    lost = select(Run.id).where(Run.state.in_((RunState.FAILED, RunState.CANCELLED)))
    statement = select(ReportRequest).where(
        ReportRequest.why_not.is_(None),
        ReportRequest.report_sha256.is_(None),
        ReportRequest.awaits.in_(lost) | ReportRequest.job_id.in_(lost),
    )
    return session.scalars(statement).all()


def give_up(request: ReportRequest) -> None:
    """Say why there will be no report."""
    what = "run that was to make it" if request.awaits is None else "analysis that it waited for"
    request.awaits, request.why_not = None, f"The {what} did not end well."


def told_until(session: Session, schedule_id: str) -> datetime | None:
    """Until when a schedule's reports tell what was new: the moment of the last one that was made.

    Where none was made, as long before the first that was asked for as a first report looks back.
    """
    its = select(ReportRequest.at).where(ReportRequest.schedule_id == schedule_id)
    made = its.where(ReportRequest.report_sha256.is_not(None)).order_by(ReportRequest.id.desc())
    last = session.scalars(made.limit(1)).first()
    if last is not None:
        return last
    first = session.scalars(its.order_by(ReportRequest.id).limit(1)).first()
    return None if first is None else first - FIRST_LOOK


def of_job(session: Session, run_id: str) -> ReportRequest:
    """The request that a run carries out."""
    return session.scalars(select(ReportRequest).where(ReportRequest.job_id == run_id)).one()
