"""What has each experiment said about each hypothesis, and what was concluded from it, when?"""

from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from service.evidence.documents import VerdictState
from service.kit.database import Base, JsonDocument


class Evidence(Base):
    """What one final run says about one hypothesis; the latest of an experiment counts, all are kept."""

    __tablename__ = "evidence"
    __table_args__ = (
        Index("ix_evidence_hypothesis_id", "hypothesis_id", "experiment_id", "id"),
        Index("uq_evidence_run_id", "run_id", "hypothesis_id", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    hypothesis_id: Mapped[str]
    experiment_id: Mapped[str]
    run_id: Mapped[str]
    named: Mapped[bool]  # whether the experiment's plan names the hypothesis
    cpi: Mapped[str]  # the pinned versions that were measured
    kpi: Mapped[str]
    contrasts: Mapped[dict[str, JsonValue] | None] = mapped_column(JsonDocument)
    not_estimable: Mapped[dict[str, JsonValue] | None] = mapped_column(JsonDocument)
    unmeasured: Mapped[list[JsonValue]] = mapped_column(JsonDocument)  # rivals
    plan_hash: Mapped[str]
    fingerprint: Mapped[str]
    as_of: Mapped[datetime]
    created_at: Mapped[datetime]


class Verdict(Base):
    """One conclusion, never changed: a later one stands beside it."""

    __tablename__ = "verdicts"
    __table_args__ = (Index("ix_verdicts_hypothesis_id", "hypothesis_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    hypothesis_id: Mapped[str]
    state: Mapped[VerdictState]
    label: Mapped[str | None]
    relationship: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)
    verdict: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)
    rule: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)  # as registered or amended
    hypothesis_version: Mapped[int]
    hypothesis_hash: Mapped[str]
    experiments: Mapped[list[JsonValue]] = mapped_column(JsonDocument)  # id and counting run of each
    missing: Mapped[list[JsonValue]] = mapped_column(JsonDocument)  # experiments that never reported
    run_id: Mapped[str]  # the run whose evidence led to this verdict
    created_at: Mapped[datetime]


class PublishedEffect(Base):
    """What a final run found an arm to do to a metric: what a later experiment may believe beforehand."""

    __tablename__ = "published_effects"
    __table_args__ = (Index("ix_published_effects_metric", "metric", "experiment_id"),)

    run_id: Mapped[str] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)  # the pinned version
    arm: Mapped[str] = mapped_column(primary_key=True)
    experiment_id: Mapped[str]
    position: Mapped[int]  # among the treatments of the plan
    placebo: Mapped[bool]
    estimate: Mapped[float]
    std_error: Mapped[float]
    created_at: Mapped[datetime]


class TakenLook(Base):
    """A planned look that was taken: alpha is spent once, whatever later runs see."""

    __tablename__ = "taken_looks"

    experiment_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fraction: Mapped[float]  # of the planned size
    run_id: Mapped[str]
    created_at: Mapped[datetime]
