"""What do calls of Segment's HTTP API say? What is tracked is an outcome, some of it an exposure; who is who.

After https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ and as the clients of
Segment and of RudderStack speak it. The header says who sends; a `writeKey` in the body is not read.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import msgspec

from service.facts.ingest.formats import Unreadable
from service.facts.ingest.objects import read_object
from service.facts.ingest.rows import (
    LONGEST_NAME,
    LONGEST_TEXT,
    MOST_PHASES,
    AssignmentRow,
    AttributeRow,
    ExposureRow,
    IdentityRow,
    OutcomeRow,
    Rejection,
    Row,
)
from service.facts.ingest.translation import Ignored, Told, Translated, bounded, flat, number_of
from service.facts.tables import PLAIN, FactKind
from service.kit.errors import PayloadTooLarge, excerpt

# Segment takes 500 KB; RudderStack's clients send up to 4 MiB and the event that went beyond.
BATCH_LIMIT = 5 * 1024 * 1024
EVENT_LIMIT = 32 * 1024
MOST_EVENTS = 10_000
LARGEST_SKEW = 120  # seconds that a request may take on its way
EXPOSURE = "Experiment Viewed"
_GROUP = "group."
_TRAIT = "trait"  # what is counted as ignored, besides calls
_TOO_LONG = f"a trait's name may have {LONGEST_NAME:,} bytes and its text {LONGEST_TEXT:,}"


class Call(StrEnum):
    TRACK = "track"
    IDENTIFY = "identify"
    PAGE = "page"
    SCREEN = "screen"
    GROUP = "group"
    ALIAS = "alias"


_IGNORED: Mapping[Call, str] = MappingProxyType(
    {
        Call.PAGE: "page views are not kept; send what matters about one as a tracked event",
        Call.SCREEN: "screen views are not kept; send what matters about one as a tracked event",
    }
)
_NOTHING_SAID: Mapping[Call, str] = MappingProxyType(
    {
        Call.IDENTIFY: "names no trait, and no two ids of one customer",
        Call.GROUP: "names no group and no trait of one",
        Call.ALIAS: "links a customer's id to itself",
    }
)


class Event(msgspec.Struct, rename="camel", gc=False):
    """What is read of one call; whatever else it says is left alone."""

    type: str | None = None
    message_id: str | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    previous_id: str | int | None = None
    group_id: str | int | None = None
    event: str | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: Any = None

    @property
    def unit(self) -> str:
        return _said(self.user_id) or _said(self.anonymous_id)

    def time(self, otherwise: str) -> str:
        return self.timestamp or self.original_timestamp or self.sent_at or otherwise

    @property
    def told_traits(self) -> dict[str, Any]:
        """RudderStack's clients tell who identifies in the context."""
        inside = self.context.get("traits") if isinstance(self.context, dict) else None
        return self.traits or (inside if isinstance(inside, dict) else {})


def _said(name: str | int | None) -> str:
    return "" if name is None else str(name)


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


class Sent(msgspec.Struct, rename="camel", gc=False):
    sent_at: str | None = None


