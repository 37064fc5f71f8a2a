"""What is a metric, and how does it turn one unit's outcomes into its value?

The definition is frozen with the metric's version. The unit's value: ``count`` = how many outcomes match,
``sum`` = Σ value, ``mean`` = the unit's own mean, ``proportion`` = 1 if every event of ``all_of`` happened,
else 0, ``ratio`` = (Σ numerator, Σ denominator); all of them inside [exposure, exposure + window).
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StrictBool, StringConstraints, model_validator
from pydantic.config import JsonDict

from service.kit.text import Duration, DurationOrZero, Name, Note, Number, Wire
from service.metrics.customer import (
    INQUIRY,
    Better,
    CustomerEvidence,
    Expectation,
    Function,
    Increment,
    MetricState,
    Money,
    Scale,
    ValueKind,
)


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

type Slug = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
]

QUICK_QUOTE: JsonDict = {
    "kind": "cpi",
    "name": "Quick quote",
    "unit_type": "customer",
    "description": "Minutes from asking for a quote to seeing one",
    "function": "marketing",
    "value_kind": "time",
    "outcome": "I know what the insurance costs before I have to move on",
    "increment": {"amount": 1, "unit": "minute", "better": "lower"},
    "expectations": [{"segment": "consumers", "level": 0.5, "note": "While they are still on the page"}],
    "evidence": [INQUIRY],
    "cost_of_one_increment": {"amount": 2, "currency": "EUR"},
    "definition": {
        "aggregation": "mean",
        "event": {"event": "quote_shown"},
        "value_property": "minutes",
        "value_type": "duration",
        "window": "P7D",
        "population": {"triggered": {"event": "quote_requested"}},
    },
}


REGISTERED: JsonDict = {
    "id": "met_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "version": 1,
    "state": "qualified",
    "warnings": [],
    "team": "growth",
    "owner": "ada@example.com",
    "author": "ada@example.com",
    "created_at": "2026-04-01T09:00:00Z",
    "updated_at": "2026-04-01T09:00:00Z",
}


class MetricDraft(Wire):
    """A metric as its team describes it; which fields a kind needs is judged by the registry's rules."""

    model_config = ConfigDict(json_schema_extra={"examples": [QUICK_QUOTE]})

    kind: MetricKind
    name: Name = Field(examples=["Quick quote"])
    unit_type: Name = Field(description="what is randomised and measured", examples=["customer"])
    definition: Definition
    description: Note | None = None
    function: Function | None = None
    template: Slug | None = Field(
        default=None, description="the template it is taken from", examples=["quick-quote"]
    )
    scale: Scale | None = Field(default=None, description="of a survey's rating; never a CPI's")
    # A CPI's own fields.
    outcome: Note | None = Field(default=None, description="in the customer's words")
    increment: Increment | None = None
    value_kind: ValueKind | None = None
    value_note: Note | None = Field(default=None, description="what customers gain, if value_kind is other")
    expectations: Annotated[tuple[Expectation, ...], Field(max_length=100)] = ()
    evidence: Annotated[tuple[CustomerEvidence, ...], Field(max_length=200)] = ()
    cost_of_one_increment: Money | None = None
    # A KPI's own fields.
    value_of_one_unit: Money | None = None
    better: Better | None = Field(
        default=None, description="which direction the company wants; a CPI says it in its increment"
    )
    # A watched count's own field.
    better_question: Note | None = Field(default=None, description="what to measure instead of the count")


class MetricChange(Wire):
    """The fields that change, each replaced as a whole; kind, unit type and template stay."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Quick quote, first page"}]})

    name: Name | None = None
    definition: Definition | None = None
    description: Note | None = None
    function: Function | None = None
    scale: Scale | None = None
    outcome: Note | None = None
    increment: Increment | None = None
    value_kind: ValueKind | None = None
    value_note: Note | None = None
    expectations: Annotated[tuple[Expectation, ...], Field(max_length=100)] = ()
    evidence: Annotated[tuple[CustomerEvidence, ...], Field(max_length=200)] = ()
    cost_of_one_increment: Money | None = None
    value_of_one_unit: Money | None = None
    better: Better | None = None
    better_question: Note | None = None

    @model_validator(mode="after")
    def _keeps_its_core(self) -> Self:
        for field in ("name", "definition"):
            if field in self.model_fields_set and getattr(self, field) is None:
                raise ValueError(f"{field} can be replaced, not removed")
        return self


class Warned(Wire):
    """Something doubtful that was accepted, and what would settle it."""

    rule: str = Field(examples=["telling_name"])
    message: str
    how: str


class Metric(MetricDraft):
    """One version of a metric."""

    model_config = ConfigDict(json_schema_extra={"examples": [QUICK_QUOTE | REGISTERED]})

    id: str = Field(examples=["met_01kq3v5w8x9y2z4a6b8c0d1e2f"])
    version: int = Field(examples=[1])
    state: MetricState | None = Field(description="of a CPI, judged from all its evidence today")
    warnings: tuple[Warned, ...]
    team: str = Field(examples=["growth"])
    owner: str = Field(description="who registered it", examples=["ada@example.com"])
    author: str = Field(description="who wrote this version", examples=["ada@example.com"])
    created_at: datetime = Field(description="of the metric")
    updated_at: datetime = Field(description="of this version")


class Template(Wire):
    """A metric that other companies found worth having: a place to start from, not evidence."""

    slug: Slug
    reason: Note = Field(description="why it exists")
    refused_as_cpi: Note | None = Field(default=None, description="why it can never be a CPI")
    metric: MetricDraft = Field(description="ready to be posted to /v1/metrics, names of events adapted")
