"""How does a metric turn one unit's outcomes into its value?

The definition is frozen with the metric's version. The unit's value: ``count`` = how many outcomes match,
``sum`` = Σ value, ``mean`` = the unit's own mean, ``proportion`` = 1 if every event of ``all_of`` happened,
else 0, ``ratio`` = (Σ numerator, Σ denominator); all of them inside [exposure, exposure + window).
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from service.kit.text import Duration, DurationOrZero, Name, Number


class Wire(BaseModel):
    """Frozen, and strict about fields that nobody declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MetricKind(StrEnum):
    CPI = "cpi"  # how the company performs for its customers
    KPI = "kpi"  # how customers perform for the company
    WATCH = "watch"  # a count to look at beside an experiment, never under test


class Aggregation(StrEnum):
    MEAN = "mean"
    PROPORTION = "proportion"
    COUNT = "count"
    SUM = "sum"
    RATIO = "ratio"


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

    DURATION = "duration"  # a time that passed: zero is the best there is, so it never stands for missing
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


type Definition = Annotated[
    MeanDefinition | SumDefinition | CountDefinition | ProportionDefinition | RatioDefinition,
    Field(discriminator="aggregation"),
]
