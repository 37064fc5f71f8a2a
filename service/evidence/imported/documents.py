"""What is said of past experiments, and kept? A grade, which is no verdict, and what to run next."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from service.evidence.documents import CheckDocument, ReasonDocument, SlopeDocument, Unanswered


class PastGrade(StrEnum):
    """What imported experiments say together. Whatever they say, no verdict follows from it."""

    SPEAKS_FOR = "speaks_for"
    SPEAKS_AGAINST = "speaks_against"
    OPEN = "open"


class Document(BaseModel):
    """Frozen; every field is always there."""

    model_config = ConfigDict(frozen=True)


class GradedExperiment(Document):
    """An imported experiment, and whether the grade uses it."""

    id: str
    key: str
    name: str
    origin: str
    used: bool
    why_not: ReasonDocument | None
    checks: tuple[CheckDocument, ...]


class NextArm(Document):
    """One arm of the experiment to run; all have the same weight."""

    role: str = Field(examples=["treatment"])
    mechanism: str | None = Field(description="Null for control and placebo, and for one still to be found.")
    name: str = Field(examples=["Prefilled vehicle data"])
    shift: float | None = Field(description="By how much it is to move the CPI, raw, in its own unit.")
    seen_in: str | None = Field(description="The imported experiment that showed it; null if none did.")


class EarlyAnswerDocument(Document):
    """A look before the planned end."""

    fraction: float = Field(description="Of the planned units.")
    chance: float = Field(description="That it answers then, at least, by sets that hold at any time.")


class NextExperiment(Document):
    """The one experiment that would let the registered rule answer."""

    sentence: str
    arms: tuple[NextArm, ...]
    units: int = Field(description="In all.")
    units_per_arm: int
    power: float
    units_per_day: float | None
    units_per_day_from: str | None = Field(description="Who says so; null where nobody does.")
    window_days: int
    days: int | None = Field(description="Enrolment and window; null where nobody said how many units come.")
    why_no_days: ReasonDocument | None
    days_sentence: str
    clusters: int | None = Field(
        default=None, description="In all, where past experiments randomised whole clusters."
    )
    early: tuple[EarlyAnswerDocument, ...] = Field(
        default=(), description="How likely it answers where it is stopped before its planned size."
    )
    assumptions: tuple[str, ...]


class GradeDocument(Document):
    """All that past experiments say of one hypothesis."""

    grade: PastGrade
    label: str | None
    sentence: str
    slope: SlopeDocument | Unanswered = Field(description="KPI units per increment of improvement.")
    reasons: tuple[ReasonDocument, ...]
    mechanisms: int
    experiments: tuple[GradedExperiment, ...]
    next_experiment: NextExperiment | Unanswered
    relationship: dict[str, JsonValue]
    rule: dict[str, JsonValue]


class GradeView(GradeDocument):
    """A grade as it was given."""

    id: str
    hypothesis_version: int
    hypothesis_hash: str
    run_id: str
    created_at: datetime
