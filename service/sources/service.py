"""How are sources registered, changed, found, and pinned for those who read them?"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.access.rules import Actor, require_team
from service.kit.canonical import canonical_json, sha256_hex
from service.kit.clock import now
from service.kit.errors import Invalid, NotFound, check_version, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, matching, page
from service.sources import rules
from service.sources.schemas import Engine, Source, SourceDraft
from service.sources.tables import SourceRow, SourceVersionRow


class SourceRefused(Invalid):
    slug, title = "source-refused", "The source breaks a rule"


class SourceNotFound(NotFound):
    slug, title = "source-not-found", "There is no such source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    engine: Engine | None = None
    team: str | None = None


def create(session: Session, actor: Actor, draft: SourceDraft) -> Source:
    _judge(draft)
    head = SourceRow(
        id=new_id("src"),
        version=0,
        engine=draft.engine,
        team=actor.team,
        owner=actor.owner,
        created_at=now(),
    )
    session.add(head)
    return _write_version(session, actor, head, draft)


def get(session: Session, source_id: str, version: int | None = None) -> Source:
    """The latest version, or the one asked for."""
    head = session.get(SourceRow, source_id)
    if head is None:
        raise SourceNotFound(f"There is no source {excerpt(source_id)}.")
    row = session.get(SourceVersionRow, (head.id, version or head.version))
    if row is None:
        raise SourceNotFound(f"Source {head.id} has no version {version}; the latest is {head.version}.")
    return _as_source(head, row)


def look_up(session: Session, source_id: str, version: int | None = None) -> Source | None:
    """The same for a reference inside a document, which its reader refuses in its own words."""
    try:
        return get(session, source_id, version)
    except SourceNotFound:
        return None


def versions(session: Session, source_id: str) -> Sequence[Source]:
    """Oldest first."""
    latest = get(session, source_id)
    return [get(session, source_id, version) for version in range(1, latest.version + 1)]


def find(session: Session, wanted: Filter, query: Query) -> Found[Source]:
    statement = matching(select(SourceRow), (SourceRow.engine, wanted.engine), (SourceRow.team, wanted.team))
    found = page(session, statement, SourceRow.id, query)
    return Found(items=[get(session, head.id) for head in found.items], next=found.next)


def replace(session: Session, actor: Actor, source_id: str, expected: int, draft: SourceDraft) -> Source:
    """A new version; plans keep the one that they pinned. Nothing new, no new version."""
    head = session.get(SourceRow, source_id, with_for_update=True)
    if head is None:
        raise SourceNotFound(f"There is no source {excerpt(source_id)}.")
    require_team(actor, head.team)
    check_version(current=head.version, expected=expected)
    _judge(draft)
    if draft.engine is not head.engine:
        raise SourceRefused(
            errors=[
                {
                    "field": "connection.engine",
                    "rule": "engine_stays",
                    "message": f"The source is of {head.engine}, not of {draft.engine}.",
                    "how": "Register another source.",
                }
            ]
        )
    if _document(draft) == session.get_one(SourceVersionRow, (head.id, head.version)).document:
        return get(session, head.id)
    return _write_version(session, actor, head, draft)


def unregistered(draft: SourceDraft, team: str) -> Source:
    """A source that is read once and kept nowhere; SourceRefused where it could not be registered."""
    _judge(draft)
    moment = now()
    return Source(
        **{name: getattr(draft, name) for name in SourceDraft.model_fields},
        id="unregistered",
        version=1,
        sha256=sha256_hex(canonical_json(_document(draft))),
        team=team,
        owner=team,
        author=team,
        created_at=moment,
        updated_at=moment,
    )


def _judge(draft: SourceDraft) -> None:
    if broken := rules.refusals(draft):
        raise SourceRefused(errors=broken)


def _document(draft: SourceDraft) -> dict[str, object]:
    return draft.model_dump(mode="json")


def _write_version(session: Session, actor: Actor, head: SourceRow, draft: SourceDraft) -> Source:
    head.version += 1
    session.flush()
    document = _document(draft)
    row = SourceVersionRow(
        source_id=head.id,
        version=head.version,
        document=document,
        sha256=sha256_hex(canonical_json(document)),
        author=actor.owner,
        created_at=now(),
    )
    session.add(row)
    session.flush()
    return _as_source(head, row)


def _as_source(head: SourceRow, row: SourceVersionRow) -> Source:
    draft = SourceDraft.model_validate(row.document)
    return Source(
        **{name: getattr(draft, name) for name in SourceDraft.model_fields},
        id=head.id,
        version=row.version,
        sha256=row.sha256,
        team=head.team,
        owner=head.owner,
        author=row.author,
        created_at=head.created_at,
        updated_at=row.created_at,
    )
