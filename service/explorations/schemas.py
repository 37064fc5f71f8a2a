"""What may be asked of an exploration, and what does it answer? Shapes on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from service.evidence.documents import CheckDocument, Unanswered
from service.evidence.explored import EstimateDocument, SetDocument
from service.kit.text import Name, Wire
from service.runs.rules import RunState

NOTE = (
    "Exploratory: it can confirm and reject nothing, and enters no verdict. What one half of the units "
    "proposed was tested in the other; register a segment and run an experiment to prove it."
)


class ExplorationRequest(Wire):
    """For whom is an arm's effect, or the CPI's slope, another one? Everything may be left out."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"hypothesis": "hyp_01kq3v5w8x9y2z", "attributes": ["device", "age"]}]
        },
    )

    hypothesis: Annotated[
        str | None,
        Field(max_length=64, description="whose CPI and KPI; the first of the experiment if left out"),
    ] = None
    cpi: Annotated[str | None, Field(max_length=64, description="a CPI of the plan, with `kpi`")] = None
    kpi: Annotated[str | None, Field(max_length=64, description="a KPI of the plan, with `cpi`")] = None
    arm: Annotated[
        Name | None, Field(description="compared with the control; the first that is no placebo if left out")
    ] = None
    attributes: Annotated[
        tuple[Name, ...],
        Field(max_length=200, description="of the units, beside the plan's attributes and segments"),
    ] = ()
    seed: Annotated[int, Field(ge=0, lt=2**31, description="of the sample and of its halves")] = 0

    @model_validator(mode="after")
    def _one_pair(self) -> "ExplorationRequest":
        if (self.cpi is None) != (self.kpi is None) or (self.cpi and self.hypothesis):
            raise ValueError("name a hypothesis, or a cpi and a kpi, or neither")
        if len(set(self.attributes)) != len(self.attributes):
            raise ValueError(f"expected no attribute twice, got {list(self.attributes)}")
        return self


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ConditionDocument(_Document):
    """What must hold of one covariate."""

    covariate: str
    relation: Literal["is", "is_not", "below", "at_least", "known", "unknown"]
    value: str | float | None


class ApartDocument(_Document):
    """The arm's effect in the segment, outside it, and the difference; raw units."""

    inside: EstimateDocument
    outside: EstimateDocument
    difference: EstimateDocument


class SegmentSlopeDocument(_Document):
    """The CPI's slope on the KPI in a part of the units: KPI units per increment of improvement."""

    segment: Literal["inside", "outside"]
    estimate: float
    set: SetDocument


class SlopesDocument(BaseModel):
    """The slopes inside and outside; `p_value` is that of one slope for both."""

    model_config = ConfigDict(frozen=True)

    slopes: tuple[SegmentSlopeDocument, ...]
    p_value: float


class HalfDocument(_Document):
    """What one half of the units says of a segment."""

    units: int
    share: float
    kpi: ApartDocument
    cpi: ApartDocument
    slopes: SlopesDocument | Unanswered


class SegmentDocument(_Document):
    """A proposed segment. Only the half that did not propose it says anything about it."""

    words: str
    conditions: tuple[ConditionDocument, ...]
    differs_in: Literal["kpi", "cpi", "slope"]
    discovery: HalfDocument
    confirmation: HalfDocument | Unanswered
    adjusted_p_value: float | None = Field(description="Holm's over all proposed segments.")
    held_up: bool = Field(
        description="The other half found the same sign, with an adjusted p of alpha or less."
    )


class PolicyDocument(_Document):
    """What treating only some is worth, per unit of the population, in KPI units."""

    words: str
    treated: float
    over_none: EstimateDocument | Unanswered
    over_all: EstimateDocument | Unanswered


class LineTermDocument(_Document):
    """What one more of a covariate adds, in its own unit, in either half."""

    words: str
    discovery: EstimateDocument
    confirmation: EstimateDocument
    adjusted_p_value: float


class LineDocument(_Document):
    """The best linear description of an effect, or of the slope."""

    method: str
    average_discovery: EstimateDocument
    average_confirmation: EstimateDocument
    terms: tuple[LineTermDocument, ...]


class BestLineDocument(_Document):
    """`slope` is 1 for a model that tells effects apart as they are, 0 for one that tells noise apart."""

    mean: EstimateDocument
    slope: EstimateDocument


class GroupDocument(_Document):
    """Units whose effect was predicted about alike."""

    units: int
    predicted: float
    effect: EstimateDocument


class CalibrationDocument(_Document):
    """How a model's predictions stand up to units that it has not seen (BLP and GATES)."""

    best_line: BestLineDocument
    groups: tuple[GroupDocument, ...]
    top_less_bottom: EstimateDocument


class ModelDocument(_Document):
    """A model of the effect on the KPI."""

    method: str
    units: int
    calibration: CalibrationDocument | Unanswered
    policy: PolicyDocument


class LeftOutDocument(_Document):
    """A covariate, or a part of one, that is in no model, and why."""

    words: str
    reason: Unanswered


class ExploredDocument(_Document):
    """For whom the arm's effect and the CPI's slope seem to differ."""

    units: int = Field(description="The sample, both halves.")
    share: float = Field(description="Of the analysed units of the arm and the control.")
    discovery: int
    confirmation: int
    clusters: int | None = Field(description="That these units are of, where clusters were randomised.")
    seed: int
    alpha: float
    effect_kpi: EstimateDocument
    effect_cpi: EstimateDocument
    segments: tuple[SegmentDocument, ...]
    policies: tuple[PolicyDocument, ...]
    kpi_line: LineDocument | Unanswered
    cpi_line: LineDocument | Unanswered
    slope_line: LineDocument | Unanswered
    models: tuple[ModelDocument, ...]
    left_out: tuple[LeftOutDocument, ...]
    checks: tuple[CheckDocument, ...]


class ExplorationSummary(BaseModel):
    """An exploration that was asked for, and how far its run is."""

    model_config = ConfigDict(frozen=True)

    id: str
    experiment_id: str
    hypothesis_id: str | None
    cpi: str
    kpi: str
    arm: str
    status: Literal["exploratory"]
    run_id: str = Field(description="Cancel it at `/v1/runs/{run_id}:cancel`.")
    state: RunState
    no_answer: str | None = Field(description="Why it gave none though its run succeeded; null otherwise.")
    created_by: str
    created_at: datetime


class ExplorationAnswer(ExplorationSummary):
    """With what it found; null while its run is open, or where it failed."""

    note: str
    asked: dict[str, JsonValue]
    found: ExploredDocument | Unanswered | None
    provenance: dict[str, JsonValue] | None = Field(
        description="Method, library versions, seed, fingerprint."
    )
