"""What does ingest answer, as it crosses the wire?"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.facts.tables import FactKind

INLINE_REJECTIONS = 1_000


class BatchState(StrEnum):
    ACKNOWLEDGED = "acknowledged"  # kept, and read by the next analysis
    FOLDED = "folded"  # in the lake


class RowRejection(BaseModel):
    """Why one row was not kept."""

    model_config = ConfigDict(frozen=True)

    row: int = Field(
        description="counted from 1: elements, lines of NDJSON, rows of CSV after the header", examples=[17]
    )
    field: str | None = Field(examples=["time"])
    reason: str = Field(examples=["expected ISO 8601 with an offset, such as 2026-03-01T09:30:00+01:00"])


type Notes = Annotated[
    Sequence[str],
    Field(
        description="kept rows that no analysis will use, and why, in sentences",
        examples=[
            ["12 rows assigned before exp_01kq3v5w8x started: left out of its analysis (outside_dates)"]
        ],
    ),
]


class Receipt(BaseModel):
    """The rows accepted are kept, whatever happens after this answer."""

    model_config = ConfigDict(frozen=True)

    batch: str = Field(examples=["bat_01kq3v5w8x9y2z4a6b8c0d1e2f"])
    accepted: int = Field(examples=[9998])
    rejected: int = Field(examples=[2])
    rejections: Sequence[RowRejection] = Field(
        description=f"the first {INLINE_REJECTIONS:,}; all of them at /v1/ingest/batches/{{id}}/rejections"
    )
    notes: Notes


class IgnoredEvents(BaseModel):
    """Events of one type, or single traits of some, of which nothing is kept, and why."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(examples=["page"])
    events: int = Field(examples=[3])
    reason: str = Field(examples=["page views are not kept; send what matters about one as a tracked event"])


class EventsReceipt(BaseModel):
    """The events accepted are kept, whatever happens after this answer."""

    model_config = ConfigDict(frozen=True)

    success: Literal[True] = Field(description="as clients of Segment expect it")
    accepted: int = Field(examples=[98])
    rejected: int = Field(examples=[2])
    rejections: Sequence[RowRejection] = Field(
        description=f"the first {INLINE_REJECTIONS:,}, rows counted from 1; "
        "all of them at /v1/ingest/batches/{id}/rejections"
    )
    ignored: Sequence[IgnoredEvents]
    batches: Sequence[str] = Field(examples=[["bat_01kq3v5w8x9y2z4a6b8c0d1e2f"]])
    clock_skew: float | None = Field(
        description="seconds by which the sender's clock is behind the server's, by `sentAt`; null unless it "
        "is minutes. Times are kept as they were sent."
    )
    notes: Notes


class BatchView(BaseModel):
    """One acknowledged request."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: FactKind
    source: str
    idempotency_key: str | None
    accepted: int
    rejected: int
    notes: Notes
    received_by: str
    team: str
    received_at: datetime
    state: BatchState
    folded_at: datetime | None
