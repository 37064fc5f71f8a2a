"""How is an experiment kept? The plan as the document that was hashed, its state, and its phases."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.experiments.schemas import ExperimentState
from service.kit.database import Base


class ExperimentRow(Base):
    """From approval on, plan, hypothesis versions and hash never change."""

    __tablename__ = "experiments"

    id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int]
    state: Mapped[ExperimentState]
    unit_type: Mapped[str] = mapped_column(index=True)
    plan: Mapped[dict[str, Any]]
    hypothesis_versions: Mapped[dict[str, Any]]
    sha256: Mapped[str | None]
    team: Mapped[str] = mapped_column(index=True)
    owner: Mapped[str]
    created_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    concluded_at: Mapped[datetime | None]


class ExperimentTransitionRow(Base):
    """Who took which step, and when."""

    __tablename__ = "experiment_transitions"

    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"), primary_key=True)
    state: Mapped[ExperimentState] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str]


class ExperimentPhaseRow(Base):
    """A stretch of constant weights; the first begins when the experiment starts."""

    __tablename__ = "experiment_phases"

    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    weights: Mapped[dict[str, Any]]
