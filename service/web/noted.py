"""Which notes stand on a thing's own page?"""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy.orm import Session

from service.kit import paging
from service.knowledge import notes
from service.knowledge.schemas import NoteView
from service.web.rights import may_edit


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """The latest notes on one thing, and whether whoever looks may add one."""

    subject: str
    notes: Sequence[NoteView]
    may_write: bool


def noted(request: Request, session: Session, subject: str) -> Noted:
    found = notes.find(session, paging.Query(limit=50), subject=subject)
    return Noted(subject=subject, notes=found.items, may_write=may_edit(request))
