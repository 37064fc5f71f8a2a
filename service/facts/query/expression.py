"""How are the units of an experiment or a population written as one Ibis expression, with all their numbers?

Every outcome of interest is read once and joined once; each tally is a conditional sum in that one pass.
What asks for an order of outcomes is found beside it (trails.py). Times are compared as whole microseconds:
arithmetic on zoned timestamps asks a calendar for every row, which made the query four times slower.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Self

from service.facts.query import identities, knowledge, trails
from service.facts.query.answer import UnitState
from service.facts.query.columns import (
    Column,
    Elapsed,
    Latest,
    Part,
    Period,
    Quantity,
    Reached,
    Shape,
    Tally,
    Trail,
    columns_of,
    term_tally,
)
from service.facts.query.functions import microseconds
from service.facts.query.matching import key_of, matches, value_of
from service.facts.query.question import EXPOSURES, MomentsQuery, PerUnit, PopulationQuery
from service.facts.tables import FactKind
from service.metrics.definitions import EventMatch

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, IntegerValue, NumericValue, Table

TABLES = {
    FactKind.ASSIGNMENTS: {
        "experiment": "string",
        "unit": "string",
        "arm": "string",
        "time": "timestamp('UTC', 6)",
        "phase": "int32",
    },
    FactKind.OUTCOMES: {
        "unit": "string",
        "event": "string",
        "time": "timestamp('UTC', 6)",
        "value": "float64",
        "properties": "string",
    },
    FactKind.EXPOSURES: {
        "experiment": "string",
        "unit": "string",
        "time": "timestamp('UTC', 6)",
    },
    FactKind.ATTRIBUTES: {
        "unit": "string",
        "name": "string",
        "text": "string",
        "number": "float64",
        "truth": "boolean",
        "time": "timestamp('UTC', 6)",
    },
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A short name for everything that the columns need of a row or of a unit, each once."""

    tallies: dict[Tally, str]
    matches: dict[EventMatch, str]
    values: dict[str | None, str]
    keys: dict[str | None, str]
    periods: dict[Period, str]
    trails: dict[Trail, str]
    latest: dict[Latest, str]
    events: tuple[str, ...]  # of all of them

    @classmethod
    def of(cls, parts: Iterable[Part]) -> Self:
        asked = list(dict.fromkeys(parts))
        tallies = [part for part in asked if isinstance(part, Tally)]
        paths = [part.trail for part in asked if isinstance(part, Reached | Elapsed)]
        latest = [part for part in asked if isinstance(part, Latest)]
        valued = [one for one in tallies if one.quantity in (Quantity.VALUES, Quantity.SUM)]
        told_apart = [one for one in tallies if one.quantity is Quantity.DISTINCT]
        matched = [one.match for one in tallies]
        elsewhere = [one.match for one in latest] + [step.event for path in paths for step in path.steps]
        return cls(
            tallies=_named("t", tallies),
            matches=_named("m", matched),
            values=_named("v", (one.value_property for one in valued)),
            keys=_named("k", (one.value_property for one in told_apart)),
            periods=_named("p", (one.period for one in tallies)),
            trails=_named("j", paths),
            latest=_named("l", latest),
            events=tuple(sorted({match.event for match in (*matched, *elsewhere)})),
        )


def _named[T: Hashable](prefix: str, things: Iterable[T]) -> dict[T, str]:
    return {thing: f"{prefix}{place}" for place, thing in enumerate(dict.fromkeys(things))}


