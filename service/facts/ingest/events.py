"""How is a request with events of another tool acknowledged? As inbox batches, one a source and kind."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from sqlalchemy.orm import Session

from service.access.rules import Actor
from service.facts.ingest.checks import Checked, Reading, checked
from service.facts.ingest.formats import EmptyBatch, tabled
from service.facts.ingest.rows import Parsed, Rejection
from service.facts.ingest.schemas import INLINE_REJECTIONS, EventsReceipt, IgnoredEvents, RowRejection
from service.facts.ingest.service import Origin, keep, reading_for
from service.facts.ingest.translation import Ignored, Told, Translated
from service.facts.tables import FactKind

type Kept = Mapping[FactKind, Checked]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One request's events, and the source under which those are kept that could not be read."""

    body: bytes
    source: str
    events: Sequence[Translated]


def accept(session: Session, actor: Actor, post: Post) -> EventsReceipt:
    """Keep the good events; one that is an outcome and an exposure is kept as both, or not at all."""
    if not post.events:
        raise EmptyBatch
    found = {source: _checked(session, actor, told) for source, told in _by_source(post).items()}
    return EventsReceipt(
        success=True,
        accepted=sum(kept[FactKind.OUTCOMES].rows.num_rows for kept in found.values()),
        rejected=len(rejections := _rejections(found)),
        rejections=[
            RowRejection(row=one.row, field=one.field, reason=one.reason)
            for one in rejections[:INLINE_REJECTIONS]
        ],
        ignored=_ignored(post.events),
        batches=_batches(session, actor, post, found),
    )


def _by_source(post: Post) -> dict[str, list[Told | Rejection]]:
    """What is kept or rejected; whatever could not be read counts as the request's own source's."""
    found: defaultdict[str, list[Told | Rejection]] = defaultdict(list)
    for event in post.events:
        if not isinstance(event, Ignored):
            found[event.source if isinstance(event, Told) else post.source].append(event)
    return dict(found)


def _checked(session: Session, actor: Actor, events: Sequence[Told | Rejection]) -> Kept:
    """The outcomes first: an exposure is asked for its arm only where its outcome holds."""
    told = [event for event in events if isinstance(event, Told)]
    unreadable = [event for event in events if isinstance(event, Rejection)]
    happened = tabled(FactKind.OUTCOMES, [(one.number, one.outcome) for one in told])
    outcomes = checked(FactKind.OUTCOMES, Parsed(columns=happened, unreadable=unreadable), Reading())
    told = _without(told, outcomes.rejections)
    met = [(one.number, one.assignment) for one in told if one.assignment is not None]
    exposures = Parsed(columns=tabled(FactKind.ASSIGNMENTS, met))
    assignments = checked(FactKind.ASSIGNMENTS, exposures, reading_for(session, actor))
    strangers = {rejection.row for rejection in assignments.rejections}
    stays = pa.array([one.number not in strangers for one in told], pa.bool_())
    return {
        FactKind.OUTCOMES: replace(outcomes, rows=outcomes.rows.filter(stays)),
        FactKind.ASSIGNMENTS: assignments,
    }


def _without(told: Sequence[Told], rejections: Sequence[Rejection]) -> list[Told]:
    rejected = {rejection.row for rejection in rejections}
    return [one for one in told if one.number not in rejected]


def _batches(session: Session, actor: Actor, post: Post, found: Mapping[str, Kept]) -> list[str]:
    digest = hashlib.sha256(post.body).hexdigest()
    return [
        keep(session, actor, kind, Origin(source=source, digest=digest), kept).id
        for source, kinds in found.items()
        for kind, kept in kinds.items()
        if kept.rows.num_rows or kept.rejections
    ]


def _rejections(found: Mapping[str, Kept]) -> list[Rejection]:
    every = (one for kinds in found.values() for kept in kinds.values() for one in kept.rejections)
    return sorted(every, key=lambda rejection: rejection.row)


def _ignored(events: Sequence[Translated]) -> list[IgnoredEvents]:
    counted = Counter((event.type, event.reason) for event in events if isinstance(event, Ignored))
    return [
        IgnoredEvents(type=kind, events=events, reason=reason)
        for (kind, reason), events in sorted(counted.items())
    ]
