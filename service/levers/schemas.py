"""What do leaders read? One lever a line, from the registry and its latest verdict."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from service.metrics.schemas import MetricKind


class LeverState(StrEnum):
    """The latest verdict, or that there is none yet."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"
    UNTESTED = "untested"


class Sorting(StrEnum):
    """By verdict (confirmed first), by team, or the newest hypothesis first."""

    STATE = "state"
    TEAM = "team"
    NEWEST = "newest"


class LeverMetric(BaseModel):
    """One end of the lever, in the version that the hypothesis names."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    name: str
    kind: MetricKind


class LeverVerdict(BaseModel):
    """The latest verdict, as far as a leader asks."""

    model_config = ConfigDict(frozen=True)

    id: str
    label: str | None
    proven: bool = Field(description="Confirmed, and not resting on an assumption about direct effects.")
    sentence: str
    slope: dict[str, JsonValue] = Field(
        description="KPI units per increment of improvement: estimate and interval, or why there is none."
    )
    experiments: int = Field(description="How many counted.")
    mechanisms: int = Field(description="How many moved the CPI in them.")
    at: datetime
    age_days: float


class LeverView(BaseModel):
    """A hypothesis with its verdict, slope, and owner."""

    model_config = ConfigDict(frozen=True)

    hypothesis_id: str
    statement: str
    cpi: LeverMetric
    kpi: LeverMetric
    provisional: bool = Field(description="Nobody has yet watched customers want this CPI.")
    increment: str = Field(
        description="The step of the CPI that customers value.", examples=["1 minute less"]
    )
    smallest_slope: float
    state: LeverState
    verdict: LeverVerdict | None
    registered_at: datetime
    owner: str
    team: str