def units_expression(query: PerUnit, *, merged: bool = False, named: bool = False) -> "Table":
    """One row per unit, anchored or not: state, arm, phase, day; c0.. of ``column_names``, s0.. of segments.

    ``day`` is the UTC day, counted from 1970, of the exposure, or of the assignment where there was none.
    ``merged`` says that some ids go by another's name; without any nothing is asked of anybody's identity.
    ``named`` adds who it is, as ``unit``.
    """
    import ibis

    facts = {kind: ibis.table(columns, name=kind.value) for kind, columns in TABLES.items()}
    if merged:
        names = ibis.table(identities.COLUMNS, name=identities.MERGED)
        facts = {kind: identities.resolved(table, names) for kind, table in facts.items()}
    outcomes = _known(facts[FactKind.OUTCOMES], query.outcomes_since, query.outcomes_until)
    attributes = _known(facts[FactKind.ATTRIBUTES], None, query.as_of)
    match query:
        case MomentsQuery():
            assignments = _known(facts[FactKind.ASSIGNMENTS], None, query.as_of)
            exposures = _known(facts[FactKind.EXPOSURES], None, query.as_of)
            exposed = _exposed(_assigned(assignments, query), outcomes, exposures, query)
            anchored = _classified(exposed, query)
        case PopulationQuery():
            anchored = _anchored(outcomes, attributes, query)
        case _:
            raise TypeError(f"expected a question of an experiment or of a population, got {query}")
    return _units(anchored, outcomes, attributes, query, named=named)


def tables_of(query: PerUnit) -> tuple[FactKind, ...]:
    """The tables that the expression reads."""
    attributes = (FactKind.ATTRIBUTES,) if knowledge.names(query) or _by_attribute(query) else ()
    if not isinstance(query, MomentsQuery):
        return (FactKind.OUTCOMES, *attributes)
    exposures = (FactKind.EXPOSURES,) if query.exposure == EXPOSURES else ()
    return (FactKind.ASSIGNMENTS, FactKind.OUTCOMES, *exposures, *attributes)


def _by_attribute(query: PerUnit) -> bool:
    return isinstance(query, PopulationQuery) and isinstance(query.anchor, str)


def column_names(query: PerUnit) -> tuple[str, ...]:
    """What c0, c1, … are: the metrics' columns, then the attributes'."""
    return (*(column.name for column in columns_of(query.metrics)), *knowledge.column_names(query))


def _known(table: "Table", since: datetime | None, until: datetime) -> "Table":
    """What had happened by then, whatever came in later; with the time in microseconds."""
    timed = table.mutate(at=microseconds(table.time)).drop("time")
    known = timed.filter(timed["at"] < _stamp(until))
    return known if since is None else known.filter(known["at"] >= _stamp(since))


def _assigned(assignments: "Table", query: MomentsQuery) -> "Table":
    """One row per unit. Phases follow one another: the first assignment is the one in the lowest phase.

    Whatever was assigned after the stop changes nothing that was found before: it names no arm.
    """
    ours = assignments.filter(assignments.experiment == query.experiment)
    in_time = None if query.stopped_at is None else ours["at"] < _stamp(query.stopped_at)
    several = "member" in ours.columns
    found = ours.group_by(["unit", "member"] if several else ["unit"]).aggregate(
        arm=ours.arm.min(where=in_time),
        last_arm=ours.arm.max(where=in_time),
        phase=ours.phase.min(where=in_time),
        assigned_at=ours["at"].min(),
    )
    return identities.gathered(found) if several else found


def _exposed(assigned: "Table", outcomes: "Table", exposures: "Table", query: MomentsQuery) -> "Table":
    """When each unit met the difference: the first time at or after its assignment that says so."""
    if query.exposure is None:
        return assigned.mutate(exposed_at=assigned.assigned_at)
    if isinstance(query.exposure, EventMatch):
        seen = outcomes.filter(matches(outcomes, query.exposure))
    else:
        seen = exposures.filter(exposures.experiment == query.experiment)
    met = seen.select("unit", "at").join(assigned, "unit")
    in_order = met.filter(met["at"] >= met["assigned_at"])
    first = in_order.group_by("unit").aggregate(first=in_order["at"].min())
    joined = assigned.left_join(first, "unit")
    return joined.select(*assigned.columns, exposed_at=joined.first)


