"""How do facts come in over HTTP, in our words and in those of others?"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, override
from zoneinfo import ZoneInfo, available_timezones

import structlog
from fastapi import Depends, Header, Query, Request, Response

from service.access.endpoints import CurrentActor, Editor
from service.access.rules import Actor
from service.facts.ingest import batches, cloudevents, naming, segment, service
from service.facts.ingest.batches import BatchNotFound
from service.facts.ingest.document import batch_body, call_body, cloudevents_body, request_body
from service.facts.ingest.encodings import UnknownEncoding
from service.facts.ingest.events import Post, accept
from service.facts.ingest.events import found as events_found
from service.facts.ingest.formats import FILE_LIMIT, EmptyBatch, NothingKept, Unreadable, WrongColumns
from service.facts.ingest.intake import AtDesk, Desk, IngestBusy, IntakeRoute, SpooledRequest
from service.facts.ingest.parts import Parts
from service.facts.ingest.reading import limit_of
from service.facts.ingest.schemas import BatchView, EventsReceipt, Receipt, RowRejection
from service.facts.ingest.service import Delivery, Origin
from service.facts.tables import FactKind
from service.kit.clock import now
from service.kit.errors import (
    IdempotencyMismatch,
    Invalid,
    PayloadTooLarge,
    Unavailable,
    UnsupportedMediaType,
    excerpt,
    joined,
)
from service.kit.http import LONGEST_KEY, Page, PageQuery, ReadSession, router
from service.kit.problems import problem, problems

log = structlog.get_logger(__name__)


class FileRoute(IntakeRoute):
    """A route that takes whole files."""

    body_limit: ClassVar[int] = FILE_LIMIT
    refuses_unknown_parameters: ClassVar[bool] = True

    @override
    def limit_for(self, request: Request) -> int:
        return limit_of(request.headers.get("content-type", ""))


class Naming(StrEnum):
    """Where an outcome's id comes from."""

    FIELD = "field"
    ROW = "row"


class CallRoute(IntakeRoute):
    """A route that takes what clients of Segment send."""

    body_limit: ClassVar[int] = segment.BATCH_LIMIT


facts = router("/v1", ["facts"], route=FileRoute)
calls = router("/v1", ["segment"], route=CallRoute)
events = router("/v1", ["cloudevents"], route=IntakeRoute)

_REFUSED = problems(
    EmptyBatch,
    IdempotencyMismatch,
    IngestBusy,
    NothingKept,
    PayloadTooLarge,
    Unavailable,
    UnknownEncoding,
    Unreadable,
    UnsupportedMediaType,
    WrongColumns,
)


async def _delivery(
    request: SpooledRequest,
    actor: Editor,
    source: Annotated[
        str | None,
        Query(
            pattern=r"^[\w.:-]{1,100}$",
            description="where the rows come from; a name is the team's that first sends under it. "
            "Unless said: the team's own, `api:` and its name",
        ),
    ] = None,
    zone: Annotated[
        str | None, Query(max_length=64, description="IANA zone of times without an offset")
    ] = None,
    key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", max_length=LONGEST_KEY, description="names the batch, for ever"),
    ] = None,
) -> Delivery:
    if source is not None and (reserved := naming.reserved(source)) is not None:
        message = f"{reserved} is, or begins, a name of our own; name another source"
        raise Invalid(errors=[{"field": "source", "message": message}])
    return Delivery(
        kind=FactKind.ASSIGNMENTS,
        body=request.spool,
        content_type=request.headers.get("content-type", ""),
        source=source or f"{naming.OF_THE_API}{actor.team}",
        zone=None if zone is None else _zone(zone),
        key=key,
        numbered=False,
    )


Delivered = Annotated[Delivery, Depends(_delivery)]


def _takes(kind: FactKind) -> dict[str, Any]:
    """What the routes of all kinds say of themselves."""
    return {
        "status_code": 201,
        "response_model": Receipt,
        "responses": _REFUSED,
        "openapi_extra": request_body(kind),
    }


@facts.post("/assignments", **_takes(FactKind.ASSIGNMENTS))
async def ingest_assignments(delivery: Delivered, actor: Editor, desk: AtDesk) -> Response:
    """Which unit got which arm. A bad row is rejected alone, and the good ones are kept before the answer.

    A key assigns to experiments of its own team, in phases that they have had; an admin's assigns to those of
    any team, so who forwards for many teams uses an admin's key.
    """
    return await _acknowledged(desk, actor, delivery)


