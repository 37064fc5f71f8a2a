"""What is planned before anybody is assigned? Experiments as they cross the wire."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, Strict, StrictBool
from pydantic.config import JsonDict

from service.experiments.analysis import AnalysisPlan
from service.hypotheses.schemas import Version
from service.kit.text import Count, Id, Name, Note, Number, PositiveNumber, Wire
from service.metrics.definitions import Exposure
from service.metrics.schemas import Warned


class ExperimentState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    RUNNING = "running"
    STOPPED = "stopped"
    CONCLUDED = "concluded"


class RandomisedBy(StrEnum):
    UNIT = "unit"
    CLUSTER = "cluster"


class DoseKind(StrEnum):
    """What the amount of a dose is an amount of."""

    CHANGE = "change"  # of the CPI, as expected, in its own unit
    SETTING = "setting"  # of whatever the mechanism turns: seconds of cache, agents on a shift
    SHARE = "share"  # of customers or occasions that the mechanism reaches


class SizeOf(StrEnum):
    TOTAL = "total"
    ARM = "arm"


class Arm(Wire):
    name: Name = Field(examples=["prefilled"])
    weight: PositiveNumber = Field(description="in proportion to the others", examples=[1.0])
    control: StrictBool = False
    description: Note | None = None


class Dose(Wire):
    """How much of the mechanism the arm gets; arms with clearly different doses tell most."""

    amount: Number = Field(examples=[2.0])
    unit: Name = Field(examples=["minute"])
    kind: DoseKind = Field(examples=["change"])


class Treatment(Wire):
    """An arm that moves the CPI by a registered mechanism."""

    role: Literal["treatment"]
    arm: Name
    mechanism: Id
    dose: Dose


class Placebo(Wire):
    """An arm that changes the experience and leaves the CPI where it is; it is no mechanism itself."""

    role: Literal["placebo"]
    arm: Name
    mechanism: Id | None = Field(
        default=None,
        description="the one mechanism whose side effects it carries, where it is that mechanism's own",
    )
    shares: Note = Field(
        description="what it has in common with the active arms: a placebo without their side effects "
        "is worse than none",
        examples=["The same new page and the same extra request, without the prefilled answers"],
    )


type ArmRole = Annotated[Treatment | Placebo, Field(discriminator="role")]


class UnderTest(Wire):
    """A hypothesis and the part that each arm plays for it; arms left out share one unnamed mechanism."""

    hypothesis: Id
    arms: Annotated[tuple[ArmRole, ...], Field(max_length=50)]


class MetricPin(Wire):
    metric: Id
    version: Version | None = Field(default=None, description="null: the latest, pinned now")


class SourcePin(Wire):
    """A warehouse that holds the experiment's assignments and outcomes."""

    source: Id
    version: Version | None = Field(default=None, description="null: the latest, pinned now")
    experiment: Name | None = Field(
        default=None, description="what the warehouse calls the experiment; null: the id it has here"
    )


class RecordedDifferently(Wire):
    """An arm that changes how a metric is recorded has a direct effect on it."""

    arm: Name
    metric: Id
    how: Note


class PlannedSize(Wire):
    units: Annotated[int, Strict(), Field(ge=2, le=10**12)] = Field(examples=[100000])
    per: SizeOf = Field(examples=["arm"])


EXAMPLE: JsonDict = {
    "name": "Prefilled quotes, spring",
    "unit_type": "customer",
    "arms": [
        {"name": "control", "weight": 1, "control": True},
        {"name": "placebo", "weight": 1},
        {"name": "prefilled", "weight": 1},
    ],
    "hypotheses": [
        {
            "hypothesis": "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f",
            "arms": [
                {
                    "role": "placebo",
                    "arm": "placebo",
                    "shares": "The same new page and the same extra request, without the prefilled answers",
                },
                {
                    "role": "treatment",
                    "arm": "prefilled",
                    "mechanism": "mec_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "dose": {"amount": 2, "unit": "minute", "kind": "change"},
                },
            ],
        }
    ],
    "records_differently": [],
    "shared_capacity": [],
    "planned_size": {"units": 50000, "per": "arm"},
    "guardrails": [{"metric": "met_01kq3v5w8x9y2z4a6b8c0d1e2h"}],
}


