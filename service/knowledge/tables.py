"""How is a note kept? As it was written, beside the thing that it is about."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base


class NoteRow(Base):
    """What somebody learnt about a metric, a mechanism, a hypothesis or an experiment; never changed."""

    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_subject", "subject", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str]
    text: Mapped[str]
    team: Mapped[str]
    author: Mapped[str]
    at: Mapped[datetime]
