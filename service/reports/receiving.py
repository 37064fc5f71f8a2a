"""The doors to schedules, receivers and deliveries: who gets which report, when, and whether it arrived."""

from typing import Annotated

from fastapi import Query, Request, Response, status

from service.access import CurrentActor, Editor
from service.experiments.stored import ExperimentNotFound
from service.hypotheses.registered import HypothesisNotRegistered
from service.hypotheses.stored import HypothesisNotFound
from service.kit.errors import PreconditionFailed, PreconditionRequired
from service.kit.http import IfMatch, Page, PageQuery, ReadSession, WriteSession, router, tagged
from service.kit.problems import problems
from service.reports import deliveries, schedules, trials
from service.reports import receivers as rules
from service.reports.changes import changes
from service.reports.kinds import DeliveryState
from service.reports.reaching import doubts
from service.reports.receiver_schemas import (
    AttemptView,
    CheckedReceiver,
    DeliveryDetail,
    DeliveryView,
    NewReceiver,
    ReceiverDraft,
    ReceiverView,
    ReplayedReceiver,
    TrialView,
)
from service.reports.schemas import ChangeView, ScheduleDraft, ScheduleView
from service.reports.tables import ReceiverTrial, ReportDelivery

report_schedules = router("/v1/schedules", ["reports"])
report_receivers = router("/v1/receivers", ["reports"])
report_deliveries = router("/v1/deliveries", ["reports"])

_SUBJECTS = problems(ExperimentNotFound, HypothesisNotFound, HypothesisNotRegistered)
_SCHEDULE = problems(schedules.ScheduleNotFound)
_RECEIVER = problems(rules.ReceiverNotFound)
_DELIVERY = problems(deliveries.DeliveryNotFound)
_CHANGING = problems(PreconditionRequired, PreconditionFailed)
Team = Annotated[str | None, Query(max_length=200)]
Subject = Annotated[str | None, Query(max_length=64)]


@report_schedules.post("", status_code=status.HTTP_201_CREATED, responses=_SUBJECTS)
def create_schedule(
    draft: ScheduleDraft, actor: Editor, session: WriteSession, response: Response
) -> ScheduleView:
    """Have a report made by the clock; an experiment that runs is analysed anew each time."""
    row = schedules.create(session, actor, draft)
    response.headers["Location"] = f"/v1/schedules/{row.id}"
    return tagged(response, schedules.view(row))


@report_schedules.get("")
def list_schedules(
    *, session: ReadSession, _: CurrentActor, pages: PageQuery, subject: Subject = None, team: Team = None
) -> Page[ScheduleView]:
    """Schedules, oldest first."""
    found = schedules.find(session, subject, team, pages)
    return pages.answer([schedules.view(row).value for row in found.items], found.next)


@report_schedules.get("/{schedule_id}", responses=_SCHEDULE)
def get_schedule(schedule_id: str, session: ReadSession, _: CurrentActor, response: Response) -> ScheduleView:
    return tagged(response, schedules.view(schedules.get(session, schedule_id)))


@report_schedules.put("/{schedule_id}", responses=_SCHEDULE | _SUBJECTS | _CHANGING)
def replace_schedule(
    *,
    schedule_id: str,
    draft: ScheduleDraft,
    expected: IfMatch,
    actor: Editor,
    session: WriteSession,
    response: Response,
) -> ScheduleView:
    """Change it, or switch it off; only its team may."""
    return tagged(response, schedules.view(schedules.replace(session, actor, schedule_id, expected, draft)))


@report_schedules.get("/{schedule_id}/changes", responses=_SCHEDULE)
def list_schedule_changes(schedule_id: str, session: ReadSession, _: CurrentActor) -> list[ChangeView]:
    """Who changed it, the newest first."""
    return _changes(session, schedules.get(session, schedule_id).id)


@report_receivers.post("", status_code=status.HTTP_201_CREATED)
def create_receiver(
    draft: ReceiverDraft, actor: Editor, session: WriteSession, request: Request, response: Response
) -> NewReceiver:
    """Name somebody whom reports go to. A secret that is made here is in this answer and in no other."""
    # Before anything is read or written; an Idempotency-Key alone has begun the transaction already.
    warnings = doubts(request.app.state.settings, draft, actor.team)
    row, made = rules.create(session, actor, draft)
    response.headers["Location"] = f"/v1/receivers/{row.id}"
    shown = tagged(response, rules.view(row, actor))
    return NewReceiver(**dict(shown), warnings=warnings, secret=made)


@report_receivers.get("")
def list_receivers(
    *, session: ReadSession, actor: CurrentActor, pages: PageQuery, team: Team = None
) -> Page[ReceiverView]:
    """Receivers, oldest first; of other teams' addresses only the host."""
    found = rules.find(session, team, pages)
    return pages.answer([rules.view(row, actor).value for row in found.items], found.next)


@report_receivers.get("/{receiver_id}", responses=_RECEIVER)
def get_receiver(
    receiver_id: str, session: ReadSession, actor: CurrentActor, response: Response
) -> ReceiverView:
    return tagged(response, rules.view(rules.get(session, receiver_id), actor))


