"""Was a customer served as they expect, and how is it said to them?"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from math import isclose

from service.metrics.customer import Better, Expectation, Increment
from service.metrics.definitions import Aggregation, Definition
from service.metrics.schemas import Metric

DAY = timedelta(days=1)
FEWEST_DIGITS, MOST_DIGITS = 3, 15  # significant; more than 15 would tell how a float is stored
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


def of_types(cpis: Sequence[Metric], unit_types: Collection[str]) -> tuple[Metric, ...]:
    """Those of the customer's own unit types; where these are not known, all."""
    return tuple(one for one in cpis if not unit_types or one.unit_type in unit_types)


def compared(value: float, expectations: Sequence[Expectation], increment: Increment) -> tuple[Against, ...]:
    """Meeting an expectation exactly keeps it, and sums of floats are exact to 12 digits."""
    sign = increment.better.sign
    return tuple(
        Against(
            segment=one.segment,
            level=one.level,
            met=sign * (value - one.level) >= 0 or isclose(value, one.level, rel_tol=1e-12),
        )
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
    got = _got(definition, increment, value, [one.level for one in against])
    if not against:
        return f"{name}: {got} in the last {span}."
    bound = "at most" if increment.better is Better.LOWER else "at least"
    told = [
        f"{one.segment} expect {_plain(one.level, MOST_DIGITS)} {bound}: {'kept' if one.met else 'not kept'}"
        for one in against
    ]
    return f"{name}: {got} in the last {span}; {', '.join(told)}."


def _got(definition: Definition, increment: Increment, value: float, levels: Sequence[float]) -> str:
    if definition.aggregation in YES_OR_NO:
        return "it happened" if value else "it did not happen"
    return f"{told(value, levels)} {increment.unit}"


def told(value: float, levels: Sequence[float] = ()) -> str:
    """Rounded, but never across or onto a level that it is compared with, nor to whole tens.

    >>> told(1234567.0), told(0.4666), told(0.4999, [0.5])
    ('1234567', '0.467', '0.4999')
    """
    whole = max(FEWEST_DIGITS, len(f"{abs(value):.0f}"))
    for digits in range(whole, MOST_DIGITS):
        said = _plain(value, digits)
        if all((float(said) > one, float(said) < one) == (value > one, value < one) for one in levels):
            return said
    return _plain(value, MOST_DIGITS)


def _plain(value: float, digits: int) -> str:
    """Without an exponent.

    >>> _plain(1e6, 15), _plain(0.00001, 15), _plain(2.50, 15)
    ('1000000', '0.00001', '2.5')
    """
    return format(Decimal(f"{value:.{digits}g}"), "f")


def _span(window: timedelta) -> str:
    days = window / DAY
    if days >= 1:
        return f"{days:g} days"
    return f"{window / timedelta(hours=1):g} hours"