class ExperimentDraft(Wire):
    """A plan; it is frozen and hashed when it is approved."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: Name
    description: Note | None = None
    unit_type: Name
    arms: Annotated[tuple[Arm, ...], Field(min_length=1, max_length=50)]
    hypotheses: Annotated[tuple[UnderTest, ...], Field(max_length=50)] = ()
    secondary: Annotated[tuple[MetricPin, ...], Field(max_length=200)] = ()
    guardrails: Annotated[tuple[MetricPin, ...], Field(max_length=200)] = ()
    covariates: Annotated[tuple[Id, ...], Field(max_length=50)] = Field(
        default=(), description="metrics whose value before exposure adjusts the estimates"
    )
    records_differently: Annotated[tuple[RecordedDifferently, ...], Field(max_length=200)] = Field(
        description="which arms change how which metric is recorded; say [] if none does"
    )
    shared_capacity: Annotated[tuple[Name, ...], Field(max_length=50)] = Field(
        description="what the arms share and could take from each other (agents, stock); say [] if nothing",
        examples=[[], ["call-centre agents"]],
    )
    randomised_by: RandomisedBy = RandomisedBy.UNIT
    cluster: Name | None = Field(
        default=None, description="the unit type that is randomised, if clusters are"
    )
    exposure: Literal["assignment"] | Exposure = Field(
        default="assignment",
        description="when a unit met the difference: at its assignment, at the first exposure sent to "
        "/v1/exposures after it, or at the first such outcome after it",
    )
    source: SourcePin | None = Field(
        default=None, description="where its assignments and outcomes live; null: in the managed lake"
    )
    planned_size: PlannedSize
    planned_looks: Annotated[int, Strict(), Field(ge=1, le=1000)] = 1
    analysis: AnalysisPlan = AnalysisPlan()


class PhaseDraft(Wire):
    """New weights for a running experiment; contrasts are formed within a phase and combined."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"weights": {"control": 2, "placebo": 1, "prefilled": 1}}]}
    )

    weights: Annotated[dict[Name, PositiveNumber], Field(min_length=2, max_length=50)]


class Phase(Wire):
    number: int
    started_at: datetime
    weights: dict[str, float]


class Transition(Wire):
    state: ExperimentState
    at: datetime
    by: str


class HypothesisPin(Wire):
    hypothesis: str
    version: int


class Experiment(ExperimentDraft):
    """An experiment as it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                EXAMPLE
                | {
                    "id": "exp_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "state": "concluded",
                    "team": "growth",
                    "owner": "ada@example.com",
                    "created_at": "2026-04-01T09:00:00Z",
                    "approved_at": "2026-04-02T09:00:00Z",
                    "started_at": "2026-04-03T09:00:00Z",
                    "stopped_at": "2026-05-03T09:00:00Z",
                    "concluded_at": "2026-05-20T09:00:00Z",
                    "transitions": [
                        {"state": "approved", "at": "2026-04-02T09:00:00Z", "by": "cy@example.com"}
                    ],
                    "phases": [
                        {
                            "number": 1,
                            "started_at": "2026-04-03T09:00:00Z",
                            "weights": {"control": 1, "placebo": 1, "prefilled": 1},
                        }
                    ],
                    "hypothesis_versions": [{"hypothesis": "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f", "version": 1}],
                    "sha256": "0" * 64,
                    "planned_units": 150000,
                    "warnings": [],
                }
            ]
        }
    )

    id: str = Field(examples=["exp_01kq3v5w8x9y2z4a6b8c0d1e2f"])
    state: ExperimentState
    team: str
    owner: str
    created_at: datetime
    approved_at: datetime | None
    started_at: datetime | None
    stopped_at: datetime | None
    concluded_at: datetime | None
    transitions: tuple[Transition, ...]
    phases: tuple[Phase, ...]
    hypothesis_versions: tuple[HypothesisPin, ...] = Field(description="pinned at approval")
    sha256: str | None = Field(description="of the approved plan's canonical JSON")
    planned_units: Count = Field(description="in total, over all arms")
    warnings: tuple[Warned, ...]
