"""What do we know already, how does the program go, and which question should be asked next?"""

from typing import Annotated

from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from service.access import Editor
from service.access.browsers import require_form_token
from service.kit import paging
from service.kit.errors import Invalid
from service.kit.http import ReadSession, WriteSession
from service.kit.languages import ENGLISH
from service.knowledge import notes
from service.knowledge import program as programs
from service.knowledge import search as searching
from service.knowledge.schemas import Hits, KnowledgeKind, NoteDraft
from service.levers import worth
from service.web.forms import read_form
from service.web.names import named
from service.web.numbers_typed import customers_in
from service.web.rendering import COOKIE, page
from service.web.route import on_this_site, pages

knowledge_pages = pages()
ADDRESSES = {"exp": "/experiments/", "met": "/metrics/", "hyp": "/hypotheses/"}
NEXT_SHOWN = 20
EVERY_CLAIM = 100_000
NOTHING = Hits(found=0, items=())


@knowledge_pages.get("/program")
def program_page(
    request: Request,
    session: ReadSession,
    volume: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """What experiments taught, what the winners add up to once luck is taken off, and what to test next."""
    customers = customers_in(volume)
    asked = worth.Program(volume=customers, increments=1.0, cost_per_unit=0.0)
    found = worth.ranked(session, asked, EVERY_CLAIM)
    open_still = [one for one in found.items if not one.proven]
    return page(
        request,
        "program.html",
        language=ENGLISH,
        program=programs.program(session),
        claims=open_still[:NEXT_SHOWN],
        proven=len(found.items) - len(open_still),
        assumes=found.assumes,
        volume=volume,
        by_money=customers is not None,
    )


@knowledge_pages.get("/knowledge")
def knowledge_page(
    request: Request,
    session: ReadSession,
    q: Annotated[str, Query(max_length=200)] = "",
    kind: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """A search over all that was registered, concluded and noted; the latest notes where none is asked."""
    known = KnowledgeKind(kind) if kind in list(KnowledgeKind) else None
    found = searching.search(session, q, kind=known) if q.strip() else NOTHING
    latest = notes.find(session, paging.Query(limit=20)).items
    return page(
        request,
        "knowledge.html",
        hits=[(hit, _of(hit.subject)) for hit in found.items],
        found=found.found,
        asked={"q": q, "kind": kind},
        kinds=tuple(KnowledgeKind),
        notes=[(one, _of(one.subject)) for one in latest],
        named=named(session, {one.subject for one in latest}),
    )


@knowledge_pages.get("/notes/new")
def new_note(request: Request, _: Editor, subject: Annotated[str, Query(max_length=64)] = "") -> Response:
    return page(request, "note.html", subject=subject, text="", back=_of(subject), problem=None)


@knowledge_pages.post("/notes/new")
def write_note_on_page(
    *,
    request: Request,
    session: WriteSession,
    actor: Editor,
    form_token: Annotated[str, Form(max_length=200)] = "",
    subject: Annotated[str, Form(max_length=200)] = "",
    text: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Keep it and go back to what it is about; what was typed stays where it is refused."""
    require_form_token(request.cookies.get(COOKIE, ""), form_token)
    try:
        notes.write(session, actor, read_form(NoteDraft, {"subject": subject, "text": text}))
    except Invalid as refused:
        session.rollback()
        back = _of(subject)
        return page(request, "note.html", status=422, subject=subject, text=text, back=back, problem=refused)
    return RedirectResponse(on_this_site(_of(subject)), status_code=303)


@knowledge_pages.post("/notes/{note_id}/take-back")
def take_back_on_page(
    *,
    note_id: str,
    request: Request,
    session: WriteSession,
    actor: Editor,
    form_token: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    require_form_token(request.cookies.get(COOKIE, ""), form_token)
    gone = notes.take_back(session, actor, note_id)
    return RedirectResponse(_of(gone.subject), status_code=303)


def _of(subject: str) -> str:
    """Where a thing is shown; a hypothesis' address sends on to its lever once it is registered."""
    prefix = subject.partition("_")[0]
    return f"{ADDRESSES[prefix]}{subject}" if prefix in ADDRESSES else "/knowledge"
