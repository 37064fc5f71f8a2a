"""How will the effects be read? The part of a plan that fixes it before the data; hashed with the rest."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StrictBool, model_validator

from service.kit.text import Id, Name, NonNegativeNumber, Number, PositiveNumber, Wire
from service.metrics.segments import Segmentation


class Sides(StrEnum):
    """Whether effects are tested in both directions, or only in the one that the metric calls better."""

    TWO = "two"
    ONE = "one"


class LookSpending(StrEnum):
    """How much of alpha may be used up at an early look."""

    OBRIEN_FLEMING = "obrien_fleming"
    POCOCK = "pocock"


class PlannedLooks(Wire):
    """Looks at which the experiment may be stopped, as shares of the planned size; the last one is 1."""

    fractions: Annotated[tuple[PositiveNumber, ...], Field(min_length=2, max_length=100)] = Field(
        examples=[[0.25, 0.5, 0.75, 1.0]]
    )
    spending: LookSpending = LookSpending.OBRIEN_FLEMING

    @model_validator(mode="after")
    def _ascends_to_one(self) -> Self:
        steps = [
            after - before for before, after in zip((0.0, *self.fractions), self.fractions, strict=False)
        ]
        if min(steps) < 0.001 or self.fractions[-1] != 1.0:
            raise ValueError("the shares of the planned size must grow by at least 0.001 and end with 1")
        return self


class HarmMargin(Wire):
    """The harm to a guardrail that would still be accepted."""

    metric: Id
    amount: NonNegativeNumber = Field(
        description="in the metric's units, or as a share of the control mean", examples=[0.02]
    )
    relative: StrictBool = False

    @model_validator(mode="after")
    def _a_share_is_below_one(self) -> Self:
        if self.relative and self.amount >= 1:
            raise ValueError(f"a relative margin must be below 1, got {self.amount}")
        return self


class NormalPrior(Wire):
    """What is believed of the effect (arm minus control, in the metric's units) before the data."""

    kind: Literal["normal"]
    mean: Number
    deviation: PositiveNumber


class BetaPrior(Wire):
    """What is believed of the rate in each arm before the data, worth a + b units."""

    kind: Literal["beta"]
    a: PositiveNumber
    b: PositiveNumber


class PastPrior(Wire):
    """What earlier experiments did to the metric: estimated from their final runs (empirical Bayes)."""

    kind: Literal["past_experiments"]


type PriorPlan = Annotated[NormalPrior | BetaPrior | PastPrior, Field(discriminator="kind")]


class MetricPrior(Wire):
    metric: Id
    prior: PriorPlan


class Negligible(Wire):
    """An effect that nobody would mind: the half-width of the region of practical equivalence."""

    metric: Id
    amount: PositiveNumber


class AnalysisPlan(Wire):
    """Fixed before anybody is assigned; the defaults are two-sided tests at 0.05 with looks at any time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "alpha": 0.05,
                    "sides": "two",
                    "looks": {"fractions": [0.5, 1.0], "spending": "obrien_fleming"},
                    "margins": [
                        {"metric": "met_01kq3v5w8x9y2z4a6b8c0d1e2h", "amount": 0.02, "relative": True}
                    ],
                }
            ]
        }
    )

    alpha: Annotated[float, Field(strict=True, ge=0.0001, le=0.2)] = Field(
        default=0.05, description="of the effects' intervals; a hypothesis has its own"
    )
    sides: Sides = Sides.TWO
    primary: Annotated[tuple[Id, ...], Field(max_length=50)] = Field(
        default=(),
        description="metrics that no number of others makes harder to show; [] means CPI and KPI under test",
    )
    looks: PlannedLooks | None = Field(
        default=None, description="null: anybody may look at any time, and sees anytime-valid intervals"
    )
    margins: Annotated[tuple[HarmMargin, ...], Field(max_length=200)] = ()
    priors: Annotated[tuple[MetricPrior, ...], Field(max_length=200)] = ()
    negligible: Annotated[tuple[Negligible, ...], Field(max_length=200)] = ()
    attributes: Annotated[tuple[Name, ...], Field(max_length=50)] = Field(
        default=(),
        description="numeric attributes of units, known before exposure, that adjust the estimates",
    )
    segments: Annotated[tuple[Segmentation, ...], Field(max_length=50)] = Field(
        default=(), description="by what units are told apart, besides what the hypotheses name"
    )
    blocks: Name | None = Field(
        default=None,
        description="the segmentation within which units were randomised: contrasts are formed inside each "
        "block and weighted by its share of all units",
    )
