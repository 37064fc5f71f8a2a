"""Which explorations of which experiment were asked for, by whom, and which run found what they found?"""

from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base, JsonDocument


class Exploration(Base):
    """One question to an experiment's units, never changed; its run holds the answer. No evidence, ever."""

    __tablename__ = "explorations"
    __table_args__ = (Index("ix_explorations_experiment_id", "experiment_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"))
    hypothesis_id: Mapped[str | None] = mapped_column(index=True)  # whose CPI and KPI they are, if one's
    cpi: Mapped[str]  # the pinned versions
    kpi: Mapped[str]
    arm: Mapped[str]  # that is compared with the control
    asked: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)  # as it came in
    run_id: Mapped[str] = mapped_column(index=True)
    created_by: Mapped[str]
    created_at: Mapped[datetime]