def _classified(units: "Table", query: MomentsQuery) -> "Table":
    """What becomes of each assigned unit; only those analysed keep the time that windows start at."""
    import ibis

    at = units.exposed_at
    state = ibis.cases(
        (units.arm.isnull(), UnitState.OUTSIDE_DATES.value),
        *identities.across_arms(units),
        (~units.arm.isin(query.arms), UnitState.UNKNOWN_ARM.value),
        (~units.phase.isin(query.phases), UnitState.UNKNOWN_PHASE.value),
        (at.isnull(), UnitState.NOT_EXPOSED.value),
        (at < _stamp(query.started_at), UnitState.OUTSIDE_DATES.value),
        (at >= _stamp(query.stopped_at), UnitState.OUTSIDE_DATES.value),
        (at > _stamp(query.as_of - query.closes_after), UnitState.WINDOW_OPEN.value),
        else_=UnitState.ANALYSED.value,
    )
    day = ibis.coalesce(at, units.assigned_at) // _DAY
    classified = units.select("unit", "arm", "phase", "exposed_at", state=state, day=day.cast("int32"))
    kept = classified.state == UnitState.ANALYSED.value
    return classified.mutate(exposed_at=kept.ifelse(classified.exposed_at, ibis.null("int64")))


def _anchored(outcomes: "Table", attributes: "Table", query: PopulationQuery) -> "Table":
    """The seam between who is asked about and what is asked: unit, arm, phase, anchor, state and day.

    Of a population nobody has an arm, and the anchor is the first time in the period that says so.
    """
    import ibis

    if isinstance(query.anchor, str):
        seen = attributes.filter(attributes.name == query.anchor)
    else:
        seen = outcomes.filter(matches(outcomes, query.anchor))
    if query.started_at is not None:
        seen = seen.filter(seen["at"] >= _stamp(query.started_at))
    if query.stopped_at is not None:
        seen = seen.filter(seen["at"] < _stamp(query.stopped_at))
    first = seen.group_by("unit").aggregate(anchor=seen["at"].min())
    kept = first.anchor <= _stamp(query.as_of - query.closes_after)
    return first.select(
        "unit",
        arm=ibis.null("string"),
        phase=ibis.null("int32"),
        exposed_at=kept.ifelse(first.anchor, ibis.null("int64")),
        state=kept.ifelse(UnitState.ANALYSED.value, UnitState.WINDOW_OPEN.value),
        day=(first.anchor // _DAY).cast("int32"),
    )


def _units(
    classified: "Table", outcomes: "Table", attributes: "Table", query: PerUnit, *, named: bool
) -> "Table":
    """One row per unit, anchored or not, with every column; a unit without outcomes has zeros."""
    columns = columns_of(query.metrics)
    amounts = [term_tally(term, period) for term, period in knowledge.amounts(query)]
    layout = Layout.of((*(part for one in columns for part in (*one.parts, *one.only_if)), *amounts))
    tallied = _tallied(classified, outcomes, layout)
    analysed = classified.filter(classified.exposed_at.notnull()).select("unit", "exposed_at")
    for trail, name in layout.trails.items():
        tallied = tallied.left_join(trails.trail(analysed, outcomes, trail, name), "unit").drop("unit_right")
    for latest, name in layout.latest.items():
        tallied = tallied.left_join(trails.latest(analysed, outcomes, latest, name), "unit").drop(
            "unit_right"
        )
    if knowledge.names(query):
        known = knowledge.by_unit(analysed, attributes, query)
        tallied = tallied.left_join(known, "unit").drop("unit_right")
    numbers = [_number(tallied, column, layout) for column in columns] + knowledge.numbers(tallied, query)
    found = [tallied[layout.tallies[amount]] for amount in amounts]
    return tallied.select(
        "state",
        "arm",
        "phase",
        "day",
        **{f"c{place}": number for place, number in enumerate(numbers)},
        **{f"s{place}": value for place, value in enumerate(knowledge.segments(tallied, found, query))},
        **knowledge.cluster(tallied, query),
        **({"unit": tallied["unit"]} if named else {}),
    )


def _tallied(classified: "Table", outcomes: "Table", layout: Layout) -> "Table":
    import ibis

    rows = _joined(classified, _rows(outcomes, layout), layout)
    return rows.group_by("unit").aggregate(
        state=ibis.coalesce(rows.state.arbitrary(), UnitState.UNASSIGNED.value),
        arm=rows.arm.arbitrary(),
        phase=rows.phase.arbitrary(),
        day=rows.day.arbitrary(),
        **{name: _tally(rows, tally, layout) for tally, name in layout.tallies.items()},
    )


def _rows(outcomes: "Table", layout: Layout) -> "Table":
    """The outcomes of interest: when, which matches they are, and the values they carry."""
    ours = outcomes.filter(outcomes.event.isin(layout.events))
    return ours.select(
        "unit",
        "at",
        **{name: matches(ours, match) for match, name in layout.matches.items()},
        **{name: value_of(ours, value_property) for value_property, name in layout.values.items()},
        **{name: key_of(ours, key or "") for key, name in layout.keys.items()},
    )


def _joined(classified: "Table", rows: "Table", layout: Layout) -> "Table":
    """A full join: units without outcomes count as zeros, units without assignment are counted."""
    import ibis

    joined = classified.outer_join(rows, "unit")
    after = joined["at"] - joined["exposed_at"]
    return joined.select(
        "state",
        "arm",
        "phase",
        "day",
        *layout.matches.values(),
        *layout.values.values(),
        *layout.keys.values(),
        unit=ibis.coalesce(joined["unit"], joined["unit_right"]),
        **{name: _within(after, period) for period, name in layout.periods.items()},
    )


def _within(after: "IntegerValue", period: Period) -> "BooleanValue":
    return (after >= period.start // _MICROSECOND) & (after < period.end // _MICROSECOND)


def _tally(rows: "Table", tally: Tally, layout: Layout) -> "NumericValue":
    counted = rows[layout.matches[tally.match]] & rows[layout.periods[tally.period]]
    if tally.quantity is Quantity.OUTCOMES:
        return rows.count(where=counted).fill_null(0).cast("float64")
    if tally.quantity is Quantity.DISTINCT:
        return rows[layout.keys[tally.value_property]].nunique(where=counted).cast("float64")
    values = rows[layout.values[tally.value_property]]
    if tally.quantity is Quantity.VALUES:
        return values.count(where=counted).cast("float64")
    return values.sum(where=counted).fill_null(0.0)


def _number(units: "Table", column: Column, layout: Layout) -> "NumericValue":
    number = _shaped([_part(units, part, layout) for part in column.parts], column.shape)
    if column.cap is not None:
        number = number.clip(lower=column.cap.lower, upper=column.cap.upper)
    if not column.only_if:
        return number
    return _all_positive([_part(units, part, layout) for part in column.only_if]).ifelse(number, 0.0)


def _part(units: "Table", part: Part, layout: Layout) -> "NumericValue":
    match part:
        case Tally():
            return units[layout.tallies[part]]
        case Reached():
            return trails.reached(units, part, layout.trails[part.trail])
        case Elapsed():
            return trails.elapsed(units, part, layout.trails[part.trail])
        case Latest():
            return units[layout.latest[part]].fill_null(0.0)


def _shaped(parts: "Sequence[NumericValue]", shape: Shape) -> "NumericValue":
    if shape is Shape.TOTAL:
        return parts[0]
    if shape is Shape.AVERAGE:
        total, number = parts
        return (number > 0).ifelse(total / number, 0.0)
    return _all_positive(parts).ifelse(1, 0).cast("float64")


def _all_positive(parts: "Sequence[NumericValue]") -> "BooleanValue":
    return reduce(and_, [part > 0 for part in parts])


def _stamp(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND
