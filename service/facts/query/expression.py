"""How are the moments written as one Ibis expression over pinned assignments and outcomes?

Every outcome of interest is read once and joined once; each tally is a conditional sum in that one pass.
Times are compared as whole microseconds: arithmetic on zoned timestamps asks a calendar for every row, which
made the query four times slower.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import combinations_with_replacement
from operator import and_, ge, gt, le, lt, or_
from typing import TYPE_CHECKING, Self

from service.facts.query.answer import UnitState
from service.facts.query.columns import Column, Period, Quantity, Shape, Tally, columns_of
from service.facts.query.functions import (
    has_property,
    microseconds,
    number_property,
    text_property,
    truth_property,
)
from service.facts.query.question import MomentsQuery
from service.metrics.definitions import EventMatch, Operator, Where

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, IntegerValue, NumericValue, Table

ASSIGNMENTS = {
    "experiment": "string",
    "unit": "string",
    "arm": "string",
    "time": "timestamp('UTC', 6)",
    "phase": "int32",
}
OUTCOMES = {
    "unit": "string",
    "event": "string",
    "time": "timestamp('UTC', 6)",
    "value": "float64",
    "properties": "string",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NEVER = False
_COMPARISONS = {Operator.LT: lt, Operator.LE: le, Operator.GT: gt, Operator.GE: ge}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A short name for everything that the columns need of a row or of a unit, each once."""

    tallies: dict[Tally, str]
    matches: dict[EventMatch, str]
    values: dict[str | None, str]
    periods: dict[Period, str]

    @classmethod
    def of(cls, columns: Iterable[Column]) -> Self:
        tallies = _named("t", (tally for column in columns for tally in (*column.tallies, *column.only_if)))
        valued = (tally for tally in tallies if tally.quantity is not Quantity.OUTCOMES)
        return cls(
            tallies=tallies,
            matches=_named("m", (tally.match for tally in tallies)),
            values=_named("v", (tally.value_property for tally in valued)),
            periods=_named("p", (tally.period for tally in tallies)),
        )


def _named[T: Hashable](prefix: str, things: Iterable[T]) -> dict[T, str]:
    return {thing: f"{prefix}{place}" for place, thing in enumerate(dict.fromkeys(things))}


def pairs(columns: int) -> list[tuple[int, int]]:
    """The upper triangle, in the order in which the expression gives the covariances."""
    return list(combinations_with_replacement(range(columns), 2))


def moments_expression(query: MomentsQuery) -> "Table":
    """One row per state, arm and phase: n, then the means, then the covariances of all columns."""
    import ibis

    assignments = _known(ibis.table(ASSIGNMENTS, name="assignments"), None, query.as_of)
    outcomes = _known(ibis.table(OUTCOMES, name="outcomes"), query.outcomes_since, query.as_of)
    classified = _classified(_exposed(_assigned(assignments, query), outcomes, query), query)
    return _moments(_units(classified, outcomes, columns_of(query.metrics)))


def _known(table: "Table", since: datetime | None, as_of: datetime) -> "Table":
    """What had happened by then, whatever came in later; with the time in microseconds."""
    timed = table.mutate(at=microseconds(table.time)).drop("time")
    known = timed.filter(timed["at"] < _stamp(as_of))
    return known if since is None else known.filter(known["at"] >= _stamp(since))


def _assigned(assignments: "Table", query: MomentsQuery) -> "Table":
    """One row per unit. Phases follow one another: the first assignment is the one in the lowest phase.

    Whatever was assigned after the stop changes nothing that was found before: it names no arm.
    """
    ours = assignments.filter(assignments.experiment == query.experiment)
    in_time = None if query.stopped_at is None else ours["at"] < _stamp(query.stopped_at)
    return ours.group_by("unit").aggregate(
        arm=ours.arm.min(where=in_time),
        last_arm=ours.arm.max(where=in_time),
        phase=ours.phase.min(where=in_time),
        exposed_at=ours["at"].min(),
    )


def _exposed(assigned: "Table", outcomes: "Table", query: MomentsQuery) -> "Table":
    """Where an event is the exposure, it is the first such event at or after the assignment."""
    if query.exposure is None:
        return assigned
    seen = outcomes.filter(_matches(outcomes, query.exposure))
    met = seen.select("unit", "at").join(assigned, "unit")
    first = (
        met.filter(met["at"] >= met["exposed_at"]).group_by("unit").aggregate(first=lambda t: t["at"].min())
    )
    joined = assigned.left_join(first, "unit")
    return joined.select("unit", "arm", "last_arm", "phase", exposed_at=joined.first)