@facts.post("/outcomes", **_takes(FactKind.OUTCOMES))
async def ingest_outcomes(
    delivery: Delivered,
    actor: Editor,
    desk: AtDesk,
    naming: Annotated[
        Naming, Query(alias="id", description="row: the id is the Idempotency-Key and the row's number")
    ] = Naming.FIELD,
) -> Response:
    """What was measured about units. The same id of a source counts once, whenever it comes again."""
    numbered = naming is Naming.ROW
    if numbered and delivery.key is None:
        raise Invalid(
            errors=[{"field": "id", "message": "id=row needs an Idempotency-Key to name the rows by"}]
        )
    return await _acknowledged(desk, actor, replace(delivery, kind=FactKind.OUTCOMES, numbered=numbered))


@facts.post("/exposures", **_takes(FactKind.EXPOSURES))
async def ingest_exposures(delivery: Delivered, actor: Editor, desk: AtDesk) -> Response:
    """Which unit met the difference that an experiment makes. Its arm is what the unit was assigned to.

    The same id of a source counts once; without an id what the exposure says names it. A key speaks of its
    own team's experiments, an admin's of any team's.
    """
    return await _acknowledged(desk, actor, replace(delivery, kind=FactKind.EXPOSURES))


@facts.post("/attributes", **_takes(FactKind.ATTRIBUTES))
async def ingest_attributes(delivery: Delivered, actor: Editor, desk: AtDesk) -> Response:
    """Which trait a unit has, from a time on: text, a number or a truth. At one moment it has one value."""
    return await _acknowledged(desk, actor, replace(delivery, kind=FactKind.ATTRIBUTES))


@facts.post("/identities", **_takes(FactKind.IDENTITIES))
async def ingest_identities(delivery: Delivered, actor: Editor, desk: AtDesk) -> Response:
    """Which unit an id of some namespace is: a phone number, a cookie, an account."""
    return await _acknowledged(desk, actor, replace(delivery, kind=FactKind.IDENTITIES))


async def _acknowledged(desk: Desk, actor: Actor, delivery: Delivery) -> Response:
    """Parsed first, without a transaction; then committed together with whoever else waits."""
    if (again := await desk.answered()) is not None:
        return again
    with ExitStack() as kept:

        def read() -> tuple[Origin, Parts]:
            prepared = service.prepared(desk.folder, desk.database, actor, delivery)
            return service.origin_of(actor, delivery), kept.enter_context(prepared)

        origin, parts = await desk.work(read)
        return await desk.commit(
            lambda session: _received(service.accept(session, origin, parts), desk.instance)
        )


@facts.get("/ingest/batches/{batch_id}", responses=problems(BatchNotFound))
def get_batch(batch_id: str, _: CurrentActor, session: ReadSession) -> BatchView:
    """One acknowledged request, and whether it is in the lake yet."""
    return batches.show(session, batch_id)


@facts.get("/ingest/batches/{batch_id}/rejections", responses=problems(BatchNotFound))
def list_rejections(
    batch_id: str, _: CurrentActor, session: ReadSession, pages: PageQuery
) -> Page[RowRejection]:
    """Every row that was not kept, with the reason."""
    found = batches.rejections(session, batch_id, pages)
    return pages.answer(found.items, found.next)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request's body, and what it says to be."""

    content_type: str
    body: bytes


async def _sent(request: Request) -> Body:
    return Body(content_type=request.headers.get("content-type", ""), body=await _some(request))


async def _some(request: Request) -> bytes:
    if body := await request.body():
        return body
    raise EmptyBatch


Sent = Annotated[Body, Depends(_sent)]


async def _posted(request: Request) -> bytes:
    kind = request.headers.get("content-type", "none")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(f"This address takes application/json, not {excerpt(kind)}.")
    return await _some(request)


Posted = Annotated[bytes, Depends(_posted)]
_CALL_REFUSED = problems(
    EmptyBatch,
    IngestBusy,
    PayloadTooLarge,
    Unavailable,
    UnknownEncoding,
    Unreadable,
    UnsupportedMediaType,
)
_HEARD: dict[str, Any] = {"response_model": EventsReceipt, "responses": _CALL_REFUSED}
_CALL: dict[str, Any] = {**_HEARD, "openapi_extra": call_body()}


