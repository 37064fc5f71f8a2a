"""What does a team say before it experiments? Mechanisms and hypotheses as they cross the wire."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, Strict, model_validator
from pydantic.config import JsonDict

from service.kit.text import Duration, Id, Name, NonNegativeNumber, Note, PositiveNumber, Wire
from service.metrics.customer import Function, MetricState, Money
from service.metrics.schemas import Slug, Warned
from service.metrics.segments import Segmentation


class Direction(StrEnum):
    """The expected sign of the slope, per increment of improvement: service cost should fall."""

    INCREASE = "increase"
    DECREASE = "decrease"


class HypothesisState(StrEnum):
    DRAFT = "draft"
    REGISTERED = "registered"


type Unknown = Literal["unknown"]
type Bound = NonNegativeNumber | Unknown
type Alpha = Annotated[float, Strict(), Field(gt=0, le=0.2, allow_inf_nan=False)]
type Segments = Annotated[tuple[Segmentation, ...], Field(max_length=50)]
type BoundEvidence = Annotated[tuple[Id, ...], Field(max_length=100)]
type Version = Annotated[int, Strict(), Field(ge=1, le=2**31 - 1)]


MECHANISM: JsonDict = {
    "cpi": "met_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "name": "Prefilled vehicle data",
    "description": "The number plate fills in the vehicle: four answers less",
    "cost": {"amount": 40000, "currency": "EUR"},
}
HYPOTHESIS: JsonDict = {
    "cpi": "met_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "kpi": "met_01kq3v5w8x9y2z4a6b8c0d1e2g",
    "direction": "increase",
    "smallest_slope": 0.01,
    "direct_effect_bound": "unknown",
    "rationale": "Who gets a quote at once compares less and buys sooner",
    "unit_type": "customer",
    "window": "P14D",
}
_TEAM: JsonDict = {"team": "growth", "owner": "ada@example.com", "created_at": "2026-04-01T09:00:00Z"}


class MechanismDraft(Wire):
    """A means by which a CPI can be moved, named before an experiment uses it."""

    model_config = ConfigDict(json_schema_extra={"examples": [MECHANISM]})

    cpi: Id
    name: Name
    description: Note
    cost: Money | None = None


class MechanismChange(Wire):
    """The fields that change; the CPI stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"cost": {"amount": 55000, "currency": "EUR"}}]}
    )

    name: Name | None = None
    description: Note | None = None
    cost: Money | None = None

    @model_validator(mode="after")
    def _keeps_its_core(self) -> Self:
        return _kept(self, "name", "description")


class Mechanism(MechanismDraft):
    """A registered mechanism."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                MECHANISM
                | _TEAM
                | {"id": "mec_01kq3v5w8x9y2z4a6b8c0d1e2f", "fixed_at": "2026-04-03T09:00:00Z"}
            ]
        }
    )

    id: str = Field(examples=["mec_01kq3v5w8x9y2z4a6b8c0d1e2f"])
    team: str
    owner: str
    created_at: datetime
    fixed_at: datetime | None = Field(description="when the first experiment that uses it started")


class HypothesisDraft(Wire):
    """Improving the CPI by one increment changes the KPI by at least the smallest slope of interest."""

    model_config = ConfigDict(json_schema_extra={"examples": [HYPOTHESIS]})

    cpi: Id
    cpi_version: Version | None = Field(default=None, description="null: the latest, pinned now")
    kpi: Id
    kpi_version: Version | None = Field(default=None, description="null: the latest, pinned now")
    direction: Direction
    smallest_slope: PositiveNumber | None = Field(
        default=None,
        description="d, in KPI units per increment; a draft may wait for it, registration does not",
    )
    direct_effect_bound: Bound = Field(
        description='largest effect on the KPI that an arm can have past the CPI, in KPI units, or "unknown"',
        examples=["unknown", 0.002],
    )
    bound_evidence: BoundEvidence = Field(default=(), description="earlier experiments behind the bound")
    rationale: Note
    unit_type: Name
    window: Duration = Field(examples=["P14D"])
    prior_scale: PositiveNumber = Field(default=5.0, description="in multiples of the smallest slope")
    alpha: Alpha = 0.05
    segments: Segments = Field(
        default=(),
        description="by what customers are told apart, named beforehand: a unit attribute, or an amount "
        "before exposure; the effects in each segment are shown",
        examples=[["country"]],
    )


class HypothesisChange(Wire):
    """The fields that change, each replaced as a whole; CPI, KPI and unit type stay."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"smallest_slope": 0.015}]})

    cpi_version: Version | None = None
    kpi_version: Version | None = None
    direction: Direction | None = None
    smallest_slope: PositiveNumber | None = None
    direct_effect_bound: Bound | None = None
    bound_evidence: BoundEvidence = ()
    rationale: Note | None = None
    window: Duration | None = None
    prior_scale: PositiveNumber | None = None
    alpha: Alpha | None = None
    segments: Segments = ()

    @model_validator(mode="after")
    def _keeps_its_core(self) -> Self:
        return _kept(self, "direction", "direct_effect_bound", "rationale", "window", "prior_scale", "alpha")


