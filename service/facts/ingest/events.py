"""How is a request with events of another tool acknowledged? As inbox batches, one a source and kind."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from sqlalchemy.orm import Session

from service.access.rules import Actor
from service.facts.ingest import naming
from service.facts.ingest.checks import checked
from service.facts.ingest.formats import EmptyBatch
from service.facts.ingest.kernels import kernels
from service.facts.ingest.objects import tabled
from service.facts.ingest.parts import part_of
from service.facts.ingest.rows import Parsed, Rejection
from service.facts.ingest.schemas import (
    INLINE_REJECTIONS,
    EventsReceipt,
    IgnoredEvents,
    Receipt,
    RowRejection,
)
from service.facts.ingest.service import Origin, keep, reading_for
from service.facts.ingest.sieve import Checked, Reading
from service.facts.ingest.translation import Ignored, Told, Translated
from service.facts.tables import FactKind
from service.kit.database import Database

type Kept = Mapping[FactKind, Checked]

# Outcomes first: an exposure is asked for its experiment only where what happened holds.
_IN_TURN = (
    FactKind.OUTCOMES,
    FactKind.ASSIGNMENTS,
    FactKind.EXPOSURES,
    FactKind.ATTRIBUTES,
    FactKind.IDENTITIES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One request's events, and the source under which those are kept that could not be read."""

    body: bytes
    source: str
    events: Sequence[Translated]
    clock_skew: float | None = None  # seconds that the sender's clock is behind ours, if that is minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a post's events say, checked, by their source."""

    post: Post
    by_source: Mapping[str, Kept]

    @property
    def rejections(self) -> list[Rejection]:
        every = (
            one for kinds in self.by_source.values() for kept in kinds.values() for one in kept.rejections
        )
        return sorted(every, key=lambda rejection: rejection.row)


def found(database: Database, actor: Actor, post: Post) -> Found:
    """An event that is an outcome and an exposure is kept as both, or not at all."""
    if not post.events:
        raise EmptyBatch
    with database.read() as session:
        foreign = naming.foreign(session, actor, {one.source for one in post.events if isinstance(one, Told)})
    post = replace(post, events=[_refused_if(event, foreign) for event in post.events])
    reading = reading_for(database, actor)
    return Found(
        post=post, by_source={source: _checked(reading, told) for source, told in _by_source(post).items()}
    )


def _refused_if(event: Translated, foreign: Mapping[str, str]) -> Translated:
    if not isinstance(event, Told) or event.source not in foreign:
        return event
    reason = f"is the team {foreign[event.source]}'s; name another source"
    return Rejection(row=event.number, field="source", reason=reason)


def accept(session: Session, actor: Actor, kept: Found) -> EventsReceipt:
    """Keep the good events."""
    rejections = kept.rejections
    for source in kept.by_source:
        naming.require_own(session, actor, source)
    receipts = _receipts(session, actor, kept)
    return EventsReceipt(
        success=True,
        accepted=sum(isinstance(event, Told) for event in kept.post.events) - _refused(kept.post, rejections),
        rejected=len(rejections),
        rejections=[
            RowRejection(row=one.row, field=one.field, reason=one.reason)
            for one in rejections[:INLINE_REJECTIONS]
        ],
        ignored=_ignored(kept.post.events),
        batches=[one.batch for one in receipts],
        clock_skew=kept.post.clock_skew,
        notes=[note for one in receipts for note in one.notes],
    )


def _refused(post: Post, rejections: Sequence[Rejection]) -> int:
    """Of the events that could be read, those that were rejected after all."""
    return len(rejections) - sum(isinstance(event, Rejection) for event in post.events)


def _by_source(post: Post) -> dict[str, list[Told | Rejection]]:
    """What is kept or rejected; whatever could not be read counts as the request's own source's."""
    found: defaultdict[str, list[Told | Rejection]] = defaultdict(list)
    for event in post.events:
        if not isinstance(event, Ignored):
            found[event.source if isinstance(event, Told) else post.source].append(event)
    return dict(found)


def _checked(reading: Reading, events: Sequence[Told | Rejection]) -> Kept:
    """Kind by kind: what is rejected in one is not looked at in the next, and goes from those before."""
    told = [event for event in events if isinstance(event, Told)]
    unreadable: list[Rejection] = [event for event in events if isinstance(event, Rejection)]
    found: dict[FactKind, Checked] = {}
    for kind in _IN_TURN:
        rows = [(one.number, row) for one in told for its_kind, row in one.rows if its_kind is kind]
        parsed = Parsed(columns=tabled(kind, rows), unreadable=unreadable)
        found[kind] = _first_of_each_event(checked(kind, parsed, reading))
        told, unreadable = _without(told, found[kind].rejections), []
    stays = pa.array([one.number for one in told], pa.int64())
    return {kind: _of_these(kept, stays) for kind, kept in found.items()}


def _first_of_each_event(found: Checked) -> Checked:
    """An event may have several rows of a kind, and several faults."""
    first = {rejection.row: rejection for rejection in reversed(found.rejections)}
    return replace(found, rejections=sorted(first.values(), key=lambda one: one.row))


def _of_these(found: Checked, numbers: pa.Array) -> Checked:
    stays = kernels().is_in(found.numbers, value_set=numbers)
    return replace(found, rows=found.rows.filter(stays), numbers=found.numbers.filter(stays))


def _without(told: Sequence[Told], rejections: Sequence[Rejection]) -> list[Told]:
    rejected = {rejection.row for rejection in rejections}
    return [one for one in told if one.number not in rejected]


def _receipts(session: Session, actor: Actor, kept: Found) -> list[Receipt]:
    digest = hashlib.sha256(kept.post.body).hexdigest()
    return [
        keep(session, Origin(kind=kind, source=source, digest=digest, actor=actor), [part_of(found)])
        for source, kinds in kept.by_source.items()
        for kind, found in kinds.items()
        if found.rows.num_rows or found.rejections
    ]


def _ignored(events: Sequence[Translated]) -> list[IgnoredEvents]:
    ignored = [event for event in events if isinstance(event, Ignored)]
    ignored += [part for event in events if isinstance(event, Told) for part in event.left_out]
    counted = Counter((one.type, one.reason) for one in ignored)
    return [
        IgnoredEvents(type=kind, events=events, reason=reason)
        for (kind, reason), events in sorted(counted.items())
    ]
