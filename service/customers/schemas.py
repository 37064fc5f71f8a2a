"""What is told of one customer?"""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.config import JsonDict

from service.customers.rules import Asked
from service.facts.tables import FactKind


class ExpectationKept(BaseModel):
    """What customers of a segment expect, and whether this one got it."""

    model_config = ConfigDict(frozen=True)

    segment: str
    level: float
    met: bool


class Delivered(BaseModel):
    """One CPI, as this customer had it in the window that ends at the moment of the answer."""

    model_config = ConfigDict(frozen=True)

    metric_id: str
    version: int
    name: str
    outcome: str | None = Field(description="In the customer's words.")
    unit: str = Field(description="Of the value: that of the increment.")
    unit_type: str = Field(description="Of the CPI: what it is measured of each of.")
    since: datetime
    value: float | None = Field(description="null where nothing was measured in the window.")
    expectations: tuple[ExpectationKept, ...] = Field(
        description="Of the customer's own segment, where an attribute of theirs names it; else of all. "
        "Empty where nothing was measured."
    )
    sentence: str


_DELIVERED: JsonDict = {
    "metric_id": "met_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "version": 1,
    "name": "Quick quote",
    "outcome": "I know what it costs before I have to move on",
    "unit": "minute",
    "unit_type": "customer",
    "since": "2026-11-15T09:00:00Z",
    "value": 0.4,
    "expectations": [{"segment": "consumers", "level": 0.5, "met": True}],
    "sentence": "Quick quote: 0.4 minute in the last 7 days; consumers expect 0.5 at most: kept.",
}


class ValueDelivered(BaseModel):
    """What this customer got, for a customer portal or a renewal letter."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "unit": "customer-4711",
                    "as_of": "2026-11-22T09:00:00Z",
                    "kept": 1,
                    "measured": 1,
                    "delivered": [_DELIVERED],
                }
            ]
        },
    )

    unit: str
    as_of: datetime
    kept: int = Field(description="CPIs that meet every expectation that is told.")
    measured: int = Field(description="CPIs with a value and an expectation.")
    delivered: tuple[Delivered, ...]

    @classmethod
    def of(cls, unit: str, as_of: datetime, delivered: tuple[Delivered, ...]) -> Self:
        """With the counts of what was kept."""
        judged = [one for one in delivered if one.expectations]
        kept = sum(all(each.met for each in one.expectations) for one in judged)
        return cls(unit=unit, as_of=as_of, kept=kept, measured=len(judged), delivered=delivered)

    def only(self, unit_type: str) -> Self:
        """The CPIs of one unit type alone."""
        own = tuple(one for one in self.delivered if one.unit_type == unit_type)
        return self.of(self.unit, self.as_of, own)


class JourneyMoment(BaseModel):
    """One thing that was sent about the unit."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    kind: FactKind
    what: str = Field(description="The event, the attribute, or the experiment's id.")
    value: float | None
    detail: str | None = Field(description="Properties as JSON, an attribute's text, or the arm.")


class Journey(BaseModel):
    """What happened to one unit, in order."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "unit": "customer-4711",
                    "as_of": "2026-11-22T09:00:00Z",
                    "left_out": 0,
                    "moments": [
                        {
                            "at": "2026-11-20T09:00:00Z",
                            "kind": "outcomes",
                            "what": "quote_shown",
                            "value": 0.4,
                            "detail": '{"channel": "web"}',
                        }
                    ],
                }
            ]
        },
    )

    unit: str
    as_of: datetime
    left_out: int = Field(description="Earlier moments than the latest 2,000.")
    moments: tuple[JourneyMoment, ...]


class Pending(BaseModel):
    """A worker is looking; ask again."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"state": "asked"}]})

    state: str


class Reading(BaseModel):
    """Who looked at what of a unit."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "ure_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "unit_sha256": "0" * 64,
                    "what": "journey",
                    "by": "cy@example.com",
                    "team": "growth",
                    "key_id": "0123456789abcdef",
                    "at": "2026-11-22T09:00:00Z",
                }
            ]
        },
    )

    id: str
    unit_sha256: str
    what: Asked
    by: str
    team: str
    key_id: str
    at: datetime


class Found(BaseModel):
    """A worker's answer, as it is kept for minutes; null where nothing was ever sent of the unit."""

    model_config = ConfigDict(frozen=True)

    value: ValueDelivered
    journey: Journey

    def document(self) -> dict[str, JsonValue]:
        return self.model_dump(mode="json")
