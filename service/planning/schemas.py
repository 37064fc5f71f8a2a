"""What is asked about a study that has not begun, and what is answered?"""

from enum import StrEnum
from math import copysign
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator
from pydantic.config import JsonDict

from analyses import look_alpha
from service.experiments.analysis import PlannedLooks, Sides
from service.kit.text import Count, Name, NonNegativeNumber, Number, PositiveNumber, Wire

LEAST = 1e-15  # smaller ones cannot be squared; as small as a positive number may be anywhere here
type Units = Annotated[int, Field(strict=True, ge=4, le=10**12)]
type Share = Annotated[float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False)]
type Level = Annotated[float, Field(strict=True, ge=0.0001, le=0.2)]
type Target = Annotated[float, Field(strict=True, ge=0.25, le=0.999)]


class MeanNoise(Wire):
    """A metric whose units have this standard deviation in both arms; a ratio's, that of linearised units."""

    kind: Literal["mean"]
    deviation: PositiveNumber = Field(examples=[12.5])


class RateNoise(Wire):
    """A share of units, as it is today; its variance follows."""

    kind: Literal["rate"]
    rate: Annotated[float, Field(strict=True, gt=0, lt=1)] = Field(examples=[0.04])


class QuantileNoise(Wire):
    """A quantile, such as the median wait; effects are in the metric's units."""

    kind: Literal["quantile"]
    probability: Annotated[float, Field(strict=True, gt=0, lt=1)] = Field(examples=[0.9])
    density: PositiveNumber = Field(
        description="share of units for each unit of the metric, at the quantile", examples=[0.04]
    )


type Noise = Annotated[MeanNoise | RateNoise | QuantileNoise, Field(discriminator="kind")]


class Clusters(Wire):
    """Whole clusters are assigned: units of one are alike."""

    units_per_cluster: Annotated[float, Field(strict=True, ge=1, le=10**9)] = Field(examples=[20])
    correlation: Annotated[float, Field(strict=True, ge=0, le=1)] = Field(
        description="of two units of a cluster", examples=[0.05]
    )
    spread: NonNegativeNumber = Field(
        default=0.0, description="standard deviation of the clusters' sizes over their mean"
    )


class BeliefInEffect(Wire):
    """What is believed of the effect: the chance of success averages over it."""

    mean: Number
    deviation: NonNegativeNumber


class BeliefInSlope(Wire):
    """What is believed of the slope, in KPI units per CPI unit: the chance of an answer averages over it."""

    mean: Number = Field(examples=[0.4])
    deviation: NonNegativeNumber = Field(examples=[0.3])


class Traffic(Wire):
    """Units first seen on day 1, 2, … of a typical stretch, and how long each is observed."""

    new_units: Annotated[tuple[Count, ...], Field(min_length=1, max_length=366)] = Field(
        description="returning units do not count again; beyond the stretch its last week goes on",
        examples=[[3000, 2600, 2300, 2100, 2000, 1900, 1800]],
    )
    window_days: Annotated[int, Field(strict=True, ge=0, le=730)] = 0


class Watching(StrEnum):
    """How the result will be looked at."""

    END = "end"  # once, at the planned size
    ANY_TIME = "any_time"  # as often as anybody likes, by confidence sequences
    LOOKS = "looks"  # at the planned looks


class _Tested(Wire):
    alpha: Level = 0.05
    target: Target = Field(default=0.8, description="the chance to show what is there")
    watching: Watching = Watching.END
    looks: PlannedLooks | None = Field(default=None, description="with watching looks")
    clusters: Clusters | None = None
    traffic: Traffic | None = None

    @model_validator(mode="after")
    def _looks_are_planned(self) -> Self:
        if (self.watching is Watching.LOOKS) != (self.looks is not None):
            raise ValueError('give looks together with watching "looks", and only then')
        return self


EFFECT: JsonDict = {
    "noise": {"kind": "rate", "rate": 0.04},
    "effect": 0.002,
    "arms": 2,
    "explained": 0.3,
    "traffic": {"new_units": [3000, 2600, 2300, 2100, 2000, 1900, 1800], "window_days": 7},
}


class EffectQuestion(_Tested):
    """One metric, an arm against control. Give an effect, or units, or both."""

    model_config = ConfigDict(json_schema_extra={"examples": [EFFECT]})

    noise: Noise
    effect: Number | None = Field(default=None, description="to be shown, in the metric's units")
    units: Units | None = Field(default=None, description="of all arms together")
    arms: Annotated[int, Field(strict=True, ge=2, le=50)] = Field(default=2, description="control included")
    control_share: Annotated[float, Field(strict=True, ge=0.001, le=0.999)] | None = Field(
        default=None, description="of all units; the arms share the rest equally. null: as much as each arm"
    )
    sides: Sides = Field(
        default=Sides.TWO, description="one counts where the result is looked at once; looks decide on two"
    )
    explained: Share = Field(default=0.0, description="of the variance, by what is known before exposure")
    belief: BeliefInEffect | None = Field(
        default=None, description="success is an effect shown on the side of `effect`, or else of the mean"
    )
    margin: PositiveNumber | None = Field(
        default=None,
        description="of a guardrail: the harm that would be accepted, in the metric's units. Shown is then, "
        "on one side, that the arm does less harm than that; `effect` is what it is expected to do, null for "
        "nothing, above zero where it improves the metric",
    )

    @property
    def distance(self) -> float | None:
        """How far the expected effect lies from what is to be excluded: no effect, or the margin."""
        return self.effect if self.margin is None else (self.effect or 0.0) + self.margin

    @model_validator(mode="after")
    def _something_is_asked(self) -> Self:
        if self.distance is None and self.units is None:
            raise ValueError("give an effect, units, or both")
        if self.distance is not None and abs(self.distance) < LEAST:
            raise ValueError("no number of units shows an effect of zero, or of next to nothing")
        if isinstance(self.noise, RateNoise) and not 0 <= self.noise.rate + (self.effect or 0.0) <= 1:
            raise ValueError("the rate and the effect must add up to a share between 0 and 1")
        return self

    @model_validator(mode="after")
    def _is_a_guardrail(self) -> Self:
        if self.margin is None:
            return self
        if self.watching is not Watching.END:
            raise ValueError("that harm stays within a margin is judged once, at the planned size")
        if (self.effect or 0.0) <= -self.margin:
            raise ValueError("an arm that harms by the margin cannot be shown to harm by less")
        return self


DOSES: JsonDict = {
    "arms": [
        {"name": "placebo", "shift": 0, "share": 0.25},
        {"name": "prefilled", "shift": 2, "share": 0.25},
        {"name": "instant", "shift": 4, "share": 0.25},
    ],
    "noise": {"cpi_deviation": 5, "kpi_deviation": 12.5, "correlation": 0.3},
    "slope": 0.4,
    "smallest_slope": 0.2,
    "direct_effect_bounded": False,
    "belief": {"mean": 0.4, "deviation": 0.3},
}


class DoseArm(Wire):
    """An arm that is to move the CPI by so much; 0 for a placebo."""

    name: Name
    shift: Number
    share: Annotated[float, Field(strict=True, gt=0, lt=1)] = Field(description="of all units")


class PairNoise(Wire):
    """How much units differ in CPI and KPI, and how the two go together between units."""

    cpi_deviation: PositiveNumber
    kpi_deviation: PositiveNumber
    correlation: Annotated[float, Field(strict=True, gt=-1, lt=1)] = 0.0


