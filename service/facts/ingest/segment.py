"""What do calls of Segment's HTTP API say? What is tracked is an outcome, some of it an exposure too.

After https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ and as the clients of
Segment and of RudderStack speak it. The header says who sends; a `writeKey` in the body is not read.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import msgspec

from service.facts.ingest.formats import Unreadable, read_object
from service.facts.ingest.rows import MOST_PHASES, AssignmentRow, OutcomeRow, Rejection
from service.facts.ingest.translation import Ignored, Told, Translated, flat, number_of
from service.kit.errors import PayloadTooLarge, excerpt

# Segment takes 500 KB; RudderStack's clients send up to 4 MiB and the event that went beyond.
BATCH_LIMIT = 5 * 1024 * 1024
EVENT_LIMIT = 32 * 1024
MOST_EVENTS = 10_000
EXPOSURE = "Experiment Viewed"


class Call(StrEnum):
    TRACK = "track"
    IDENTIFY = "identify"
    PAGE = "page"
    SCREEN = "screen"
    GROUP = "group"
    ALIAS = "alias"


_IGNORED: Mapping[Call, str] = MappingProxyType(
    {
        Call.IDENTIFY: "traits of units are not kept yet",
        Call.PAGE: "page views are not kept; send what matters about one as a tracked event",
        Call.SCREEN: "screen views are not kept; send what matters about one as a tracked event",
        Call.GROUP: "groups of units are not kept",
        Call.ALIAS: "ids of one customer are not linked yet",
    }
)


class Event(msgspec.Struct, rename="camel", gc=False):
    """What is read of one call; whatever else it says is left alone."""

    type: str | None = None
    message_id: str | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    event: str | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    properties: dict[str, Any] | None = None

    @property
    def unit(self) -> str:
        named = (str(one) for one in (self.user_id, self.anonymous_id) if one not in {None, ""})
        return next(named, "")


class Batch(msgspec.Struct, rename="camel", gc=False):
    batch: list[msgspec.Raw]
    sent_at: str | None = None


def of_batch(body: bytes, source: str, received_at: datetime) -> list[Translated]:
    """Each call of a batch; a bad one is rejected alone."""
    try:
        sent = msgspec.json.decode(body, type=Batch)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"Expected a JSON object with a list `batch`: {excerpt(error)}.") from error
    if len(sent.batch) > MOST_EVENTS:
        raise PayloadTooLarge(f"A batch may have {MOST_EVENTS:,} events.")
    time = sent.sent_at or received_at.isoformat()
    numbered = enumerate(sent.batch, start=1)
    return [_read(number, bytes(text), None, source, time) for number, text in numbered]


def of_call(call: Call, body: bytes, source: str, received_at: datetime) -> list[Translated]:
    """One call, sent to its own address."""
    if len(body) > EVENT_LIMIT:
        raise PayloadTooLarge(f"An event may have {EVENT_LIMIT:,} bytes.")
    return [_read(1, body, call, source, received_at.isoformat())]


def _read(number: int, text: bytes, call: Call | None, source: str, time: str) -> Translated:
    if len(text) > EVENT_LIMIT:
        return Rejection(row=number, field=None, reason=f"an event may have {EVENT_LIMIT:,} bytes")
    event = read_object(_DECODER, number, text)
    if isinstance(event, Rejection):
        return event
    called = call or _CALLS.get(event.type or "")
    if called is None:
        return Rejection(row=number, field="type", reason=f"expected one of {', '.join(Call)}")
    if called is not Call.TRACK:
        return Ignored(type=called, reason=_IGNORED[called])
    return _tracked(number, event, source, time)


def _tracked(number: int, event: Event, source: str, time: str) -> Translated:
    properties = event.properties or {}
    if not event.message_id:
        reason = "is missing: by its messageId an event counts once, however often it comes"
        return Rejection(row=number, field="messageId", reason=reason)
    if not event.unit:
        return Rejection(row=number, field="userId", reason="expected a userId or an anonymousId")
    outcome = OutcomeRow(
        id=event.message_id,
        unit=event.unit,
        event=event.event or "",
        time=event.timestamp or event.original_timestamp or event.sent_at or time,
        value=number_of(properties, "value", "revenue"),
        properties=flat(properties),
    )
    if event.event != EXPOSURE:
        return Told(number=number, source=source, outcome=outcome)
    met = _met(number, outcome, properties)
    if isinstance(met, Rejection):
        return met
    return Told(number=number, source=source, outcome=outcome, assignment=met)


def _met(number: int, outcome: OutcomeRow, properties: Mapping[str, Any]) -> AssignmentRow | Rejection:
    """Which arm the unit met. Numbers are taken for the names that they spell."""
    experiment, arm = _name(properties, "experiment_id"), _name(properties, "variation_id")
    if not experiment or not arm:
        missing = "variation_id" if experiment else "experiment_id"
        reason = f"an event {EXPOSURE} names its experiment_id and its variation_id"
        return Rejection(row=number, field=f"properties.{missing}", reason=reason)
    phase = properties.get("phase")
    if phase is not None and not (type(phase) is int and 1 <= phase <= MOST_PHASES):
        reason = f"expected a phase from 1 to {MOST_PHASES:,}"
        return Rejection(row=number, field="properties.phase", reason=reason)
    return AssignmentRow(unit=outcome.unit, experiment=experiment, arm=arm, time=outcome.time, phase=phase)


def _name(properties: Mapping[str, Any], name: str) -> str:
    value = properties.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


_DECODER = msgspec.json.Decoder(Event)
_CALLS = {str(call): call for call in Call}