def _classified(units: "Table", query: MomentsQuery) -> "Table":
    """What becomes of each assigned unit; only those analysed keep the time that windows start at."""
    import ibis

    at = units.exposed_at
    state = ibis.cases(
        (units.arm.isnull(), UnitState.OUTSIDE_DATES.value),
        (units.arm != units.last_arm, UnitState.MULTIPLE_ARMS.value),
        (~units.arm.isin(query.arms), UnitState.UNKNOWN_ARM.value),
        (~units.phase.isin(query.phases), UnitState.UNKNOWN_PHASE.value),
        (at.isnull(), UnitState.NOT_EXPOSED.value),
        (at < _stamp(query.started_at), UnitState.OUTSIDE_DATES.value),
        (at >= _stamp(query.stopped_at), UnitState.OUTSIDE_DATES.value),
        (at > _stamp(query.as_of - query.closes_after), UnitState.WINDOW_OPEN.value),
        else_=UnitState.ANALYSED.value,
    )
    classified = units.mutate(state=state).drop("last_arm")
    kept = classified.state == UnitState.ANALYSED.value
    return classified.mutate(exposed_at=kept.ifelse(classified.exposed_at, ibis.null("int64")))


def _units(classified: "Table", outcomes: "Table", columns: Sequence[Column]) -> "Table":
    """One row per unit, assigned or not, with every column; a unit without outcomes has zeros."""
    import ibis

    layout = Layout.of(columns)
    rows = _joined(classified, _rows(outcomes, layout), layout)
    units = rows.group_by("unit").aggregate(
        state=ibis.coalesce(rows.state.arbitrary(), UnitState.UNASSIGNED.value),
        arm=rows.arm.arbitrary(),
        phase=rows.phase.arbitrary(),
        **{name: _tallied(rows, tally, layout) for tally, name in layout.tallies.items()},
    )
    numbers = {f"c{place}": _number(units, column, layout) for place, column in enumerate(columns)}
    return units.select("state", "arm", "phase", **numbers)


def _rows(outcomes: "Table", layout: Layout) -> "Table":
    """The outcomes of interest: when, which matches they are, and the values they carry."""
    ours = outcomes.filter(outcomes.event.isin(sorted({match.event for match in layout.matches})))
    return ours.select(
        "unit",
        "at",
        **{name: _matches(ours, match) for match, name in layout.matches.items()},
        **{name: _value(ours, value_property) for value_property, name in layout.values.items()},
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
        *layout.matches.values(),
        *layout.values.values(),
        unit=ibis.coalesce(joined["unit"], joined["unit_right"]),
        **{name: _within(after, period) for period, name in layout.periods.items()},
    )


def _within(after: "IntegerValue", period: Period) -> "BooleanValue":
    return (after >= period.start // _MICROSECOND) & (after < period.end // _MICROSECOND)


def _tallied(rows: "Table", tally: Tally, layout: Layout) -> "NumericValue":
    counted = rows[layout.matches[tally.match]] & rows[layout.periods[tally.period]]
    if tally.quantity is Quantity.OUTCOMES:
        return rows.count(where=counted).cast("float64")
    values = rows[layout.values[tally.value_property]]
    if tally.quantity is Quantity.VALUES:
        return values.count(where=counted).cast("float64")
    return values.sum(where=counted).fill_null(0.0)


def _number(units: "Table", column: Column, layout: Layout) -> "NumericValue":
    number = _shaped([units[layout.tallies[tally]] for tally in column.tallies], column.shape)
    if column.cap is not None:
        number = number.clip(lower=column.cap.lower, upper=column.cap.upper)
    if not column.only_if:
        return number
    return _all_positive([units[layout.tallies[tally]] for tally in column.only_if]).ifelse(number, 0.0)


def _shaped(tallies: "Sequence[NumericValue]", shape: Shape) -> "NumericValue":
    if shape is Shape.TOTAL:
        return tallies[0]
    if shape is Shape.AVERAGE:
        total, number = tallies
        return (number > 0).ifelse(total / number, 0.0)
    return _all_positive(tallies).ifelse(1.0, 0.0)


def _all_positive(tallies: "Sequence[NumericValue]") -> "BooleanValue":
    return reduce(and_, [tally > 0 for tally in tallies])


def _moments(units: "Table") -> "Table":
    """Centred: DuckDB's covariance keeps its digits up to offsets of 1e6; sums of products lose them."""
    names = [name for name in units.columns if name.startswith("c")]
    keyed = pairs(len(names))
    return units.group_by(["state", "arm", "phase"]).aggregate(
        n=units.count(),
        **{f"mean_{name}": units[name].mean() for name in names},
        **{f"cov_{i}_{j}": units[names[i]].cov(units[names[j]], how="sample") for i, j in keyed},
    )


def _matches(outcomes: "Table", match: EventMatch) -> "BooleanValue":
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


def _value(outcomes: "Table", value_property: str | None) -> "NumericValue":
    if value_property is None:
        return outcomes.value
    return number_property(outcomes.properties, value_property)


def _stamp(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND
