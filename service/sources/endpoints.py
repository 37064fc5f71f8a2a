"""How are sources reached over HTTP?"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query, Response

from service.access import CurrentActor, Editor
from service.kit.errors import PreconditionFailed, PreconditionRequired
from service.kit.http import IfMatch, Page, PageQuery, ReadSession, WriteSession, etag, router
from service.kit.problems import problems
from service.sources import service
from service.sources.schemas import Engine, Source, SourceDraft
from service.sources.service import Filter, SourceNotFound, SourceRefused

sources = router("/v1/sources", ["sources"])

_MISSING = problems(SourceNotFound)
_CHANGING = problems(SourceNotFound, SourceRefused, PreconditionRequired, PreconditionFailed)


@sources.post("", status_code=201, responses=problems(SourceRefused))
def register_source(draft: SourceDraft, actor: Editor, session: WriteSession, response: Response) -> Source:
    """Describe a warehouse. Secrets are named, by environment variable or file, and never sent here."""
    source = service.create(session, actor, draft)
    response.headers["Location"] = f"/v1/sources/{source.id}"
    return _tagged(response, source)


@sources.get("")
def list_sources(
    *,
    _: CurrentActor,
    session: ReadSession,
    pages: PageQuery,
    engine: Engine | None = None,
    team: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[Source]:
    """The latest version of each source, oldest source first; the managed lake is always there besides."""
    found = service.find(session, Filter(engine=engine, team=team), pages)
    return pages.answer(found.items, found.next)


@sources.get("/{source_id}", responses=_MISSING)
def get_source(source_id: str, _: CurrentActor, session: ReadSession, response: Response) -> Source:
    """The latest version."""
    return _tagged(response, service.get(session, source_id))


@sources.get("/{source_id}/versions", responses=_MISSING)
def list_source_versions(source_id: str, _: CurrentActor, session: ReadSession) -> Sequence[Source]:
    """Every version, oldest first."""
    return service.versions(session, source_id)


@sources.get("/{source_id}/versions/{version}", responses=_MISSING)
def get_source_version(
    source_id: str,
    version: Annotated[int, Path(ge=1, le=2**31 - 1)],
    _: CurrentActor,
    session: ReadSession,
) -> Source:
    """One version, as a plan pinned it and a run read it."""
    return service.get(session, source_id, version)


@sources.put("/{source_id}", responses=_CHANGING)
def replace_source(
    *,
    source_id: str,
    draft: SourceDraft,
    expected: IfMatch,
    actor: Editor,
    session: WriteSession,
    response: Response,
) -> Source:
    """Make a new version. Plans keep the version that they pinned."""
    return _tagged(response, service.replace(session, actor, source_id, expected, draft))


def _tagged(response: Response, source: Source) -> Source:
    response.headers["ETag"] = etag(source.version)
    return source
