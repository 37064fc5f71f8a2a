"""What is a metric, as it crosses the wire? How it is computed is said in definitions.py."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from service.kit.text import Name, Note, Wire
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
from service.metrics.definitions import Definition


class MetricKind(StrEnum):
    CPI = "cpi"  # how the company performs for its customers
    KPI = "kpi"  # how customers perform for the company
    WATCH = "watch"  # a count to look at beside an experiment, never under test


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
