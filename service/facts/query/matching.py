"""Which outcomes does a definition speak of, and which values do they carry? As Ibis expressions."""

from functools import reduce
from operator import and_, ge, gt, le, lt, or_
from typing import TYPE_CHECKING

from service.facts.query.functions import (
    has_property,
    number_property,
    text_property,
    truth_property,
)
from service.metrics.definitions import EventMatch, Operator, Where

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, NumericValue, StringValue, Table

_NEVER = False
_COMPARISONS = {Operator.LT: lt, Operator.LE: le, Operator.GT: gt, Operator.GE: ge}


def matches(outcomes: "Table", match: EventMatch) -> "BooleanValue":
    return reduce(and_, [_passes(outcomes, where) for where in match.where], outcomes.event == match.event)


def _passes(outcomes: "Table", where: Where) -> "BooleanValue":
    """A property that is absent passes no filter; one of another type differs from every value."""
    if where.op is Operator.NE:
        return has_property(outcomes.properties, where.property) & ~_equals_any(outcomes, where)
    if where.op in (Operator.EQ, Operator.IN):
        return _equals_any(outcomes, where)
    return _COMPARISONS[where.op](number_property(outcomes.properties, where.property), where.value)


def _equals_any(outcomes: "Table", where: Where) -> "BooleanValue":
    """Text equals text, a number a number, a truth a truth."""
    operands = where.value if isinstance(where.value, tuple) else (where.value,)
    kinds = (
        (bool, truth_property),
        (float, number_property),
        (str, text_property),
    )
    of_kinds = [
        read(outcomes.properties, where.property).isin(wanted).fill_null(_NEVER)
        for kind, read in kinds
        if (wanted := [operand for operand in operands if isinstance(operand, kind)])
    ]
    return reduce(or_, of_kinds)


def value_of(outcomes: "Table", value_property: str | None) -> "NumericValue":
    if value_property is None:
        return outcomes.value
    return number_property(outcomes.properties, value_property)


def key_of(outcomes: "Table", name: str) -> "StringValue":
    """A property's text or number as one text to tell values apart by: only texts begin with a quote."""
    import ibis

    text = text_property(outcomes.properties, name)
    number = number_property(outcomes.properties, name)
    return ibis.coalesce(ibis.literal('"') + text, number.cast("string"))
