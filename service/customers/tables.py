"""How is a question about one unit kept? For minutes, with its answer; who asked is kept for good."""

from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from service.customers.rules import Asked
from service.kit.database import Base, JsonDocument


class UnitQuestion(Base):
    """What is asked of a unit, and what a worker found: gone after minutes, and with the unit's erasure."""

    __tablename__ = "unit_questions"
    __table_args__ = (Index("ix_unit_questions_unit_sha256", "unit_sha256", "asked_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str]
    unit_sha256: Mapped[str]
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answer: Mapped[dict[str, JsonValue] | None] = mapped_column(JsonDocument)


class UnitReading(Base):
    """Who looked at what of which unit, and when: kept for good, the unit by the SHA-256 of its id alone."""

    __tablename__ = "unit_readings"
    __table_args__ = (Index("ix_unit_readings_unit_sha256", "unit_sha256", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    unit_sha256: Mapped[str]
    what: Mapped[Asked]
    by: Mapped[str]
    team: Mapped[str]
    key_id: Mapped[str]
    at: Mapped[datetime]
