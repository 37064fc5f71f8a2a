"""The moments, unit by unit in plain Python, straight from the definitions: slow, and easy to believe."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from service.facts.query.answer import MISSING, UnitState
from service.facts.query.question import MomentsQuery
from service.metrics.definitions import (
    Aggregation,
    Definition,
    EventMatch,
    JourneyDefinition,
    Missing,
    Step,
    Term,
    TimeBetweenDefinition,
    Where,
)
from service.metrics.segments import BeforeExposure, labels, named

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


@dataclass(frozen=True)
class Exposed:
    experiment: str
    id: str
    unit: str
    time: datetime


@dataclass(frozen=True)
class Trait:
    unit: str
    name: str
    time: datetime
    text: str | None = None
    number: float | None = None
    truth: bool | None = None

    @property
    def label(self) -> str:
        if self.text is not None:
            return self.text
        return "true" if self.truth else "false" if self.number is None else f"{self.number:g}"


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


@dataclass(frozen=True)
class Seen:
    """One unit's outcomes in a stretch of time, oldest first."""

    outcomes: Sequence[Happened]
    start: datetime
    end: datetime
    after_exposure: bool


def first_of(outcomes: Sequence[Happened], step: Step, previous: Happened | None, before: Step | None):
    """The first outcome of a step, at or after the one before it and soon enough."""
    for one in outcomes:
        if not matches(one, step.event):
            continue
        if previous is not None:
            late_enough = (
                one.time > previous.time
                if step.event.event == before.event.event
                else (one.time >= previous.time)
            )
            if not late_enough or (step.within is not None and one.time >= previous.time + step.within):
                continue
        return one
    return None


def taken(seen: Seen, steps: Sequence[Step]) -> list[Happened | None]:
    """The outcome of each step, None from the first that was not taken; of an absent step what breaks it."""
    counted = seen.end - steps[-1].within if steps[-1].absent else seen.end
    found: list[Happened | None] = []
    for place, step in enumerate(steps):
        allowed = [o for o in seen.outcomes if step.absent or o.time < counted]
        if place and found[-1] is None:
            found.append(None)
        else:
            found.append(
                first_of(allowed, step, found[-1], steps[place - 1])
                if place
                else first_of(allowed, step, None, None)
            )
    return found


def journey(seen: Seen, definition: JourneyDefinition) -> float | None:
    found = taken(seen, definition.steps)
    if found[0] is None:
        return None
    if definition.steps[-1].absent:
        return float(found[-2] is not None and found[-1] is None)
    return float(found[-1] is not None)


def time_between(seen: Seen, definition: TimeBetweenDefinition) -> float | None:
    first, last = taken(seen, [Step(event=definition.start), Step(event=definition.end)])
    if last is None:
        return None
    return (last.time - first.time) / timedelta(**{f"{definition.unit}s": 1})


def distinct(matching: Sequence[Happened], name: str) -> float:
    found = [json.loads(outcome.properties or "{}").get(name) for outcome in matching]
    texts = {value for value in found if isinstance(value, str)}
    numbers = {float(v) for v in found if isinstance(v, int | float) and not isinstance(v, bool)}
    return float(len(texts) + len(numbers))


def raw(seen: Seen, definition: Definition) -> tuple[float | None, float | None]:
    """The unit's value (None: it has none) and, for a ratio, its denominator."""
    match definition.aggregation:
        case Aggregation.RATIO:
            return term(seen.outcomes, definition.numerator), term(seen.outcomes, definition.denominator)
        case Aggregation.PROPORTION:
            return float(all(any(matches(o, one) for o in seen.outcomes) for one in definition.all_of)), None
        case Aggregation.JOURNEY:
            return journey(seen, definition), None
        case Aggregation.TIME_BETWEEN:
            return time_between(seen, definition), None
    matching = [outcome for outcome in seen.outcomes if matches(outcome, definition.event)]
    return of_matching(matching, seen, definition), None


def of_matching(matching: Sequence[Happened], seen: Seen, definition: Definition) -> float | None:
    match definition.aggregation:
        case Aggregation.COUNT:
            return float(len(matching)) if matching else None
        case Aggregation.RETENTION:
            since = seen.start + definition.start if seen.after_exposure else seen.start
            return float(any(one.time >= since for one in matching))
        case Aggregation.DISTINCT:
            return distinct(matching, definition.property) or None
    values = [(o.time, v) for o in matching if (v := value_of(o, definition.value_property)) is not None]
    if not values:
        return None
    if definition.aggregation is Aggregation.LAST:
        return max(values)[1]
    total = sum(value for _, value in values)
    whole = definition.aggregation is Aggregation.SUM or getattr(definition, "of", None) == "sum"
    return total if whole else total / len(values)


def numbers(seen: Seen, definition: Definition, name: str) -> dict[str, float]:
    """`name` and, where not everybody has the metric, `name/per`."""
    value, per = raw(seen, definition)
    everybody = definition.missing is Missing.ZERO and definition.population == "all"
    observed = True
    if definition.population != "all":
        observed = any(matches(outcome, definition.population.triggered) for outcome in seen.outcomes)
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