@report_receivers.put("/{receiver_id}", responses=_RECEIVER | _CHANGING)
def replace_receiver(
    *,
    receiver_id: str,
    draft: ReceiverDraft,
    expected: IfMatch,
    actor: Editor,
    session: WriteSession,
    request: Request,
    response: Response,
) -> CheckedReceiver:
    """Change it, or switch it off; only its team may."""
    warnings = doubts(request.app.state.settings, draft, actor.team)
    row = rules.replace(session, actor, receiver_id, expected, draft)
    return CheckedReceiver(**dict(tagged(response, rules.view(row, actor))), warnings=warnings)


@report_receivers.post("/{receiver_id}:rotate", responses=_RECEIVER)
def rotate_receiver_secret(
    receiver_id: str, actor: Editor, session: WriteSession, response: Response
) -> NewReceiver:
    """A new secret for a webhook whose secret was made here: in this answer and in no other."""
    row, made = rules.rotate(session, actor, receiver_id)
    shown = tagged(response, rules.view(row, actor))
    return NewReceiver(**dict(shown), warnings=(), secret=made)


@report_receivers.post("/{receiver_id}:replay", responses=_RECEIVER)
def replay_receiver(
    receiver_id: str, actor: Editor, session: WriteSession, response: Response
) -> ReplayedReceiver:
    """Send now all that was given up or waits on the way to it, under the same message ids."""
    row = rules.get(session, receiver_id)
    replayed = deliveries.replay_undelivered(session, actor, row)
    return ReplayedReceiver(**dict(tagged(response, rules.view(row, actor))), replayed=replayed)


@report_receivers.post(
    "/{receiver_id}:test",
    status_code=status.HTTP_202_ACCEPTED,
    responses=_RECEIVER | problems(trials.TrialWaits),
)
def try_receiver(
    receiver_id: str, actor: Editor, session: WriteSession, request: Request, response: Response
) -> TrialView:
    """Send a message that is about no report, to see whether it arrives; a worker tries it once."""
    row = trials.ask(session, actor, receiver_id, request.app.state.settings.report_language)
    response.headers["Location"] = f"/v1/receivers/{receiver_id}/tests/{row.id}"
    response.headers["Retry-After"] = "1"
    return _trial(row)


@report_receivers.get("/{receiver_id}/tests", responses=_RECEIVER)
def list_receiver_tests(receiver_id: str, session: ReadSession, actor: CurrentActor) -> list[TrialView]:
    """The last test messages and what came of them, for the receiver's team; the newest first."""
    return [_trial(row) for row in trials.newest(session, actor, receiver_id)]


@report_receivers.get("/{receiver_id}/tests/{test_id}", responses=_RECEIVER | problems(trials.TrialNotFound))
def get_receiver_test(receiver_id: str, test_id: str, session: ReadSession, actor: CurrentActor) -> TrialView:
    """One test message and what came of it, for the receiver's team."""
    return _trial(trials.get(session, actor, receiver_id, test_id))


@report_receivers.get("/{receiver_id}/changes", responses=_RECEIVER)
def list_receiver_changes(receiver_id: str, session: ReadSession, _: CurrentActor) -> list[ChangeView]:
    """Who changed it, the newest first."""
    return _changes(session, rules.get(session, receiver_id).id)


@report_deliveries.get("")
def list_deliveries(
    *,
    session: ReadSession,
    actor: CurrentActor,
    pages: PageQuery,
    receiver: Subject = None,
    report: Annotated[str | None, Query(max_length=64)] = None,
    state: DeliveryState | None = None,
) -> Page[DeliveryView]:
    """Messages and what became of them, the newest first."""
    found = deliveries.find(session, deliveries.Filter(receiver=receiver, report=report, state=state), pages)
    own = deliveries.own(session, actor, found.items)
    return pages.answer([_delivery(row, own=row.id in own) for row in found.items], found.next)


@report_deliveries.get("/{delivery_id}", responses=_DELIVERY)
def get_delivery(delivery_id: str, session: ReadSession, actor: CurrentActor) -> DeliveryDetail:
    """One message with every attempt; what was answered is for the receiver's team."""
    row = deliveries.get(session, delivery_id)
    own = bool(deliveries.own(session, actor, [row]))
    told = tuple(
        AttemptView(at=one.at, took=one.took, answer=one.answer, error=one.error)
        for one in (deliveries.log(session, delivery_id) if own else ())
    )
    return DeliveryDetail(**dict(_delivery(row, own=own)), log=told)


@report_deliveries.post("/{delivery_id}:replay", responses=_DELIVERY)
def replay_delivery(delivery_id: str, actor: Editor, session: WriteSession) -> DeliveryView:
    """Send it again, whatever became of it, under the same message id: receivers can tell a second copy."""
    return _delivery(deliveries.replay(session, actor, delivery_id), own=True)


def _trial(row: ReceiverTrial) -> TrialView:
    return TrialView.model_validate({name: getattr(row, name) for name in TrialView.model_fields})


def _delivery(row: ReportDelivery, *, own: bool) -> DeliveryView:
    fields = {name: getattr(row, name) for name in DeliveryView.model_fields}
    return DeliveryView.model_validate(fields if own else fields | {"error": None})


def _changes(session: ReadSession, subject: str) -> list[ChangeView]:
    fields = ChangeView.model_fields
    return [
        ChangeView.model_validate({name: getattr(row, name) for name in fields})
        for row in changes(session, subject)
    ]
