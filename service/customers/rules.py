"""Was a customer served as they expect, and how is it said to them?"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from service.metrics.customer import Better, Expectation, Increment
from service.metrics.definitions import Aggregation, Definition

DAY = timedelta(days=1)
YES_OR_NO = frozenset({Aggregation.PROPORTION, Aggregation.RETENTION, Aggregation.JOURNEY})


class Asked(StrEnum):
    """What somebody looked at."""

    VALUE = "value_delivered"
    JOURNEY = "journey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """One expectation, and whether the customer's value meets it."""

    segment: str
    level: float
    met: bool


def fitting(expectations: Sequence[Expectation], traits: Collection[str]) -> tuple[Expectation, ...]:
    """The expectation of the customer's own segment, where a trait of theirs names one; else all of them."""
    known = {trait.casefold() for trait in traits}
    own = tuple(one for one in expectations if one.segment.casefold() in known)
    return own or tuple(expectations)


def compared(value: float, expectations: Sequence[Expectation], increment: Increment) -> tuple[Against, ...]:
    """Meeting an expectation exactly keeps it."""
    lower = increment.better is Better.LOWER
    return tuple(
        Against(segment=one.segment, level=one.level, met=value <= one.level if lower else value >= one.level)
        for one in expectations
    )


def sentence(
    name: str, definition: Definition, increment: Increment, value: float | None, against: Sequence[Against]
) -> str:
    """What the customer got, as a letter would say it.

    >>> from service.metrics.definitions import CountDefinition
    >>> calls = {"aggregation": "count", "event": {"event": "call"}, "window": "P30D"}
    >>> step = Increment(amount=1, unit="call", better="lower")
    >>> kept = (Against(segment="consumers", level=1.0, met=True),)
    >>> sentence("Calls needed", CountDefinition.model_validate(calls), step, 0.0, kept)
    'Calls needed: 0 call in the last 30 days; consumers expect 1 at most: kept.'
    """
    span = _span(definition.window)
    if value is None:
        return f"{name}: nothing was measured in the last {span}."
    got = _got(definition, increment, value)
    if not against:
        return f"{name}: {got} in the last {span}."
    bound = "at most" if increment.better is Better.LOWER else "at least"
    told = [
        f"{one.segment} expect {one.level:g} {bound}: {'kept' if one.met else 'not kept'}" for one in against
    ]
    return f"{name}: {got} in the last {span}; {', '.join(told)}."


def _got(definition: Definition, increment: Increment, value: float) -> str:
    if definition.aggregation in YES_OR_NO:
        return "it happened" if value else "it did not happen"
    return f"{value:.3g} {increment.unit}"


def _span(window: timedelta) -> str:
    days = window / DAY
    if days >= 1:
        return f"{days:g} days"
    return f"{window / timedelta(hours=1):g} hours"
