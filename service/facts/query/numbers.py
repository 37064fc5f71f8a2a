"""Of the outcomes that metrics read numbers from, how many have none?

A property that says "soon" where minutes are wanted is as good as absent to every sum and mean: the unit
lacks the metric, or has zero. Asked of all outcomes in the files that were read, whoever's they are: it is a
question of how they are recorded. Of each such property only the type is looked at, which costs little.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING

from service.facts.query.answer import NumbersRead
from service.facts.query.expression import TABLES
from service.facts.query.functions import NOTHING, NUMBERS, property_type
from service.facts.query.matching import matches
from service.facts.query.question import PerUnit
from service.facts.tables import FactKind
from service.metrics.definitions import (
    Definition,
    EventMatch,
    LastDefinition,
    MeanDefinition,
    QuantileDefinition,
    RatioDefinition,
    SumDefinition,
)

if TYPE_CHECKING:
    from ibis.expr.types import Table

type _Read = tuple[EventMatch, str | None]  # the property, or None for the outcome's own value


def numbers_read(
    query: PerUnit, ask: "Callable[[Table], Mapping[str, int]]"
) -> Mapping[str, tuple[NumbersRead, ...]]:
    """By metric, those that read a number; ``ask`` answers an expression of two columns."""
    reads = {ref: tuple(_reads(definition)) for ref, definition in query.metrics}
    known = {read: _found(read, ask) for read in dict.fromkeys(chain.from_iterable(reads.values()))}
    return {ref: tuple(known[read] for read in some) for ref, some in reads.items() if some}


def _found(read: _Read, ask: "Callable[[Table], Mapping[str, int]]") -> NumbersRead:
    """All outcomes of the event are asked first: where each has a number, conditions need not be read."""
    match, value_property = read
    found = _counted(match.model_copy(update={"where": ()}), value_property, ask)
    return found if found.numbers == found.outcomes or not match.where else _counted(*read, ask)


def _counted(
    match: EventMatch, value_property: str | None, ask: "Callable[[Table], Mapping[str, int]]"
) -> NumbersRead:
    counts = ask(_types(match, value_property))
    numbers = sum(counts.get(kind, 0) for kind in NUMBERS)
    outcomes = sum(counts.values())
    return NumbersRead(
        event=match.event,
        property=value_property,
        outcomes=outcomes,
        numbers=numbers,
        others=outcomes - numbers - counts.get(NOTHING, 0),
    )


def _types(match: EventMatch, value_property: str | None) -> "Table":
    """How many outcomes say something of each type; an own value is a number, or not there."""
    import ibis

    outcomes = ibis.table(TABLES[FactKind.OUTCOMES], name=FactKind.OUTCOMES.value)
    ours = outcomes.filter(matches(outcomes, match))
    if value_property is None:
        found = ours.value.isnull().ifelse(NOTHING, NUMBERS[-1])
    else:
        found = property_type(ours.properties, value_property)
    return ours.group_by(type=found).aggregate(n=ours.count())


def _reads(definition: Definition) -> Iterator[_Read]:
    match definition:
        case SumDefinition() | MeanDefinition() | LastDefinition() | QuantileDefinition():
            yield definition.event, definition.value_property
        case RatioDefinition():
            for term in (definition.numerator, definition.denominator):
                if not term.count:
                    yield term.event, term.value_property
        case _:
            return
