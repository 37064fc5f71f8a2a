"""Which questions were asked of unrandomised data, and what did each run find?"""

from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base, JsonDocument
from service.studies.schemas import Design


class Study(Base):
    """One question, never changed."""

    __tablename__ = "studies"
    __table_args__ = (Index("ix_studies_hypothesis_id", "hypothesis_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    design: Mapped[Design]
    hypothesis_id: Mapped[str | None] = mapped_column(ForeignKey("hypotheses.id"))
    cpi: Mapped[str]  # the pinned versions that are measured
    kpi: Mapped[str]
    document: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)
    sha256: Mapped[str]
    team: Mapped[str] = mapped_column(index=True)
    owner: Mapped[str]
    created_at: Mapped[datetime]


class StudyResult(Base):
    """What one run found; the latest is shown, all are kept."""

    __tablename__ = "study_results"
    __table_args__ = (Index("ix_study_results_study_id", "study_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"))
    run_id: Mapped[str] = mapped_column(unique=True)
    rung: Mapped[int]
    document: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)
    fingerprint: Mapped[str]
    as_of: Mapped[datetime]
    created_at: Mapped[datetime]