class AmendmentDraft(Wire):
    """A change of what was registered, with its reason; both versions are kept and shown."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"reason": "The price rose in June", "change": {"smallest_slope": 0.015}}]
        }
    )

    reason: Note
    change: HypothesisChange


class ProposedSlope(Wire):
    """The smallest slope at which an increment pays for itself; never used unless somebody adopts it."""

    value: float | None = Field(examples=[0.011])
    reason: str


class Amendment(Wire):
    version: int
    author: str
    at: datetime
    reason: str
    changed: tuple[str, ...]
    sha256: str


class Hypothesis(Wire):
    """A hypothesis as it stands: the draft, or the latest registered version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                HYPOTHESIS
                | _TEAM
                | {
                    "id": "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "state": "registered",
                    "version": 1,
                    "statement": 'Each minute less of "Quick quote" will increase "Conversion" by at '
                    "least 1 point.",
                    "cpi_version": 1,
                    "cpi_name": "Quick quote",
                    "cpi_state": "qualified",
                    "kpi_version": 1,
                    "kpi_name": "Conversion",
                    "proposed_smallest_slope": {"value": 0.011, "reason": "At break-even."},
                    "bound_evidence": [],
                    "prior_scale": 5.0,
                    "alpha": 0.05,
                    "segments": [],
                    "warnings": [],
                    "sha256": "0" * 64,
                    "registered_at": "2026-04-02T09:00:00Z",
                    "registered_by": "ada@example.com",
                    "amendments": [],
                }
            ]
        }
    )

    id: str = Field(examples=["hyp_01kq3v5w8x9y2z4a6b8c0d1e2f"])
    state: HypothesisState
    version: int
    statement: str
    cpi: str
    cpi_version: int
    cpi_name: str
    cpi_state: MetricState | None
    kpi: str
    kpi_version: int
    kpi_name: str
    direction: Direction
    smallest_slope: float | None
    proposed_smallest_slope: ProposedSlope
    direct_effect_bound: float | Unknown
    bound_evidence: tuple[str, ...]
    rationale: str
    unit_type: str
    window: Duration
    prior_scale: float
    alpha: float
    segments: tuple[Segmentation, ...]
    warnings: tuple[Warned, ...]
    team: str
    owner: str
    created_at: datetime
    sha256: str | None = Field(description="of the latest registered version's canonical JSON")
    registered_at: datetime | None
    registered_by: str | None
    amendments: tuple[Amendment, ...]


class HypothesisVersion(Wire):
    """One registered version, with the text that its hash is of."""

    version: int
    author: str
    at: datetime
    reason: str | None
    sha256: str
    canonical_json: str
    document: HypothesisDraft


class HypothesisTemplate(Wire):
    """A CPI→KPI pair that the examples of others suggest: a place to start from."""

    slug: Slug
    function: Function
    cpi_template: Slug
    kpi_template: Slug
    direction: Direction
    rationale: Note


def _kept[W: Wire](change: W, *fields: str) -> W:
    for field in fields:
        if field in change.model_fields_set and getattr(change, field) is None:
            raise ValueError(f"{field} can be replaced, not removed")
    return change
