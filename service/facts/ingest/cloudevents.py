"""What do CloudEvents say? Each is an outcome of its subject; by its source and id it counts once.

After https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md, in JSON, one or a batch of them.
"""

import re
from typing import Any

import msgspec

from service.facts.ingest import naming
from service.facts.ingest.formats import Unreadable
from service.facts.ingest.objects import read_object
from service.facts.ingest.rows import LONGEST_UNIT, OutcomeRow, Rejection
from service.facts.ingest.translation import Told, Translated, flat, number_of
from service.facts.tables import FactKind
from service.kit.errors import PayloadTooLarge, UnsupportedMediaType, excerpt

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MOST_EVENTS = 100_000
MOST_SOURCES = 100  # each becomes a batch of its own
UNREADABLE_SOURCE = naming.SHARED
_SOURCE = re.compile(rf"[^\s\x00-\x1f\x7f]{{1,{LONGEST_UNIT}}}")


class Event(msgspec.Struct, gc=False):
    """What is read of an event. Extensions, and data that are not JSON, are left alone."""

    specversion: str = ""
    id: str = ""
    source: str = ""
    type: str = ""
    subject: str | None = None
    time: str | None = None
    data: Any = None


def read(content_type: str, body: bytes) -> list[Translated]:
    """Each event; a bad one is rejected alone."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in {SINGLE, BATCH}:
        raise UnsupportedMediaType(f"Send {SINGLE} or {BATCH}, not {excerpt(media_type or 'nothing')}.")
    texts = [body] if media_type == SINGLE else _listed(body)
    events = [_read(number, text) for number, text in enumerate(texts, start=1)]
    if len({event.source for event in events if isinstance(event, Told)}) > MOST_SOURCES:
        raise PayloadTooLarge(f"A batch may name {MOST_SOURCES} sources.")
    return events


def _listed(body: bytes) -> list[bytes]:
    try:
        events = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"Expected a JSON array of events: {excerpt(error)}.") from error
    if len(events) > MOST_EVENTS:
        raise PayloadTooLarge(f"A batch may have {MOST_EVENTS:,} events.")
    return [bytes(event) for event in events]


def _read(number: int, text: bytes) -> Translated:
    event = read_object(_DECODER, number, text)
    if isinstance(event, Rejection):
        return event
    if event.specversion != "1.0":
        return Rejection(row=number, field="specversion", reason="expected 1.0")
    if not _SOURCE.fullmatch(event.source):
        reason = f"expected a URI reference of at most {LONGEST_UNIT:,} characters"
        return Rejection(row=number, field="source", reason=reason)
    if (reserved := naming.reserved(event.source)) is not None:
        reason = f"{reserved} is, or begins, a name of our own; name another source"
        return Rejection(row=number, field="source", reason=reason)
    if not event.subject:
        return Rejection(row=number, field="subject", reason="is missing: it says whose outcome this is")
    data = event.data if isinstance(event.data, dict) else {}
    outcome = OutcomeRow(
        id=event.id,
        unit=event.subject,
        event=event.type,
        time=event.time or "",
        value=number_of(data, "value"),
        properties=flat(data),
    )
    return Told(number=number, source=event.source, rows=[(FactKind.OUTCOMES, outcome)])


_DECODER = msgspec.json.Decoder(Event)
