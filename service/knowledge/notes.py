"""Who learnt what about which thing? Written once; taken back only by who wrote it, or an admin."""

import re
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Session

from service.access import Actor, Role
from service.experiments.tables import ExperimentRow
from service.hypotheses.tables import HypothesisRow, MechanismRow
from service.kit.clock import now
from service.kit.errors import Forbidden, Invalid, NotFound, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, matching, page
from service.knowledge.schemas import NoteDraft, NoteView
from service.knowledge.tables import NoteRow
from service.metrics.tables import MetricRow

SUBJECTS: Mapping[str, type[DeclarativeBase]] = {
    "met": MetricRow,
    "mec": MechanismRow,
    "hyp": HypothesisRow,
    "exp": ExperimentRow,
}
_PREFIX = re.compile(r"[a-z]+(?=_)")


class NoteNotFound(NotFound):
    slug, title = "note-not-found", "There is no such note"


class NoteRefused(Invalid):
    slug, title = "note-refused", "The note is about nothing that is here"


def write(session: Session, actor: Actor, draft: NoteDraft) -> NoteView:
    """Keep a note; everybody who may change something may write about anything."""
    _require_subject(session, draft.subject)
    row = NoteRow(
        id=new_id("not"),
        subject=draft.subject,
        text=draft.text,
        team=actor.team,
        author=actor.owner,
        at=now(),
    )
    session.add(row)
    session.flush()
    return NoteView.of(row)


def get(session: Session, note_id: str) -> NoteView:
    return NoteView.of(_row(session, note_id))


def find(session: Session, query: Query, *, subject: str | None = None) -> Found[NoteView]:
    """The newest first."""
    statement = matching(select(NoteRow), (NoteRow.subject, subject))
    found = page(session, statement, NoteRow.id, query, newest_first=True)
    return Found(items=[NoteView.of(row) for row in found.items], next=found.next)


def take_back(session: Session, actor: Actor, note_id: str) -> NoteView:
    """Delete a note for good: what names a person may have to go."""
    row = _row(session, note_id)
    if actor.owner != row.author and actor.role is not Role.admin:
        raise Forbidden(f"This was written by {row.author}; only they, or an admin, take it back.")
    gone = NoteView.of(row)
    session.delete(row)
    session.flush()
    return gone


def _require_subject(session: Session, subject: str) -> None:
    prefix = _PREFIX.match(subject)
    table = SUBJECTS.get(prefix[0]) if prefix else None
    if table is None or session.get(table, subject) is None:
        raise NoteRefused(
            errors=[
                {
                    "field": "subject",
                    "rule": "known_subject",
                    "message": f"There is no metric, mechanism, hypothesis or experiment {excerpt(subject)}.",
                    "how": "Name the id of one that is registered here.",
                }
            ]
        )


def _row(session: Session, note_id: str) -> NoteRow:
    row = session.get(NoteRow, note_id)
    if row is None:
        raise NoteNotFound(f"There is no note {excerpt(note_id)}.")
    return row
