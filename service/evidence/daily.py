"""How did it come about, day by day? Levels of every metric, units of every arm, and effects as they grew.

Sums of the days' moments: nothing is read again. Where clusters or blocks were randomised the days say no
effect, since a day holds neither whole clusters nor the plan's strata.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from math import sqrt
from operator import add

from pydantic import JsonValue

from analyses import (
    Anytime,
    ArmMeans,
    Circumstances,
    Measure,
    Moments,
    Phases,
    Wanted,
    arm_means,
    read_effects,
    refusal,
)
from service.evidence.plan import Plan, PlannedMetric
from service.facts import MomentsResult, UnitState, measure_of, steps_of
from service.metrics.definitions import JourneyDefinition, QuantileDefinition

MOST_POINTS = 40  # of one effect over time: more days are shown a few at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What the units of one arm had of one metric: ``total`` over ``count`` is the level, None for nobody.

    ``steps`` of a journey: how many came as far as each step before the last that is counted by itself.
    """

    metric: str
    arm: str
    units: int
    total: float
    count: float
    std_error: float | None
    steps: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None


def levels(plan: Plan, cells: Mapping[str, Moments]) -> list[Level]:
    """Every metric that is a mean or a ratio, arm by arm; a quantile of a day is none of a longer time."""
    return [_level(one, arm, moments) for one in _means(plan) for arm, moments in cells.items()]


def _means(plan: Plan) -> Sequence[PlannedMetric]:
    return [one for one in plan.metrics if not isinstance(one.definition, QuantileDefinition)]


def _level(metric: PlannedMetric, arm: str, moments: Moments) -> Level:
    measure = measure_of(metric.ref, metric.definition)
    count = 1.0 if measure.per is None else float(moments.mean[moments.index(measure.per)])
    return Level(
        metric=metric.ref,
        arm=arm,
        units=moments.n,
        total=float(moments.mean[moments.index(measure.value)]) * moments.n,
        count=count * moments.n,
        std_error=_error(moments, Measure(name=metric.ref, value=measure.value, per=measure.per)),
        steps=_steps(metric, moments),
    )


def _steps(metric: PlannedMetric, moments: Moments) -> tuple[float, ...]:
    if not isinstance(metric.definition, JourneyDefinition):
        return ()
    names = steps_of(metric.ref, metric.definition)
    return tuple(float(moments.mean[moments.index(name)]) * moments.n for name in names)


def _error(moments: Moments, measure: Measure) -> float | None:
    if refusal(moments, measure) is not None:
        return None
    found: ArmMeans = arm_means(moments, [measure])
    return sqrt(float(found.covariance[0, 0]))


def by_arm(plan: Plan, facts: MomentsResult) -> dict[str, Moments]:
    """All phases together: a level, which says nothing of an effect."""
    return {arm: reduce(add, [facts.moments[arm, p] for p in facts.phases]) for arm in plan.arms}


def levels_document(plan: Plan, facts: MomentsResult) -> list[JsonValue]:
    """Where each arm stood on each metric, all days together."""
    return [
        {
            "metric": one.metric,
            "arm": one.arm,
            "units": one.units,
            "mean": one.mean,
            "std_error": one.std_error,
        }
        for one in levels(plan, by_arm(plan, facts))
    ]


def control_by_day(plan: Plan, facts: MomentsResult) -> dict[date, list[Level]]:
    """How things are for those for whom nothing was changed, by the day on which they came."""
    found: dict[date, Moments] = {}
    for (arm, _, day), moments in facts.days.items():
        if arm == plan.control and moments.n:
            found[day] = found[day] + moments if day in found else moments
    return {day: levels(plan, {plan.control: moments}) for day, moments in sorted(found.items())}


def daily_document(plan: Plan, facts: MomentsResult, asked: Sequence[Wanted]) -> dict[str, JsonValue]:
    """Units of every arm by day, the control's levels by day, and effects with the band for every look."""
    days = sorted({count.day for count in facts.by_day})
    return {
        "days": [day.isoformat() for day in days],
        "units": {arm: _came(facts, arm, days) for arm in plan.arms},
        "levels": [
            {
                "day": day.isoformat(),
                "metric": one.metric,
                "units": one.units,
                "count": one.count,
                "mean": one.mean,
                "std_error": one.std_error,
                "steps": list(one.steps),
            }
            for day, found in control_by_day(plan, facts).items()
            for one in found
        ],
        "effects": _grown(plan, facts, asked),
    }


def _came(facts: MomentsResult, arm: str, days: Sequence[date]) -> list[JsonValue]:
    counts = dict.fromkeys(days, 0)
    for count in facts.by_day:
        if count.arm == arm and count.state is not UnitState.NOT_EXPOSED:
            counts[count.day] += count.n
    return list(counts.values())


def _grown(plan: Plan, facts: MomentsResult, asked: Sequence[Wanted]) -> list[JsonValue]:
    """Each effect of all units that had come by the end of a day."""
    if plan.clustered or plan.analysis.blocks is not None:
        return []
    means = {one.ref for one in _means(plan)}
    plain = [
        Wanted(measure=one.measure, better=one.better, refused=one.refused)
        for one in asked
        if one.measure.name in means
    ]
    days = _thinned(sorted({day for _, _, day in facts.days}))
    return [point for day in days for point in _until(plan, facts, plain, day)]


def _thinned(days: Sequence[date]) -> Sequence[date]:
    """At most so many, the last one among them."""
    step = -(-len(days) // MOST_POINTS) or 1
    return days[::-1][::step][::-1]


def _until(plan: Plan, facts: MomentsResult, asked: Sequence[Wanted], day: date) -> list[JsonValue]:
    phases = _come_until(plan, facts, day)
    units = sum(moments.n for arms in phases.values() for moments in arms.values())
    if not units:
        return []
    when = Circumstances(units=units, planned_units=plan.planned_units, alpha=plan.analysis.alpha)
    readings = read_effects(phases, plan.control, plan.treatments, asked, when)
    return [
        {
            "day": day.isoformat(),
            "metric": one.metric,
            "arm": one.arm,
            "units": units,
            "estimate": found.value,
            "interval": [found.interval.lower, found.interval.upper],
        }
        for one in readings
        if isinstance(found := one.chosen.anytime, Anytime)
    ]


def _come_until(plan: Plan, facts: MomentsResult, day: date) -> Phases:
    nobody = {phase: {arm: _empty(facts, arm, phase) for arm in plan.arms} for phase in facts.phases}
    for (arm, phase, came), moments in facts.days.items():
        if came <= day and arm in nobody[phase]:
            nobody[phase][arm] = nobody[phase][arm] + moments
    return nobody


def _empty(facts: MomentsResult, arm: str, phase: int) -> Moments:
    whole = facts.moments[arm, phase]
    return Moments(columns=whole.columns, n=0, mean=whole.mean * 0.0, scatter=whole.scatter * 0.0)