@calls.post("/batch", openapi_extra=batch_body(), **_HEARD)
async def batch(posted: Posted, actor: Editor, desk: AtDesk) -> Response:
    """Calls of Segment's HTTP API, up to 5 MiB of at most 32 KiB each, under the key as Basic user name.

    A tracked event is an outcome of its userId, or else anonymousId: its value is `properties.value` or
    `properties.revenue`, its properties are those that are no list or object, and by its messageId it counts
    once. `Experiment Viewed` with `experiment_id`, `variation_id` (the arm) and perhaps `phase` is an
    assignment and an exposure too. Traits of `identify` and `group` (`group.id`, `group.plan` and so on) are
    attributes; `identify` with both ids, and `alias`, say that an id is a unit. Pages and screens are counted
    as ignored. A bad event is rejected alone.
    """
    source = _source_of(actor)

    def read() -> Post:
        events = segment.of_batch(posted, source, now())
        return Post(body=posted, source=source, events=events, clock_skew=segment.skew_of(posted, now()))

    return await _heard(desk, actor, read)


@calls.post("/track", name="track", **_CALL)
@calls.post("/identify", name="identify", **_CALL)
@calls.post("/page", name="page", **_CALL)
@calls.post("/screen", name="screen", **_CALL)
@calls.post("/group", name="group", **_CALL)
@calls.post("/alias", name="alias", **_CALL)
async def call(posted: Posted, actor: Editor, desk: AtDesk, request: Request) -> Response:
    """One call of Segment's HTTP API, as in a batch."""
    source, called = _source_of(actor), segment.Call(request.url.path.rpartition("/")[2])

    def read() -> Post:
        events = segment.of_call(called, posted, source, now())
        return Post(body=posted, source=source, events=events, clock_skew=segment.skew_of(posted, now()))

    return await _heard(desk, actor, read)


@events.post("/events", openapi_extra=cloudevents_body(), **_HEARD)
async def ingest_events(sent: Sent, actor: Editor, desk: AtDesk) -> Response:
    """CloudEvents 1.0 as JSON, one or a batch of up to 4 MiB. By its `source` and `id` an event counts once.

    Its `subject` is the unit, its `type` the event and its `time`, which is needed, the time. Of `data` that
    are a JSON object, a number `value` is the value; what is no list or object is kept as properties.
    """

    def read() -> Post:
        events = cloudevents.read(sent.content_type, sent.body)
        return Post(body=sent.body, source=cloudevents.UNREADABLE_SOURCE, events=events)

    return await _heard(desk, actor, read)


async def _heard(desk: Desk, actor: Actor, read: Callable[[], Post]) -> Response:
    found = await desk.work(lambda: events_found(desk.database, actor, read()))
    if found.post.clock_skew is not None:
        log.warning("sender_clock_skewed", source=found.post.source, seconds=round(found.post.clock_skew))
    return await desk.commit(lambda session: _answered(accept(session, actor, found)))


def _answered(receipt: EventsReceipt) -> Response:
    return Response(receipt.model_dump_json(), media_type="application/json")


def _source_of(actor: CurrentActor) -> str:
    """The team's, not the key's: an event that is sent again under a newer key is the same event."""
    return f"{naming.OF_SEGMENT}{actor.team}"


def _received(receipt: Receipt, instance: str) -> Response:
    headers = {"Location": f"/v1/ingest/batches/{receipt.batch}"}
    if not receipt.accepted:
        return problem(_nothing_kept(receipt), instance, headers)
    return Response(receipt.model_dump_json(), 201, headers, media_type="application/json")


def _nothing_kept(receipt: Receipt) -> NothingKept:
    """The receipt, and each reason once: a thousand rows are mostly wrong in one way."""
    times = Counter((one.field, one.reason) for one in receipt.rejections)
    said = [(field or "row", f"{n:,} × {field or 'row'}: {why}") for (field, why), n in times.most_common(10)]
    told, counted = len(receipt.rejections), joined([text for _, text in said])
    of = f"Of the first {told:,}: " if told < receipt.rejected else ""
    return NothingKept(
        f"No row was kept: all {receipt.rejected:,} were rejected. {of}{counted}",
        errors=[{"field": field, "message": text} for field, text in said],
        **receipt.model_dump(mode="json"),
    )


def _zone(name: str) -> ZoneInfo:
    if name not in _zones():
        message = f"expected an IANA zone such as Europe/Berlin, got {excerpt(name)}"
        raise Invalid(errors=[{"field": "zone", "message": message}])
    return ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
