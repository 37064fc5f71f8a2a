"""How is a source kept? A head with what lists filter on, and every version as the document it was."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base
from service.sources.schemas import Engine


class SourceRow(Base):
    """The latest version's head. The engine never changes."""

    __tablename__ = "sources"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    engine: Mapped[Engine]
    team: Mapped[str] = mapped_column(index=True)
    owner: Mapped[str]
    created_at: Mapped[datetime]


class SourceVersionRow(Base):
    """One version, never changed: a run names it, and its hash."""

    __tablename__ = "source_versions"

    source_id: Mapped[str] = mapped_column(ForeignKey("sources.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    sha256: Mapped[str]
    author: Mapped[str]
    created_at: Mapped[datetime]
