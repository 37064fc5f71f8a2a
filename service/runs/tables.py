"""Which runs are there, and which workers are alive?"""

from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base, JsonDocument
from service.runs.rules import RunKind, RunState, RunType


class Run(Base):
    """One computation and, until it is finished, its place in the queue."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("ix_runs_queue", "state", "available_at", "lease_until"),
        Index("ix_runs_experiment_id", "experiment_id", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[RunKind]
    experiment_id: Mapped[str | None]  # of an analysis
    subject: Mapped[str | None]  # of another kind: the id of what it is about, if it is about one thing
    team: Mapped[str | None]  # who may stop it, where no experiment says so; nobody but admins, if none
    state: Mapped[RunState]
    type: Mapped[RunType]
    as_of: Mapped[datetime]
    stage: Mapped[str | None]
    progress: Mapped[float]
    attempts: Mapped[int]
    available_at: Mapped[datetime]
    lease_owner: Mapped[str | None]
    lease_token: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    error_type: Mapped[str | None]
    error_message: Mapped[str | None] = mapped_column(Text)
    error_trace: Mapped[str | None] = mapped_column(Text)
    result: Mapped[dict[str, JsonValue] | None] = mapped_column(JsonDocument)
    provenance: Mapped[dict[str, JsonValue] | None] = mapped_column(JsonDocument)
    snapshot: Mapped[str | None]
    snapshot_gone_at: Mapped[datetime | None]  # files of it were deleted: the run cannot be made again
    snapshot_erased_at: Mapped[datetime | None]  # units in it were erased: nor can it since then
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class DutyTurn(Base):
    """Who performs a duty, until when, and when it was last done."""

    __tablename__ = "duty_turns"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)  # of the last attempt, if it failed


class WorkerBeat(Base):
    """When each worker last said that it lives; readiness reports the latest."""

    __tablename__ = "worker_beats"

    id: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime] = mapped_column(index=True)
