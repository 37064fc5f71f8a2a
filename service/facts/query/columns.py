"""Which numbers per unit does a metric need, and of which parts of the unit's outcomes are they made?

Pure: the definition goes in, a plan comes out that an engine writes as SQL (expression.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from analyses import Measure
from service.kit.canonical import canonical_json, sha256_hex
from service.metrics.definitions import (
    Cap,
    CountDefinition,
    Definition,
    DistinctDefinition,
    EventMatch,
    JourneyDefinition,
    LastDefinition,
    MeanDefinition,
    Missing,
    ProportionDefinition,
    QuantileDefinition,
    RatioDefinition,
    RetentionDefinition,
    Step,
    SumDefinition,
    Term,
    TimeBetweenDefinition,
    TimeUnit,
    Triggered,
    UnitValue,
)

_TIMES = {
    TimeUnit.SECOND: timedelta(seconds=1),
    TimeUnit.MINUTE: timedelta(minutes=1),
    TimeUnit.HOUR: timedelta(hours=1),
    TimeUnit.DAY: timedelta(days=1),
}

type _OfOnePart = (
    CountDefinition
    | SumDefinition
    | QuantileDefinition
    | RatioDefinition
    | TimeBetweenDefinition
    | JourneyDefinition
    | DistinctDefinition
    | LastDefinition
)


class Quantity(StrEnum):
    """What is added up over the matching outcomes."""

    OUTCOMES = "outcomes"  # how many there are
    VALUES = "values"  # how many of them carry a value
    SUM = "sum"  # their values
    DISTINCT = "distinct"  # how many different texts and numbers the property has


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """A unit's first outcome of the first step, and at each step the first one after the step before."""

    steps: tuple[Step, ...]
    period: Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """1 if the unit came as far as this step, counted from 0; an absent step is reached by not taking it."""

    trail: Trail
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Elapsed:
    """The time from the first step to the last, in multiples of ``per``; 0 if the last was not reached."""

    trail: Trail
    per: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The value of the unit's last outcome that has one, else 0; of several at once the largest."""

    match: EventMatch
    period: Period
    value_property: str | None


type Part = Tally | Reached | Elapsed | Latest


class Shape(StrEnum):
    """How a unit's number follows from its parts."""

    TOTAL = "total"  # the one part
    AVERAGE = "average"  # the first over the second, 0 if that is 0
    EVERY = "every"  # 1 if each is positive, else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One number per unit: the shape of its parts, capped, and 0 unless each of ``only_if`` is positive."""

    name: str
    shape: Shape
    parts: tuple[Part, ...]
    cap: Cap | None = None
    only_if: tuple[Part, ...] = ()


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
            parts = tuple(_happened(event, _window(definition)) for event in events)
            triggers[name] = Column(name=name, shape=Shape.EVERY, parts=parts)
    return (*columns.values(), *triggers.values())


def metric_columns(ref: str, definition: Definition) -> tuple[Column, ...]:
    """`ref` and `ref/per` over the window, `ref/pre` and `ref/pre/per` over the time before exposure.

    A metric with a cap has `ref/uncapped` too: the same number without it, to be shown beside. A journey has
    `ref/step0`, `ref/step1`, …: who came as far as each step before the last.
    """
    columns = [*_over(ref, definition, _window(definition))]
    if definition.cap is not None:
        columns.append(replace(columns[0], name=f"{ref}/uncapped", cap=None))
    if isinstance(definition, JourneyDefinition):
        columns += _on_the_way(ref, definition)
    if definition.pre_period > timedelta(0):
        before = Period(start=-definition.pre_period, end=timedelta(0))
        columns += _over(f"{ref}/pre", definition, before)
    return tuple(columns)


def steps_of(ref: str, definition: JourneyDefinition) -> tuple[str, ...]:
    """The columns of who came how far; the first step is `ref/per` where it makes the journey."""
    first = 1 if definition.missing is Missing.EXCLUDE else 0
    return tuple(f"{ref}/step{step}" for step in range(first, len(definition.steps) - 1))


def _on_the_way(ref: str, definition: JourneyDefinition) -> Iterator[Column]:
    period = _window(definition)
    trail = _trail(definition, period)
    only_if = (*_observed(definition, period), *_trigger(definition, period))
    for name in steps_of(ref, definition):
        part = Reached(trail=trail, step=int(name.removeprefix(f"{ref}/step")))
        yield Column(name=name, shape=Shape.EVERY, parts=(part,), only_if=only_if)


