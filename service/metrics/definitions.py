"""How does a metric turn one unit's outcomes into its value?

The definition is frozen with the metric's version. The unit's value, from its outcomes inside
[exposure, exposure + window): ``count`` = how many match, ``sum`` = Σ value, ``mean`` = the unit's own mean,
``proportion`` = 1 if every event of ``all_of`` happened, ``ratio`` = (Σ numerator, Σ denominator),
``retention`` = 1 if it happened in the window's later part, ``time_between`` = the time from one event to
another, ``journey`` = 1 if the steps were taken in order, ``distinct`` = how many different values,
``last`` = the last value, ``quantile`` = the unit's mean or sum, of which the arm's quantile is taken.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, Strict, StrictBool, model_validator

from service.kit.text import Duration, DurationOrZero, Name, Number, Wire


class Aggregation(StrEnum):
    MEAN = "mean"
    PROPORTION = "proportion"
    COUNT = "count"
    SUM = "sum"
    RATIO = "ratio"
    RETENTION = "retention"
    TIME_BETWEEN = "time_between"
    JOURNEY = "journey"
    DISTINCT = "distinct"
    LAST = "last"
    QUANTILE = "quantile"


class Operator(StrEnum):
    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "in"


class ValueType(StrEnum):
    """What one value is: decides whether zero can stand for "nothing happened"."""

    DURATION = "duration"  # a time to wait or to spend: zero is the best there is, so never "missing"
    RATING = "rating"  # an answer on a scale: likewise
    MONEY = "money"
    COUNT = "count"
    SHARE = "share"
    AMOUNT = "amount"  # any other quantity


class Missing(StrEnum):
    """What a unit without a matching outcome contributes."""

    EXCLUDE = "exclude"
    ZERO = "zero"


type Scalar = Name | Number | StrictBool
_ORDERED = frozenset({Operator.LT, Operator.LE, Operator.GT, Operator.GE})


class Where(Wire):
    """A filter on one property of an outcome: container = eggs."""

    property: Name = Field(examples=["container"])
    op: Operator = Field(examples=["="])
    value: Scalar | tuple[Scalar, ...] = Field(examples=["eggs"])

    @model_validator(mode="after")
    def _operand_fits(self) -> Self:
        if (self.op is Operator.IN) != isinstance(self.value, tuple):
            raise ValueError('"in" takes a list of values, every other operator a single value')
        if isinstance(self.value, tuple) and not 1 <= len(self.value) <= 100:
            raise ValueError('"in" takes between 1 and 100 values')
        ordered = isinstance(self.value, float) and not isinstance(self.value, bool)
        if self.op in _ORDERED and not ordered:
            raise ValueError(f'"{self.op}" compares numbers; use "=", "!=" or "in" for texts and booleans')
        return self


class EventMatch(Wire):
    """Outcomes of one name that pass every filter."""

    event: Name = Field(examples=["quote_shown"])
    where: Annotated[tuple[Where, ...], Field(max_length=20)] = ()


type Exposure = EventMatch | Literal["exposures"]  # an outcome, or the exposures that are sent


class Term(Wire):
    """One side of a ratio: how many outcomes matched, or the sum of their values."""

    event: EventMatch
    value_property: Name | None = None
    count: StrictBool = False

    @model_validator(mode="after")
    def _counts_or_sums(self) -> Self:
        if self.count and self.value_property is not None:
            raise ValueError("a term that counts outcomes has no value_property")
        return self


class Cap(Wire):
    """Winsorises the unit's value; thresholds fixed beforehand, the same for every arm."""

    lower: Number | None = None
    upper: Number | None = None

    @model_validator(mode="after")
    def _ends_fit(self) -> Self:
        if self.lower is None and self.upper is None:
            raise ValueError("a cap needs a lower end, an upper end or both")
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            raise ValueError(f"the lower end must be below the upper end, got {self.lower} and {self.upper}")
        return self


class Triggered(Wire):
    """Only units with such an outcome in the window: only who asked for a quote has a quote time."""

    triggered: EventMatch


class _Definition(Wire):
    window: Duration = Field(description="after exposure, closed-open", examples=["P7D"])
    pre_period: DurationOrZero = Field(
        default=timedelta(days=14), description="before exposure", examples=["P14D"]
    )
    cap: Cap | None = None
    population: Literal["all"] | Triggered = "all"


class _Valued(_Definition):
    event: EventMatch
    value_property: Name | None = Field(
        default=None, description="null: the outcome's own value", examples=["seconds"]
    )
    value_type: ValueType = Field(examples=["duration"])
    missing: Missing


class MeanDefinition(_Valued):
    """The unit's own mean of its values."""

    aggregation: Literal[Aggregation.MEAN]
    missing: Missing = Missing.EXCLUDE


class SumDefinition(_Valued):
    """The sum of the unit's values."""

    aggregation: Literal[Aggregation.SUM]
    missing: Missing = Missing.ZERO


class CountDefinition(_Definition):
    """How many matching outcomes the unit has."""

    aggregation: Literal[Aggregation.COUNT]
    event: EventMatch
    value_type: Literal[ValueType.COUNT] = ValueType.COUNT
    missing: Missing = Missing.ZERO


class ProportionDefinition(_Definition):
    """1 if each of ``all_of`` happened in the window: resolved at first contact *and* satisfied."""

    aggregation: Literal[Aggregation.PROPORTION]
    all_of: Annotated[tuple[EventMatch, ...], Field(min_length=1, max_length=20)]
    value_type: Literal[ValueType.SHARE] = ValueType.SHARE
    missing: Literal[Missing.ZERO] = Missing.ZERO


class RatioDefinition(_Definition):
    """Σ numerator over Σ denominator; a unit without either adds nothing to both sums."""

    aggregation: Literal[Aggregation.RATIO]
    numerator: Term
    denominator: Term
    value_type: ValueType = Field(examples=["amount"])
    missing: Literal[Missing.EXCLUDE] = Missing.EXCLUDE


class RetentionDefinition(_Definition):
    """1 if the event happened in [exposure + start, exposure + window), else 0: still there after a month."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"aggregation": "retention", "event": {"event": "visited"}, "start": "P21D", "window": "P28D"}
            ]
        }
    )

    aggregation: Literal[Aggregation.RETENTION]
    event: EventMatch
    start: Duration = Field(description="after exposure; what happens before it does not count")
    value_type: Literal[ValueType.SHARE] = ValueType.SHARE
    missing: Literal[Missing.ZERO] = Missing.ZERO

    @model_validator(mode="after")
    def _starts_inside(self) -> Self:
        if self.start >= self.window:
            raise ValueError(f"start must lie before the end of the window, {self.window}, got {self.start}")
        return self


class TimeUnit(StrEnum):
    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


class TimeBetweenDefinition(_Definition):
    """The time from the first ``start`` in the window to the first ``end`` at or after it, in the window.

    Where both are the same event by name, ``end`` is a later one. Units without both have no value: an arm
    that changes how many get there is found by the check of the observed share.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "aggregation": "time_between",
                    "start": {"event": "quote_requested"},
                    "end": {"event": "quote_shown"},
                    "unit": "minute",
                    "window": "P7D",
                }
            ]
        }
    )

    aggregation: Literal[Aggregation.TIME_BETWEEN]
    start: EventMatch
    end: EventMatch
    unit: TimeUnit = Field(examples=["minute"])
    value_type: Literal[ValueType.DURATION] = ValueType.DURATION
    missing: Literal[Missing.EXCLUDE] = Missing.EXCLUDE


class Step(Wire):
    """One step of a journey: the first such outcome after the step before it, or none (``absent``)."""

    event: EventMatch
    within: Duration | None = Field(default=None, description="of the step before; null: of the window")
    absent: StrictBool = Field(default=False, description="the journey holds if this does not happen")


