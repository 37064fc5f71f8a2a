"""How are mechanisms and hypotheses kept? Every registered version beside the one that replaced it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.hypotheses.schemas import HypothesisState
from service.kit.database import Base


class MechanismRow(Base):
    """Free to change until an experiment that uses it starts."""

    __tablename__ = "mechanisms"

    id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int]
    cpi_id: Mapped[str] = mapped_column(ForeignKey("metrics.id"), index=True)
    document: Mapped[dict[str, Any]]
    team: Mapped[str]
    owner: Mapped[str]
    created_at: Mapped[datetime]
    fixed_at: Mapped[datetime | None]


class HypothesisRow(Base):
    """The head: what lists filter on."""

    __tablename__ = "hypotheses"

    id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int]
    version: Mapped[int]
    state: Mapped[HypothesisState]
    cpi_id: Mapped[str] = mapped_column(ForeignKey("metrics.id"), index=True)
    kpi_id: Mapped[str] = mapped_column(ForeignKey("metrics.id"), index=True)
    unit_type: Mapped[str]
    team: Mapped[str] = mapped_column(index=True)
    owner: Mapped[str]
    created_at: Mapped[datetime]
    registered_at: Mapped[datetime | None]
    registered_by: Mapped[str | None]


class HypothesisVersionRow(Base):
    """One version; from the moment that it has a hash it never changes."""

    __tablename__ = "hypothesis_versions"

    hypothesis_id: Mapped[str] = mapped_column(ForeignKey("hypotheses.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    sha256: Mapped[str | None]
    author: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str | None]
