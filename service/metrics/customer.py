"""What makes a metric a CPI? The customer's side of it: outcome, increment, expectations, evidence."""

import datetime as dt
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, Strict, StringConstraints
from pydantic.config import JsonDict

from service.kit.text import Name, Note, Number, PositiveNumber, Wire


class Function(StrEnum):
    """The part of the company that the metric serves."""

    MARKETING = "marketing"
    SALES = "sales"
    PRODUCT = "product"
    SERVICE = "service"
    OPERATIONS = "operations"
    FINANCE = "finance"


class ValueKind(StrEnum):
    """What customers gain from one increment."""

    TIME = "time"
    CONVENIENCE = "convenience"
    OPTIONS = "options"
    MONEY = "money"
    RECOGNITION = "recognition"
    EXPERT_HELP = "expert_help"
    PERSONAL_SERVICE = "personal_service"
    GOAL_REACHED = "goal_reached"
    BELONGING = "belonging"
    OTHER = "other"


class Better(StrEnum):
    LOWER = "lower"
    HIGHER = "higher"

    @property
    def sign(self) -> int:
        """What turns a change into a gain."""
        return 1 if self is Better.HIGHER else -1


class Method(StrEnum):
    """How it was learnt that customers value this."""

    CONTEXTUAL_INQUIRY_OBSERVATION = "contextual_inquiry_observation"
    CONTEXTUAL_INQUIRY_INTERVIEW = "contextual_inquiry_interview"
    ANOTHER_COMPANY = "another_company"
    INTERNAL_EXPERTS = "internal_experts"
    FOCUS_GROUP = "focus_group"
    SURVEY = "survey"
    LOGS = "logs"


class MetricState(StrEnum):
    PROVISIONAL = (
        "provisional"  # nobody has yet watched or asked customers where they try to reach the outcome
    )
    QUALIFIED = "qualified"


class Increment(Wire):
    """The step of a CPI that customers value."""

    amount: PositiveNumber = Field(description="in the metric's own unit", examples=[1.0])
    unit: Name = Field(examples=["minute"])
    better: Better = Field(examples=["lower"])

    @property
    def step(self) -> float:
        """One increment of improvement, in the metric's own unit: negative where less is better."""
        return self.amount * self.better.sign

    @property
    def words(self) -> str:
        """The step as people say it: "1 minute less"."""
        amount, unit = f"{self.amount:g}", self.unit
        if self.better is Better.LOWER:
            return f"{amount} {unit} less"
        return f"{amount} {unit} more"


class Expectation(Wire):
    """The level that customers of one segment expect."""

    segment: Name = Field(examples=["consumers"])
    level: Number = Field(description="in the metric's own unit", examples=[0.5])
    note: Note | None = Field(default=None, examples=["A quote while they are still on the page"])


INQUIRY: JsonDict = {
    "method": "contextual_inquiry_observation",
    "summary": "Nine of twelve gave up comparing insurers when a quote took over a minute",
    "place": "Car dealers' waiting rooms, Leeds",
    "researcher": "Grace Okafor",
    "journey_point": "Comparing insurers for a car just bought",
    "date": "2026-03-14",
    "customers": 12,
}


class CustomerEvidence(Wire):
    """Where the company learnt that customers value this outcome."""

    model_config = ConfigDict(json_schema_extra={"examples": [INQUIRY]})

    method: Method = Field(examples=["contextual_inquiry_observation"])
    summary: Note = Field(
        examples=["Nine of twelve gave up comparing insurers when a quote took over a minute"]
    )
    place: Name | None = Field(default=None, examples=["Car dealers' waiting rooms, Leeds"])
    researcher: Name | None = Field(default=None, examples=["Grace Okafor"])
    journey_point: Name | None = Field(default=None, examples=["Comparing insurers for a car just bought"])
    link: Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[^\s\x00-\x1f]+$")] | None = (
        Field(default=None, examples=["https://research.example.com/quotes-2026"])
    )
    date: dt.date = Field(examples=["2026-03-14"])
    customers: Annotated[int, Strict(), Field(ge=1, le=10**9)] | None = Field(
        default=None, description="how many customers were watched, asked or counted", examples=[12]
    )


class Money(Wire):
    amount: PositiveNumber = Field(examples=[180.0])
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(
        description="ISO 4217", examples=["EUR"]
    )


class Scale(Wire):
    """The survey scale that a rating is read from."""

    lowest: Number = Field(examples=[0])
    highest: Number = Field(examples=[10])