class JourneyDefinition(_Definition):
    """1 if the unit went all the way, else 0: A then B then C; or A, then not B within w.

    The journey starts at the unit's first outcome of the first step and takes, at each step, the first
    outcome at or after the one before (a later one, where both have the same event name). An absent step
    comes last and says within which time; all that precedes it counts only where it happened so early that
    this time ends inside the window. Unless ``missing`` is "zero", only those who took the first step have a
    journey.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "aggregation": "journey",
                    "steps": [
                        {"event": {"event": "digital_task_started"}},
                        {"event": {"event": "call_started"}, "within": "P1D", "absent": True},
                    ],
                    "window": "P7D",
                }
            ]
        }
    )

    aggregation: Literal[Aggregation.JOURNEY]
    steps: Annotated[tuple[Step, ...], Field(min_length=2, max_length=10)]
    value_type: Literal[ValueType.SHARE] = ValueType.SHARE
    missing: Missing = Missing.EXCLUDE

    @model_validator(mode="after")
    def _steps_fit(self) -> Self:
        first, *between, last = self.steps
        if first.within is not None or any(step.absent for step in (first, *between)):
            raise ValueError("the first step has no within, and only the last step can be absent")
        if last.absent and last.within is None:
            raise ValueError("an absent step needs within: how long nothing of it must happen")
        if any(step.within is not None and step.within >= self.window for step in self.steps):
            raise ValueError(f"every within must be shorter than the window, {self.window}")
        return self


class DistinctDefinition(_Definition):
    """How many different values a property of the matching outcomes has; texts and numbers never equal."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "aggregation": "distinct",
                    "event": {"event": "quote_shown"},
                    "property": "insurer",
                    "window": "P7D",
                }
            ]
        }
    )

    aggregation: Literal[Aggregation.DISTINCT]
    event: EventMatch
    property: Name = Field(examples=["insurer"])
    value_type: Literal[ValueType.COUNT] = ValueType.COUNT
    missing: Missing = Missing.ZERO


class LastDefinition(_Valued):
    """The value of the last matching outcome that has one; of several at the same moment, the largest."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "aggregation": "last",
                    "event": {"event": "balance_changed"},
                    "value_type": "money",
                    "window": "P30D",
                }
            ]
        }
    )

    aggregation: Literal[Aggregation.LAST]
    missing: Missing = Missing.EXCLUDE


class UnitValue(StrEnum):
    """What one unit's number is, where a quantile is taken over units."""

    MEAN = "mean"
    SUM = "sum"


class QuantileDefinition(_Valued):
    """A quantile over units, such as the wait that nine of ten customers do not exceed.

    Units are what is randomised, so each counts once, by its own mean (or sum) in the window. A relationship
    needs means, so that a quantile is no CPI, and no KPI of a hypothesis: it is looked at beside them.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "aggregation": "quantile",
                    "quantile": 0.9,
                    "event": {"event": "call_answered"},
                    "value_property": "waited_minutes",
                    "value_type": "duration",
                    "window": "P14D",
                }
            ]
        }
    )

    aggregation: Literal[Aggregation.QUANTILE]
    quantile: Annotated[float, Strict(), Field(gt=0, lt=1)] = Field(examples=[0.9])
    of: UnitValue = UnitValue.MEAN
    missing: Literal[Missing.EXCLUDE] = Missing.EXCLUDE
    pre_period: DurationOrZero = timedelta(0)


type Definition = Annotated[
    MeanDefinition
    | SumDefinition
    | CountDefinition
    | ProportionDefinition
    | RatioDefinition
    | RetentionDefinition
    | TimeBetweenDefinition
    | JourneyDefinition
    | DistinctDefinition
    | LastDefinition
    | QuantileDefinition,
    Field(discriminator="aggregation"),
]
