"""The doors to what is known: notes, a search, and how the program goes."""

from typing import Annotated

from fastapi import Query, Response, status

from service.access import CurrentActor, Editor
from service.kit.http import Page, PageQuery, ReadSession, WriteSession, router
from service.kit.problems import problems
from service.knowledge import notes as kept
from service.knowledge import program as goings
from service.knowledge import search as finding
from service.knowledge.notes import NoteNotFound, NoteRefused
from service.knowledge.schemas import Hits, KnowledgeKind, NoteDraft, NoteView, Program

notes = router("/v1/notes", ["knowledge"])
knowledge = router("/v1/search", ["knowledge"])
program = router("/v1/program", ["knowledge"])


@notes.post("", status_code=status.HTTP_201_CREATED, responses=problems(NoteRefused))
def write_note(draft: NoteDraft, session: WriteSession, actor: Editor, response: Response) -> NoteView:
    """Write down what was learnt about a metric, a mechanism, a hypothesis or an experiment."""
    note = kept.write(session, actor, draft)
    response.headers["Location"] = f"/v1/notes/{note.id}"
    return note


@notes.get("")
def list_notes(
    session: ReadSession,
    _: CurrentActor,
    pages: PageQuery,
    subject: Annotated[str | None, Query(max_length=64)] = None,
) -> Page[NoteView]:
    """The newest first."""
    found = kept.find(session, pages, subject=subject)
    return pages.answer(found.items, found.next)


@notes.get("/{note_id}", responses=problems(NoteNotFound))
def get_note(note_id: str, session: ReadSession, _: CurrentActor) -> NoteView:
    return kept.get(session, note_id)


@notes.delete("/{note_id}", responses=problems(NoteNotFound))
def take_back_note(note_id: str, session: WriteSession, actor: Editor) -> NoteView:
    """Delete a note for good; its author may, and an admin."""
    return kept.take_back(session, actor, note_id)


@knowledge.get("")
def search_knowledge(
    *,
    session: ReadSession,
    _: CurrentActor,
    q: Annotated[str, Query(min_length=1, max_length=200, description="Words; each has to be there.")],
    kind: KnowledgeKind | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Hits:
    """Hypotheses, results, experiments, metrics, mechanisms and notes with every word, best first."""
    return finding.search(session, q, kind=kind, limit=limit)


@program.get("")
def get_program(session: ReadSession, _: CurrentActor) -> Program:
    """Experiments run, how many of them answered, and what the winners add up to once luck is taken off."""
    return goings.program(session)
