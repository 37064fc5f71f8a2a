"""The moments, unit by unit in plain Python, straight from the definitions: slow, and easy to believe."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from service.facts.query.answer import UnitState
from service.facts.query.question import MomentsQuery
from service.metrics.definitions import Aggregation, Definition, EventMatch, Missing, Term, Where

COMPARED = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True)
class Assigned:
    experiment: str
    unit: str
    arm: str
    time: datetime
    phase: int = 1


@dataclass(frozen=True)
class Happened:
    id: str
    unit: str
    event: str
    time: datetime
    value: float | None = None
    properties: str | None = None


def same(found: object, wanted: object) -> bool:
    return isinstance(found, bool) == isinstance(wanted, bool) and found == wanted


def passes(outcome: Happened, where: Where) -> bool:
    found = json.loads(outcome.properties or "{}").get(where.property)
    if found is None:
        return False
    if where.op == "in":
        return any(same(found, wanted) for wanted in where.value)
    if where.op in ("=", "!="):
        return same(found, where.value) == (where.op == "=")
    number = isinstance(found, int | float) and not isinstance(found, bool)
    return number and COMPARED[where.op](found, where.value)


def matches(outcome: Happened, match: EventMatch) -> bool:
    return outcome.event == match.event and all(passes(outcome, where) for where in match.where)


def value_of(outcome: Happened, name: str | None) -> float | None:
    if name is None:
        return outcome.value
    found = json.loads(outcome.properties or "{}").get(name)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def term(seen: Sequence[Happened], term: Term) -> float:
    matching = [outcome for outcome in seen if matches(outcome, term.event)]
    if term.count:
        return float(len(matching))
    return sum(value for outcome in matching if (value := value_of(outcome, term.value_property)) is not None)


def raw(seen: Sequence[Happened], definition: Definition) -> tuple[float | None, float | None]:
    """The unit's value (None: it has none) and, for a ratio, its denominator."""
    if definition.aggregation is Aggregation.RATIO:
        return term(seen, definition.numerator), term(seen, definition.denominator)
    if definition.aggregation is Aggregation.PROPORTION:
        return float(all(any(matches(o, one) for o in seen) for one in definition.all_of)), None
    matching = [outcome for outcome in seen if matches(outcome, definition.event)]
    if definition.aggregation is Aggregation.COUNT:
        return (float(len(matching)) if matching else None), None
    values = [v for o in matching if (v := value_of(o, definition.value_property)) is not None]
    if not values:
        return None, None
    return (sum(values) if definition.aggregation is Aggregation.SUM else sum(values) / len(values)), None


def numbers(seen: Sequence[Happened], definition: Definition, name: str) -> dict[str, float]:
    """`name` and, where not everybody has the metric, `name/per`."""
    value, per = raw(seen, definition)
    everybody = definition.missing is Missing.ZERO and definition.population == "all"
    observed = True
    if definition.population != "all":
        observed = any(matches(outcome, definition.population.triggered) for outcome in seen)
    if definition.missing is Missing.EXCLUDE and value is None:
        observed = False
    value = 0.0 if value is None else value
    if definition.cap is not None:
        value = max(value, definition.cap.lower) if definition.cap.lower is not None else value
        value = min(value, definition.cap.upper) if definition.cap.upper is not None else value
    answer = {name: value if observed else 0.0}
    if not everybody:
        answer[f"{name}/per"] = (1.0 if per is None else per) if observed else 0.0
    return answer


def unit_numbers(outcomes: Sequence[Happened], at: datetime, query: MomentsQuery) -> dict[str, float]:
    answer: dict[str, float] = {}
    for ref, definition in query.metrics:
        after = [o for o in outcomes if at <= o.time < at + definition.window]
        before = [o for o in outcomes if at - definition.pre_period <= o.time < at]
        answer |= numbers(after, definition, ref)
        if definition.pre_period > timedelta(0):
            answer |= numbers(before, definition, f"{ref}/pre")
    return answer


def in_time(assigned: Sequence[Assigned], query: MomentsQuery) -> list[Assigned]:
    return [one for one in assigned if query.stopped_at is None or one.time < query.stopped_at]


def refused(timely: Sequence[Assigned], query: MomentsQuery) -> UnitState | None:
    """Why its assignments alone keep a unit out."""
    if not timely:
        return UnitState.OUTSIDE_DATES
    if len({one.arm for one in timely}) > 1:
        return UnitState.MULTIPLE_ARMS
    if timely[0].arm not in query.arms:
        return UnitState.UNKNOWN_ARM
    return None if min(one.phase for one in timely) in query.phases else UnitState.UNKNOWN_PHASE


def state_of(assigned: Sequence[Assigned], outcomes: Sequence[Happened], query: MomentsQuery):
    at = min(one.time for one in assigned)
    why = refused(in_time(assigned, query), query)
    if why is not None:
        return why, at
    if query.exposure is not None:
        met = [o.time for o in outcomes if matches(o, query.exposure) and o.time >= at]
        if not met:
            return UnitState.NOT_EXPOSED, at
        at = min(met)
    early = query.started_at is not None and at < query.started_at
    if early or (query.stopped_at is not None and at >= query.stopped_at):
        return UnitState.OUTSIDE_DATES, at
    horizon = query.horizon or max(definition.window for _, definition in query.metrics)
    return (UnitState.WINDOW_OPEN if at + horizon > query.as_of else UnitState.ANALYSED), at


def interesting(query: MomentsQuery) -> set[str]:
    """The events that any metric mentions."""
    found: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("event"), str):
                found.add(value["event"])
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    for _, definition in query.metrics:
        walk(definition.model_dump(mode="json"))
    return found


def reference(assignments: Sequence[Assigned], outcomes: Sequence[Happened], query: MomentsQuery):
    """Rows of unit numbers by (arm, phase), and how many units are in each (state, arm, phase)."""
    by_unit, of_unit = defaultdict(list), defaultdict(list)
    assignments = [one for one in assignments if one.time < query.as_of]
    outcomes = [outcome for outcome in outcomes if outcome.time < query.as_of]
    if query.started_at is not None:
        longest = max(definition.pre_period for _, definition in query.metrics)
        outcomes = [outcome for outcome in outcomes if outcome.time >= query.started_at - longest]
    for one in assignments:
        if one.experiment == query.experiment:
            by_unit[one.unit].append(one)
    for outcome in outcomes:
        of_unit[outcome.unit].append(outcome)
    rows, counts = defaultdict(list), Counter()
    for unit, assigned in by_unit.items():
        state, at = state_of(assigned, of_unit[unit], query)
        timely = in_time(assigned, query)
        arm = min((one.arm for one in timely), default=None)
        cell = arm, min((one.phase for one in timely), default=None)
        counts[(state, *cell)] += 1
        if state is UnitState.ANALYSED:
            rows[cell].append(unit_numbers(of_unit[unit], at, query))
    events = interesting(query)
    strangers = {o.unit for o in outcomes if o.event in events} - set(by_unit)
    if strangers:
        counts[(UnitState.UNASSIGNED, None, None)] = len(strangers)
    return rows, counts


def centred(rows: Sequence[dict[str, float]], columns: Sequence[str]):
    matrix = np.array([[row[column] for column in columns] for row in rows])
    mean = matrix.mean(axis=0)
    return mean, (matrix - mean).T @ (matrix - mean)
