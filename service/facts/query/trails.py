"""How is an order of outcomes found: one after another, not after another, the last of them?

Tables of the analysed units that have them, by joins and smallest times alone, which every engine has.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from service.facts.query.columns import Elapsed, Latest, Period, Reached, Trail
from service.facts.query.matching import matches, value_of
from service.metrics.definitions import EventMatch, Step

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, NumericValue, Table

_MICROSECOND = timedelta(microseconds=1)


def trail(analysed: "Table", outcomes: "Table", path: Trail, name: str) -> "Table":
    """Units that took the first step: `name_0`, `name_1`, … when after exposure each step was taken."""
    begun = _moments(analysed, outcomes, path.steps[0].event, _present(path))
    found = begun.group_by("unit").aggregate(**{f"{name}_0": begun.after.min()})
    for place in range(1, len(path.steps)):
        taken = _next(analysed, outcomes, path, place, found.select("unit", f"{name}_{place - 1}"))
        when = taken.group_by("unit").aggregate(**{f"{name}_{place}": taken.after.min()})
        found = found.left_join(when, "unit").drop("unit_right")
    return found


def reached(units: "Table", part: Reached, name: str) -> "NumericValue":
    """1 or 0; an absent step is reached from the one before it."""
    absent = part.trail.steps[part.step].absent
    there = units[f"{name}_{part.step}"]
    holds = units[f"{name}_{part.step - 1}"].notnull() & there.isnull() if absent else there.notnull()
    return holds.ifelse(1, 0).cast("float64")


def elapsed(units: "Table", part: Elapsed, name: str) -> "NumericValue":
    last = len(part.trail.steps) - 1
    took = units[f"{name}_{last}"] - units[f"{name}_0"]
    return (took.cast("float64") / float(part.per // _MICROSECOND)).fill_null(0.0)


def latest(analysed: "Table", outcomes: "Table", part: Latest, name: str) -> "Table":
    """Units that have a value: the one of the last moment, the largest of that moment."""
    seen = outcomes.filter(matches(outcomes, part.match))
    valued = seen.select("unit", "at", value=value_of(seen, part.value_property))
    rows = _during(analysed, valued.filter(valued.value.notnull()), part.period)
    last = rows.group_by("unit").aggregate(last=rows.after.max())
    both = rows.join(last, "unit")
    at_last = both.filter(both["after"] == both["last"])
    return at_last.group_by("unit").aggregate(**{name: at_last.value.max()})


def _present(path: Trail) -> Period:
    """When steps count that are taken: so early that an absence after them can be seen to its end."""
    last = path.steps[-1]
    if not last.absent or last.within is None:
        return path.period
    return Period(start=path.period.start, end=path.period.end - last.within)


def _next(analysed: "Table", outcomes: "Table", path: Trail, place: int, before: "Table") -> "Table":
    """The outcomes of a step that follow the unit's step before it, soon enough."""
    step, previous = path.steps[place], path.steps[place - 1]
    rows = _moments(analysed, outcomes, step.event, path.period if step.absent else _present(path))
    both = rows.join(before, "unit")
    return both.filter(_follows(both, both[before.columns[1]], step, previous))


def _follows(rows: "Table", earlier: "NumericValue", step: Step, previous: Step) -> "BooleanValue":
    """At or after; one and the same outcome is never two steps."""
    same = step.event.event == previous.event.event
    follows = rows["after"] > earlier if same else rows["after"] >= earlier
    if step.within is None:
        return follows
    return follows & (rows["after"] < earlier + step.within // _MICROSECOND)


def _moments(analysed: "Table", outcomes: "Table", match: EventMatch, period: Period) -> "Table":
    seen = outcomes.filter(matches(outcomes, match))
    return _during(analysed, seen.select("unit", "at"), period)


def _during(analysed: "Table", rows: "Table", period: Period) -> "Table":
    """The rows of analysed units in a period, with the time after exposure in microseconds."""
    joined = rows.join(analysed, "unit")
    timed = joined.mutate(after=joined["at"] - joined["exposed_at"]).drop("at", "exposed_at")
    start, end = period.start // _MICROSECOND, period.end // _MICROSECOND
    return timed.filter((timed["after"] >= start) & (timed["after"] < end))