def on_the_way(seen: Seen, definition: JourneyDefinition, name: str) -> dict[str, float]:
    """How far the unit came: each step but the last, the first one where it does not make the journey."""
    found = taken(seen, definition.steps)
    observed = definition.population == "all" or any(
        matches(outcome, definition.population.triggered) for outcome in seen.outcomes
    )
    first = 1 if definition.missing is Missing.EXCLUDE else 0
    return {
        f"{name}/step{step}": float(observed and found[step] is not None)
        for step in range(first, len(definition.steps) - 1)
    }


def during(outcomes: Sequence[Happened], start: datetime, end: datetime, *, after: bool) -> Seen:
    ours = sorted((o for o in outcomes if start <= o.time < end), key=lambda one: one.time)
    return Seen(ours, start, end, after)


def unit_numbers(outcomes: Sequence[Happened], at: datetime, query: MomentsQuery) -> dict[str, float]:
    answer: dict[str, float] = {}
    for ref, definition in query.metrics:
        window = during(outcomes, at, at + definition.window, after=True)
        answer |= numbers(window, definition, ref)
        if definition.aggregation is Aggregation.JOURNEY:
            answer |= on_the_way(window, definition, ref)
        if definition.cap is not None:
            plain = numbers(window, definition.model_copy(update={"cap": None}), ref)
            answer[f"{ref}/uncapped"] = plain[ref]
        if definition.pre_period > timedelta(0):
            before = during(outcomes, at - definition.pre_period, at, after=False)
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


def exposures_of(outcomes: Sequence[Happened], sent: Sequence[Exposed], query: MomentsQuery):
    """When the unit met the difference, whoever says so."""
    if query.exposure == "exposures":
        return [one.time for one in sent if one.experiment == query.experiment]
    return [outcome.time for outcome in outcomes if matches(outcome, query.exposure)]


def state_of(
    assigned: Sequence[Assigned],
    outcomes: Sequence[Happened],
    query: MomentsQuery,
    sent: Sequence[Exposed] = (),
):
    at = min(one.time for one in assigned)
    why = refused(in_time(assigned, query), query)
    if why is not None:
        return why, at
    if query.exposure is not None:
        met = [time for time in exposures_of(outcomes, sent, query) if time >= at]
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
    for one in query.segments:
        if isinstance(one, BeforeExposure):
            walk(one.model_dump(mode="json"))
    return found


def told_apart(
    outcomes: Sequence[Happened], at: datetime, traits: Sequence[Trait], query: MomentsQuery
) -> dict[str, str]:
    """By "#" and the segmentation's name, the segment that the unit is in."""
    found = {}
    for one in query.segments:
        if isinstance(one, BeforeExposure):
            amount = term(during(outcomes, at - one.period, at, after=False).outcomes, one.amount)
            above = sum(amount >= least for least in one.at_least)
            found[f"#{named(one)}"] = labels(one.at_least)[above]
        else:
            known = [trait for trait in traits if trait.name == one and trait.time < at]
            latest = max(known, key=lambda trait: trait.time, default=None)
            found[f"#{one}"] = MISSING if latest is None else latest.label
    return found


def reference(
    assignments: Sequence[Assigned],
    outcomes: Sequence[Happened],
    query: MomentsQuery,
    *,
    exposures: Sequence[Exposed] = (),
    traits: Sequence[Trait] = (),
):
    """Rows of unit numbers by (arm, phase), and how many units are in each (state, arm, phase)."""
    by_unit, of_unit = defaultdict(list), defaultdict(list)
    assignments = [one for one in assignments if one.time < query.as_of]
    outcomes = [outcome for outcome in outcomes if outcome.time < query.as_of]
    if query.started_at is not None:
        outcomes = [outcome for outcome in outcomes if outcome.time >= query.outcomes_since]
    for one in assignments:
        if one.experiment == query.experiment:
            by_unit[one.unit].append(one)
    for outcome in outcomes:
        of_unit[outcome.unit].append(outcome)
    rows, counts = defaultdict(list), Counter()
    for unit, assigned in by_unit.items():
        sent = [one for one in exposures if one.unit == unit and one.time < query.as_of]
        state, at = state_of(assigned, of_unit[unit], query, sent)
        timely = in_time(assigned, query)
        arm = min((one.arm for one in timely), default=None)
        cell = arm, min((one.phase for one in timely), default=None)
        counts[(state, *cell)] += 1
        if state is UnitState.ANALYSED:
            theirs = [trait for trait in traits if trait.unit == unit and trait.time < query.as_of]
            segments = told_apart(of_unit[unit], at, theirs, query)
            rows[cell].append(unit_numbers(of_unit[unit], at, query) | segments)
    events = interesting(query)
    strangers = {o.unit for o in outcomes if o.event in events} - set(by_unit)
    if strangers:
        counts[(UnitState.UNASSIGNED, None, None)] = len(strangers)
    return rows, counts


def centred(rows: Sequence[dict[str, float]], columns: Sequence[str]):
    matrix = np.array([[row[column] for column in columns] for row in rows])
    mean = matrix.mean(axis=0)
    return mean, (matrix - mean).T @ (matrix - mean)
