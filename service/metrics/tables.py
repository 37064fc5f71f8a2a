"""How is a metric kept? A head with what lists filter on, and every version as the document it was."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base
from service.metrics.customer import MetricState
from service.metrics.schemas import MetricKind


class MetricRow(Base):
    """The latest version's head. Kind and unit type never change."""

    __tablename__ = "metrics"

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    kind: Mapped[MetricKind]
    unit_type: Mapped[str] = mapped_column(index=True)
    state: Mapped[MetricState | None]
    team: Mapped[str] = mapped_column(index=True)
    owner: Mapped[str]
    created_at: Mapped[datetime]


class MetricVersionRow(Base):
    """One version, never changed."""

    __tablename__ = "metric_versions"

    metric_id: Mapped[str] = mapped_column(ForeignKey("metrics.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    author: Mapped[str]
    created_at: Mapped[datetime]
