"""What do runs look like on the wire?"""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic.config import JsonDict

from service.runs.rules import RunKind, RunState, RunType
from service.runs.tables import Run

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _between(moment: datetime) -> datetime:
    """In UTC, within years that every store and engine can hold."""
    first, last = FIRST.replace(tzinfo=moment.tzinfo), LAST.replace(tzinfo=moment.tzinfo)
    if not first <= moment < last:
        raise ValueError("expected a time from 1970 to 2199")
    return moment.astimezone(UTC)


def _text(value: object) -> object:
    """A number could be seconds or milliseconds: only text says which moment is meant."""
    if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()):
        raise ValueError("expected ISO 8601 text with an offset, got a number")
    return value


type Moment = Annotated[AwareDatetime, BeforeValidator(_text), AfterValidator(_between)]


class RunRequest(BaseModel):
    """An analysis to be made; everything has a default that suits a planned one."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{}, {"as_of": "2026-11-20T09:00:00Z", "type": "exploratory"}]},
    )

    as_of: Moment | None = Field(
        default=None,
        description="Units whose window closed by then are analysed; now, if not given. Never in the future.",
    )
    type: RunType | None = Field(
        default=None,
        description="Final once the experiment has stopped, else interim, if not given. Asking for final "
        "before the experiment has stopped is refused; an exploratory run never enters a verdict.",
    )


class RunError(BaseModel):
    """Why the latest failed attempt failed; kept even if a later attempt succeeded."""

    model_config = ConfigDict(frozen=True)

    type: str
    message: str


class RunSummary(BaseModel):
    """A run without its results, as lists show it."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: RunKind
    experiment_id: str | None = Field(description="Of an analysis.")
    subject: str | None = Field(
        description="The id of what it is about, an experiment or a source, if it is about one thing."
    )
    state: RunState
    type: RunType = Field(
        description="Until it has ended, what was asked for: a final run that finds the planned size missed "
        "or windows open ends as interim, and its result says why (`why_not_final`)."
    )
    as_of: datetime
    stage: str | None = Field(description="What is being done now, while the run is running.")
    progress: float = Field(ge=0, le=1)
    attempts: int
    error: RunError | None
    heartbeat_at: datetime | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, run: Run) -> Self:
        """What a row shows of itself: whatever the fields here name, and the kept error."""
        error = (
            None if run.error_type is None else RunError(type=run.error_type, message=run.error_message or "")
        )
        fields = {name: getattr(run, name) for name in cls.model_fields if name != "error"}
        about = run.experiment_id or run.subject
        return cls.model_validate({**fields, "subject": about, "error": error})


EXAMPLE: JsonDict = {
    "id": "run_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "kind": "analysis",
    "experiment_id": "exp_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "subject": "exp_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "state": "succeeded",
    "type": "final",
    "as_of": "2026-11-20T09:00:00Z",
    "stage": "judging",
    "progress": 1.0,
    "attempts": 2,
    "error": {"type": "time_limit", "message": "The run took longer than 1:00:00 and was stopped."},
    "heartbeat_at": "2026-11-20T10:00:10Z",
    "created_by": "ada@example.com",
    "created_at": "2026-11-20T09:00:00Z",
    "started_at": "2026-11-20T09:00:01Z",
    "finished_at": "2026-11-20T10:00:12Z",
    "result": {"arms": [{"experiment": "exp_01kq3v5w8x9y2z4a6b8c0d1e2f", "arm": "control", "n": 50112}]},
    "provenance": {"method": "rule E", "plan_hash": "6f1c…", "fingerprint": "93ab…"},
    "snapshot": '{"fold": 12}',
    "snapshot_gone_at": "2027-02-20T09:00:00Z",
    "snapshot_erased_at": "2027-01-20T09:00:00Z",
}


class RunView(RunSummary):
    """A run with all that it found, and what it was made of."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    result: dict[str, JsonValue] | None
    provenance: dict[str, JsonValue] | None
    snapshot: str | None = Field(description="The pinned version of the data that was read.")
    snapshot_gone_at: datetime | None = Field(
        description="Since when files of the snapshot are deleted, so that the run cannot be made again: "
        "what was replaced stays for LEVERBOARD_SNAPSHOTS_KEPT, what held erased units goes at once."
    )
    snapshot_erased_at: datetime | None = Field(
        description="Since when units that the snapshot held are erased: the same data cannot be read again, "
        "whatever is left of them."
    )