def term_tally(term: Term, period: Period) -> Tally:
    """How many outcomes matched, or the sum of their values."""
    quantity = Quantity.OUTCOMES if term.count else Quantity.SUM
    return Tally(quantity=quantity, match=term.event, period=period, value_property=term.value_property)


def _window(definition: Definition) -> Period:
    return Period(start=timedelta(0), end=definition.window)


def _over(name: str, definition: Definition, period: Period) -> Iterator[Column]:
    shape, parts = _value(definition, period)
    trigger = tuple(_trigger(definition, period))
    observed = tuple(_observed(definition, period))
    yield Column(name=name, shape=shape, parts=parts, cap=definition.cap, only_if=(*observed, *trigger))
    if isinstance(definition, RatioDefinition):
        per = (term_tally(definition.denominator, period),)
        yield Column(name=f"{name}/per", shape=Shape.TOTAL, parts=per, only_if=trigger)
    elif observed or trigger:
        yield Column(name=f"{name}/per", shape=Shape.EVERY, parts=(*observed, *trigger))


def _value(definition: Definition, period: Period) -> tuple[Shape, tuple[Part, ...]]:
    match definition:
        case MeanDefinition() | QuantileDefinition(of=UnitValue.MEAN):
            both = (Quantity.SUM, Quantity.VALUES)
            return Shape.AVERAGE, tuple(_valued(definition, quantity, period) for quantity in both)
        case ProportionDefinition():
            return Shape.EVERY, tuple(_happened(one, period) for one in definition.all_of)
        case RetentionDefinition():
            return Shape.EVERY, (_happened(definition.event, _returning(definition, period)),)
        case _:
            return Shape.TOTAL, (_number(definition, period),)


def _number(definition: _OfOnePart, period: Period) -> Part:
    match definition:
        case CountDefinition() | SumDefinition() | QuantileDefinition() | RatioDefinition():
            return _amount(definition, period)
        case TimeBetweenDefinition():
            return Elapsed(trail=_trail(definition, period), per=_TIMES[definition.unit])
        case JourneyDefinition():
            return Reached(trail=_trail(definition, period), step=len(definition.steps) - 1)
        case DistinctDefinition():
            return _different(definition, period)
        case LastDefinition():
            return Latest(match=definition.event, period=period, value_property=definition.value_property)


def _amount(
    definition: CountDefinition | SumDefinition | QuantileDefinition | RatioDefinition, period: Period
) -> Tally:
    if isinstance(definition, CountDefinition):
        return _happened(definition.event, period)
    if isinstance(definition, RatioDefinition):
        return term_tally(definition.numerator, period)
    return _valued(definition, Quantity.SUM, period)


def _observed(definition: Definition, period: Period) -> Iterator[Part]:
    """What must be positive for the unit to have the metric at all; a ratio's denominator says it itself."""
    if definition.missing is Missing.ZERO:
        return
    match definition:
        case CountDefinition():
            yield _happened(definition.event, period)
        case DistinctDefinition():
            yield _different(definition, period)
        case SumDefinition() | MeanDefinition() | LastDefinition() | QuantileDefinition():
            yield _valued(definition, Quantity.VALUES, period)
        case TimeBetweenDefinition():
            yield Reached(trail=_trail(definition, period), step=1)
        case JourneyDefinition():
            yield Reached(trail=_trail(definition, period), step=0)


def _trigger(definition: Definition, period: Period) -> Iterator[Tally]:
    if isinstance(definition.population, Triggered):
        yield _happened(definition.population.triggered, period)


def _happened(event: EventMatch, period: Period) -> Tally:
    return Tally(quantity=Quantity.OUTCOMES, match=event, period=period)


def _valued(
    definition: SumDefinition | MeanDefinition | LastDefinition | QuantileDefinition,
    quantity: Quantity,
    period: Period,
) -> Tally:
    return Tally(
        quantity=quantity,
        match=definition.event,
        period=period,
        value_property=definition.value_property,
    )


def _different(definition: DistinctDefinition, period: Period) -> Tally:
    return Tally(
        quantity=Quantity.DISTINCT,
        match=definition.event,
        period=period,
        value_property=definition.property,
    )


def _returning(definition: RetentionDefinition, period: Period) -> Period:
    """Before exposure nothing was there to return to: the whole time counts."""
    after = period.start >= timedelta(0)
    return Period(start=definition.start, end=period.end) if after else period


def _trail(definition: TimeBetweenDefinition | JourneyDefinition, period: Period) -> Trail:
    if isinstance(definition, JourneyDefinition):
        return Trail(steps=definition.steps, period=period)
    return Trail(steps=(Step(event=definition.start), Step(event=definition.end)), period=period)
