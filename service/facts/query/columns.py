"""Which numbers per unit does a metric need, and of which tallies of the unit's outcomes are they made?

Pure: the definition goes in, a plan comes out that an engine writes as SQL (expression.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from analyses import Measure
from service.kit.canonical import canonical_json, sha256_hex
from service.metrics.definitions import (
    Cap,
    CountDefinition,
    Definition,
    EventMatch,
    MeanDefinition,
    Missing,
    ProportionDefinition,
    RatioDefinition,
    SumDefinition,
    Term,
    Triggered,
)


class Quantity(StrEnum):
    """What is added up over the matching outcomes."""

    OUTCOMES = "outcomes"  # how many there are
    VALUES = "values"  # how many of them carry a value
    SUM = "sum"  # their values


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A stretch of time relative to the unit's exposure, closed-open."""

    start: timedelta
    end: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One sum over a unit's outcomes; ``value_property`` None is the outcome's own value."""

    quantity: Quantity
    match: EventMatch
    period: Period
    value_property: str | None = None


class Shape(StrEnum):
    """How a unit's number follows from its tallies."""

    TOTAL = "total"  # the one tally
    AVERAGE = "average"  # the first over the second, 0 if that is 0
    EVERY = "every"  # 1 if each is positive, else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One number per unit: the shape of its tallies, capped, and 0 unless each of ``only_if`` is positive."""

    name: str
    shape: Shape
    tallies: tuple[Tally, ...]
    cap: Cap | None = None
    only_if: tuple[Tally, ...] = ()


def rates(definition: Definition) -> Mapping[str, tuple[EventMatch, ...]]:
    """The columns that say for whom a metric is seen, and the events each asks for; the narrowest last.

    Whether a unit was triggered; and, as a ratio of what is counted is seen of those who have something to
    count, whether a unit has that. Metrics with the same events and window share the column.
    """
    asked: list[tuple[EventMatch, ...]] = []
    if isinstance(definition.population, Triggered):
        asked.append((definition.population.triggered,))
    if isinstance(definition, RatioDefinition) and definition.denominator.count:
        asked.append((*(asked[0] if asked else ()), definition.denominator.event))
    return {_rate(events, definition.window): events for events in map(_once, asked)}


def is_rate(definition: Definition, events: Sequence[EventMatch], window: timedelta) -> bool:
    """Whether a metric is itself the share of units that have all of these events in the window."""
    return (
        isinstance(definition, ProportionDefinition)
        and set(definition.all_of) == set(events)
        and definition.window == window
        and not isinstance(definition.population, Triggered)
    )


def _once(events: tuple[EventMatch, ...]) -> tuple[EventMatch, ...]:
    return tuple(dict.fromkeys(events))


def _rate(events: tuple[EventMatch, ...], window: timedelta) -> str:
    documents = [event.model_dump(mode="json") for event in events]
    trigger = documents[0] if len(documents) == 1 else documents
    identity = {"trigger": trigger, "window": window.total_seconds()}
    return f"trigger:{sha256_hex(canonical_json(identity))[:16]}"


def measure_of(ref: str, definition: Definition) -> Measure:
    """How the metric is read off the columns, with its pre-period columns as covariates."""
    names = [column.name for column in metric_columns(ref, definition)]
    return Measure(
        name=ref,
        value=ref,
        per=f"{ref}/per" if f"{ref}/per" in names else None,
        covariates=tuple(name for name in names if name.startswith(f"{ref}/pre")),
    )


def columns_of(metrics: Iterable[tuple[str, Definition]]) -> tuple[Column, ...]:
    """Every column of these metrics, each once; trigger rates last."""
    columns: dict[str, Column] = {}
    triggers: dict[str, Column] = {}
    for ref, definition in metrics:
        columns |= {column.name: column for column in metric_columns(ref, definition)}
        for name, events in rates(definition).items():
            tallies = tuple(_happened(event, _window(definition)) for event in events)
            triggers[name] = Column(name=name, shape=Shape.EVERY, tallies=tallies)
    return (*columns.values(), *triggers.values())


def metric_columns(ref: str, definition: Definition) -> tuple[Column, ...]:
    """`ref` and `ref/per` over the window, `ref/pre` and `ref/pre/per` over the time before exposure."""
    columns = [*_over(ref, definition, _window(definition))]
    if definition.pre_period > timedelta(0):
        before = Period(start=-definition.pre_period, end=timedelta(0))
        columns += _over(f"{ref}/pre", definition, before)
    return tuple(columns)


def _window(definition: Definition) -> Period:
    return Period(start=timedelta(0), end=definition.window)


def _over(name: str, definition: Definition, period: Period) -> Iterator[Column]:
    shape, tallies = _value(definition, period)
    trigger = tuple(_trigger(definition, period))
    observed = tuple(_observed(definition, period))
    yield Column(name=name, shape=shape, tallies=tallies, cap=definition.cap, only_if=(*observed, *trigger))
    if isinstance(definition, RatioDefinition):
        per = (_term(definition.denominator, period),)
        yield Column(name=f"{name}/per", shape=Shape.TOTAL, tallies=per, only_if=trigger)
    elif observed or trigger:
        yield Column(name=f"{name}/per", shape=Shape.EVERY, tallies=(*observed, *trigger))


def _value(definition: Definition, period: Period) -> tuple[Shape, tuple[Tally, ...]]:
    match definition:
        case CountDefinition():
            return Shape.TOTAL, (Tally(quantity=Quantity.OUTCOMES, match=definition.event, period=period),)
        case SumDefinition():
            return Shape.TOTAL, (_valued(definition, Quantity.SUM, period),)
        case MeanDefinition():
            both = (Quantity.SUM, Quantity.VALUES)
            return Shape.AVERAGE, tuple(_valued(definition, quantity, period) for quantity in both)
        case ProportionDefinition():
            return Shape.EVERY, tuple(
                Tally(quantity=Quantity.OUTCOMES, match=one, period=period) for one in definition.all_of
            )
        case RatioDefinition():
            return Shape.TOTAL, (_term(definition.numerator, period),)


def _observed(definition: Definition, period: Period) -> Iterator[Tally]:
    """What must be positive for the unit to have the metric at all; a ratio's denominator says it itself."""
    if definition.missing is Missing.ZERO:
        return
    if isinstance(definition, CountDefinition):
        yield Tally(quantity=Quantity.OUTCOMES, match=definition.event, period=period)
    elif isinstance(definition, SumDefinition | MeanDefinition):
        yield _valued(definition, Quantity.VALUES, period)


def _trigger(definition: Definition, period: Period) -> Iterator[Tally]:
    if isinstance(definition.population, Triggered):
        yield _happened(definition.population.triggered, period)


def _happened(event: EventMatch, period: Period) -> Tally:
    return Tally(quantity=Quantity.OUTCOMES, match=event, period=period)


def _valued(definition: SumDefinition | MeanDefinition, quantity: Quantity, period: Period) -> Tally:
    return Tally(
        quantity=quantity,
        match=definition.event,
        period=period,
        value_property=definition.value_property,
    )


def _term(term: Term, period: Period) -> Tally:
    quantity = Quantity.OUTCOMES if term.count else Quantity.SUM
    return Tally(quantity=quantity, match=term.event, period=period, value_property=term.value_property)
