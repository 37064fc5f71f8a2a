"""When are reports made without anybody asking?"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.access import Actor, require_team
from service.experiments import planned as experiments
from service.kit.clock import now
from service.kit.errors import NotFound, check_version, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, matching, page
from service.kit.revisions import Revised
from service.reports import receivers, requests
from service.reports.changes import told_change
from service.reports.kinds import Cause, ReportKind
from service.reports.requests import Wanted
from service.reports.rules import next_time
from service.reports.schemas import ScheduleDraft, ScheduleView, kind_of
from service.reports.tables import ReportSchedule
from service.runs import service as runs
from service.runs.rules import RunState, RunType
from service.runs.schemas import RunRequest

ENDED = "The experiment has reported its end."


class ScheduleNotFound(NotFound):
    slug, title = "schedule-not-found", "There is no such schedule"


def create(session: Session, actor: Actor, draft: ScheduleDraft) -> ReportSchedule:
    """For a thing of the own team, or for the board, which is everybody's."""
    _may(session, actor, draft)
    row = ReportSchedule(
        id=new_id("sch"),
        revision=1,
        team=actor.team,
        owner=actor.owner,
        created_at=now(),
        last_at=None,
        **_fields(draft),
    )
    session.add(row)
    session.flush()
    told_change(session, actor, row.id, "created", ())
    return row


def _may(session: Session, actor: Actor, draft: ScheduleDraft) -> None:
    team = requests.team_of(session, kind_of(draft.subject), draft.subject)
    if team is not None:
        require_team(actor, team)
    receivers.refuse_unknown(session, actor, draft.receivers)


def _fields(draft: ScheduleDraft) -> dict[str, object]:
    return {
        "kind": kind_of(draft.subject),
        "subject": draft.subject,
        "cron": draft.cron,
        "zone": draft.zone,
        "language": draft.language,
        "receivers": list(draft.receivers),
        "active": draft.active,
        "next_at": next_time(draft.cron, draft.zone, now()) if draft.active else None,
        "ended": None,
    }


def replace(
    session: Session, actor: Actor, schedule_id: str, expected: int, draft: ScheduleDraft
) -> ReportSchedule:
    row = get(session, schedule_id, for_change=True)
    require_team(actor, row.team)
    check_version(current=row.revision, expected=expected)
    _may(session, actor, draft)
    fields = _fields(draft)
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    for name, value in fields.items():
        setattr(row, name, value)
    row.revision += 1
    told_change(session, actor, row.id, "replaced", changed)
    return row


def get(session: Session, schedule_id: str, *, for_change: bool = False) -> ReportSchedule:
    row = session.get(ReportSchedule, schedule_id, with_for_update=for_change)
    if row is None:
        raise ScheduleNotFound(f"There is no schedule {excerpt(schedule_id)}.")
    return row


def find(session: Session, subject: str | None, team: str | None, query: Query) -> Found[ReportSchedule]:
    """Oldest first."""
    statement = matching(
        select(ReportSchedule), (ReportSchedule.subject, subject), (ReportSchedule.team, team)
    )
    return page(session, statement, ReportSchedule.id, query)


def view(row: ReportSchedule) -> Revised[ScheduleView]:
    fields = {name: getattr(row, name) for name in ScheduleView.model_fields}
    return Revised(value=ScheduleView.model_validate(fields), revision=row.revision)


def due(session: Session) -> Sequence[ReportSchedule]:
    """Those whose time has come, locked: another worker leaves them alone."""
    statement = select(ReportSchedule).where(ReportSchedule.active, ReportSchedule.next_at <= now())
    return session.scalars(statement.order_by(ReportSchedule.id).with_for_update(skip_locked=True)).all()


def any_due(session: Session) -> bool:
    statement = select(ReportSchedule.id).where(ReportSchedule.active, ReportSchedule.next_at <= now())
    return session.scalar(statement.limit(1)) is not None


def carry_out(session: Session, row: ReportSchedule) -> None:
    """Ask for what is due once, however long nobody worked, and set the next time."""
    moment = now()
    since, row.last_at = requests.told_until(session, row.id), moment
    row.next_at = next_time(row.cron, row.zone, moment)
    awaits = None
    if row.kind is ReportKind.EXPERIMENT:
        if experiments.get(session, row.subject).started_at is None:
            return
        awaits = _refreshed(session, row)
        if awaits is None:
            row.active, row.next_at, row.ended = False, None, ENDED
            return
    requests.queue(
        session,
        Wanted(
            kind=row.kind,
            subject=row.subject,
            cause=Cause.SCHEDULED,
            asked_by=row.owner,
            language=row.language,
            awaits=awaits,
            schedule_id=row.id,
            receivers=tuple(row.receivers),
            since=since,
        ),
    )


def _refreshed(session: Session, row: ReportSchedule) -> str | None:
    """A new analysis of the experiment, to be told when it has ended; None where nothing new can come."""
    experiment = experiments.get(session, row.subject)
    ended = (one.type for one in runs.planned_ends(session, row.subject) if one.state is RunState.SUCCEEDED)
    if experiment.stopped and next(ended, None) is RunType.FINAL:
        return None
    return runs.ask(session, experiment, RunRequest(), author=row.owner).id