def skew_of(body: bytes, received_at: datetime) -> float | None:
    """By how many seconds the sender's clock is behind ours, by its `sentAt`; None unless it is minutes.

    Times stay as they were sent: were they moved by when a request came, an event that is sent again would
    have another time, and near midnight another day.
    """
    try:
        sent = msgspec.convert(msgspec.json.decode(body, type=Sent).sent_at, datetime, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    behind = (received_at - sent).total_seconds() if sent.tzinfo else 0.0
    return behind if abs(behind) >= LARGEST_SKEW else None


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
    if called in _IGNORED:
        return Ignored(type=called, reason=_IGNORED[called])
    if called is Call.TRACK:
        return _tracked(number, event, source, time)
    return _told(number, called, event, source, time)


def _told(number: int, called: Call, event: Event, source: str, time: str) -> Translated:
    """Who somebody is."""
    if not event.unit:
        return _nobody(number)
    said = _KNOWN[called](event, event.time(time))
    rows = [(kind, row) for kind, row in said if not _too_long(row)]
    if not rows:
        return Ignored(type=called, reason=_TOO_LONG if said else _NOTHING_SAID[called])
    left_out = [Ignored(type=_TRAIT, reason=_TOO_LONG)] * (len(said) - len(rows))
    return Told(number=number, source=source, rows=rows, left_out=left_out)


def _too_long(row: Row) -> bool:
    """A trait that nobody could keep goes alone: the link beside it says who is who."""
    if not isinstance(row, AttributeRow):
        return False
    text = row.value if isinstance(row.value, str) else ""
    return _size(row.name) > LONGEST_NAME or _size(text) > LONGEST_TEXT


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _nobody(number: int) -> Rejection:
    return Rejection(row=number, field="userId", reason="expected a userId or an anonymousId")


def _identified(event: Event, time: str) -> list[tuple[FactKind, Row]]:
    """Traits of the unit; and where both of its ids are told, that the anonymous one is the unit's too."""
    return [
        *_traits(event, event.told_traits, "", time),
        *_linked(event, _said(event.anonymous_id), time),
    ]


def _grouped(event: Event, time: str) -> list[tuple[FactKind, Row]]:
    """The group and its traits are traits of the unit: `group.id`, `group.plan` and the like."""
    group = _said(event.group_id)
    named = [AttributeRow(unit=event.unit, name=f"{_GROUP}id", value=group, time=time)] if group else []
    return [*((FactKind.ATTRIBUTES, row) for row in named), *_traits(event, event.traits or {}, _GROUP, time)]


def _aliased(event: Event, time: str) -> list[tuple[FactKind, Row]]:
    return _linked(event, _said(event.previous_id), time)


def _linked(event: Event, name: str, time: str) -> list[tuple[FactKind, Row]]:
    """Clients of Segment name their units plainly, so that both ids are plain ones."""
    if not name or name == event.unit:
        return []
    return [(FactKind.IDENTITIES, IdentityRow(unit=event.unit, namespace=PLAIN, id=name, time=time))]


def _traits(event: Event, traits: Mapping[str, Any], prefix: str, time: str) -> list[tuple[FactKind, Row]]:
    """Texts, numbers and truths. Lists, objects and what is empty are left out: no segment asks for them."""
    kept = {
        prefix + name: bounded(value)
        for name, value in traits.items()
        if isinstance(value, str | int | float) and value != ""
    }
    return [
        (FactKind.ATTRIBUTES, AttributeRow(unit=event.unit, name=name, value=value, time=time))
        for name, value in kept.items()
    ]


_KNOWN: Mapping[Call, Callable[[Event, str], list[tuple[FactKind, Row]]]] = MappingProxyType(
    {Call.IDENTIFY: _identified, Call.GROUP: _grouped, Call.ALIAS: _aliased}
)


def _tracked(number: int, event: Event, source: str, time: str) -> Translated:
    properties = event.properties or {}
    if not event.message_id:
        reason = "is missing: by its messageId an event counts once, however often it comes"
        return Rejection(row=number, field="messageId", reason=reason)
    if not event.unit:
        return _nobody(number)
    outcome = OutcomeRow(
        id=event.message_id,
        unit=event.unit,
        event=event.event or "",
        time=event.time(time),
        value=number_of(properties, "value", "revenue"),
        properties=flat(properties),
    )
    rows: list[tuple[FactKind, Row]] = [(FactKind.OUTCOMES, outcome)]
    if event.event == EXPOSURE:
        met = _met(number, outcome, properties)
        if isinstance(met, Rejection):
            return met
        rows += [(FactKind.ASSIGNMENTS, met), (FactKind.EXPOSURES, _exposure(outcome, met))]
    return Told(number=number, source=source, rows=rows)


def _exposure(outcome: OutcomeRow, met: AssignmentRow) -> ExposureRow:
    return ExposureRow(unit=met.unit, experiment=met.experiment, time=met.time, id=outcome.id)


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