class SlopeQuestion(_Tested):
    """A relationship: the arms' doses and the slope that they are to prove; control has the rest."""

    model_config = ConfigDict(json_schema_extra={"examples": [DOSES]})

    arms: Annotated[tuple[DoseArm, ...], Field(min_length=1, max_length=50)]
    noise: PairNoise
    slope: Number | None = Field(default=None, description="expected, in KPI units per CPI unit")
    smallest_slope: PositiveNumber | None = Field(
        default=None,
        description="the size of the smallest slope that is worth having, on the side of the slope that is "
        "expected: how likely it is refuted, if there is none",
    )
    belief: BeliefInSlope | None = Field(
        default=None,
        description="how likely the study answers, given that the slope may not be what is hoped for",
    )
    units: Units | None = Field(default=None, description="of all arms together")
    direct_effect_bounded: StrictBool = Field(
        default=False,
        description="true: a bound on the direct effect is registered; false: the slope is learned from "
        "differences between arms, since arms may have a direct effect in common",
    )
    direct_effect: NonNegativeNumber | None = Field(
        default=None, description="how likely a direct effect of this size, common to all arms, is noticed"
    )
    verdicts_so_far: Annotated[int, Field(strict=True, ge=0, le=1000)] | None = Field(
        default=None,
        description="how many verdicts the hypothesis has had: the study is then planned at the error rate "
        "of the next, alpha / (k (k + 1)) for the k-th; null plans one look at alpha, as a file is",
    )

    @property
    def side(self) -> float:
        """1 where the slope is hoped to be positive, -1 where negative: as expected, or else as believed."""
        return copysign(1.0, self.slope or (self.belief.mean if self.belief else 0.0) or 1.0)

    @property
    def level(self) -> float:
        """The error rate at which the study will be judged."""
        return (
            self.alpha if self.verdicts_so_far is None else look_alpha(self.alpha, self.verdicts_so_far + 1)
        )

    @model_validator(mode="after")
    def _is_a_design(self) -> Self:
        if sum(arm.share for arm in self.arms) >= 1:
            raise ValueError("the arms' shares must leave some units to control")
        if not any(abs(arm.shift) >= LEAST for arm in self.arms):
            raise ValueError("at least one arm must be meant to move the CPI")
        if len({arm.name.casefold() for arm in self.arms}) < len(self.arms):
            raise ValueError("every arm needs a name of its own")
        if self.slope is None and self.units is None:
            raise ValueError("give a slope, units, or both")
        if self.slope is not None and abs(self.slope) < LEAST:
            raise ValueError("no number of units shows a slope of zero, or of next to nothing")
        return self


class Unanswered(BaseModel):
    """No number, and why."""

    model_config = ConfigDict(frozen=True)

    reason: str
    detail: str


class LookAhead(BaseModel):
    """One planned look."""

    model_config = ConfigDict(frozen=True)

    fraction: float = Field(description="of the planned size")
    critical: float | None = Field(description="standard errors that decide at it; null where none would")
    decided: float | None = Field(
        description="chance to have shown what is expected by then; null where nothing was named"
    )


class Answered(BaseModel):
    """What is planned with; null where it was not asked."""

    model_config = ConfigDict(frozen=True)

    units: int | None = Field(description="of all arms together")
    days: int | None
    critical: float = Field(description="standard errors that decide at the planned size")
    inflation: float = Field(description="by what the looks multiply the units of a test with one look")
    looks: tuple[LookAhead, ...] = Field(
        description="what each planned look takes, and how likely it decides"
    )
    design_effect: float = Field(description="by what clusters multiply the variance")
    clusters: int | None
    power: float | None
    not_estimable: Unanswered | None


class EffectAnswer(Answered):
    """An effect's plan."""

    sides: Sides = Field(description="on which the test decides; looks, planned or at any time, take two")
    smallest_effect: float | None = Field(
        description="that is shown with the target's chance, in its units; with a margin, from it on"
    )
    assurance: float | None = Field(
        description="chance of success under the belief, the hope's failing included"
    )


class SlopeAnswer(Answered):
    """A relationship's plan; ``power`` is that of confirming the slope."""

    smallest_slope_shown: float | None
    assurance: float | None = Field(
        description="chance to show a slope on the hoped side under the belief, the hope's failing included"
    )
    assurance_to_refute: float | None = Field(
        description="chance, under the belief, to show that the slope is below the smallest worth having"
    )
    power_to_refute: float | None = Field(
        description="chance to show that the slope is below the smallest worth having, if there is none"
    )
    units_to_refute: int | None
    exclusion_power: float | None = Field(description="chance that the direct effect is noticed")
    advice: tuple[str, ...]
