"""How do things stand for customers today, metric by metric? Read off the control units of kept runs.

Control units live with what everybody else has. What only treated units have is an effect, and no level.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, JsonValue
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.evidence.tables import MetricDay, MetricLevel
from service.experiments import planned as experiments
from service.runs import service as runs
from service.runs.rules import RunType
from service.runs.task import Task

LATELY = timedelta(days=28)
FEWEST = 2.0  # of whoever has a value: one customer's own value is nobody else's business


class DayDocument(BaseModel):
    """One day of one metric in a run's result."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    day: date
    metric: str
    units: int
    count: float
    mean: float | None
    steps: tuple[float, ...] = ()  # none in results that were kept before journeys were counted step by step


class DaysDocument(BaseModel):
    """The part of a run's result that is kept here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    levels: tuple[DayDocument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelOn:
    """The level of one day, over all experiments that saw it."""

    day: date
    units: int
    total: float
    count: float

    @property
    def level(self) -> float:
        return self.total / self.count


def on_the_way(session: Session, metric: str, since: date) -> tuple[float, ...] | None:
    """How many control units came as far as each step of a journey, by the latest runs of who measured it.

    None where a run kept no steps.
    """
    own = select(MetricDay.experiment_id).where(MetricDay.metric == metric, MetricDay.day > since)
    days = [
        one
        for experiment in session.scalars(own.distinct())
        for one in _days_of(session, experiment)
        if one.metric == metric and one.day > since and one.count >= FEWEST
    ]
    if not days or len({len(one.steps) for one in days}) > 1 or not days[0].steps:
        return None
    return tuple(map(sum, zip(*(one.steps for one in days), strict=True)))


def _days_of(session: Session, experiment: str) -> Sequence[DayDocument]:
    """Of its latest planned run that ended well."""
    found = runs.latest_answered(session, experiment)
    result = {} if found is None else found.result or {}
    return DaysDocument.model_validate(result.get("daily", {"levels": []})).levels


def keep_levels(session: Session, task: Task, daily: JsonValue) -> None:
    """The days of a planned run, instead of those of an earlier run of the experiment."""
    if task.type is RunType.EXPLORATORY:
        return
    found = [one for one in DaysDocument.model_validate(daily).levels if one.count >= FEWEST]
    experiments.hold(session, task.about)
    own = MetricDay.experiment_id == task.about
    newest = session.scalar(select(func.max(MetricDay.as_of)).where(own))
    if newest is not None and newest > task.as_of:
        return
    touched = {*session.scalars(select(MetricDay.metric).where(own).distinct())}
    session.execute(delete(MetricDay).where(own))
    session.add_all(_row(task, one) for one in found)
    session.flush()
    _sum_up(session, sorted(touched | {one.metric for one in found}))


def _row(task: Task, one: DayDocument) -> MetricDay:
    return MetricDay(
        metric=one.metric,
        day=one.day,
        experiment_id=task.about,
        units=one.units,
        total=(one.mean or 0.0) * one.count,
        count=one.count,
        run_id=task.id,
        as_of=task.as_of,
    )


def _sum_up(session: Session, metrics: Sequence[str]) -> None:
    """One row a metric, in one order, so that two runs that are kept at once never wait for each other."""
    known = by_metric(session, metrics)
    session.execute(delete(MetricLevel).where(MetricLevel.metric.in_(set(metrics) - known.keys())))
    for metric, days in known.items():
        latest = days[-1].day
        lately = [one for one in days if one.day > latest - LATELY]
        before = [one for one in days if latest - 2 * LATELY < one.day <= latest - LATELY]
        row = {"day": latest, "units": sum(one.units for one in lately), "level": pooled(lately)}
        _put(session, metric, row | {"before": pooled(before)})


def _put(session: Session, metric: str, row: Mapping[str, object]) -> None:
    """Whoever comes second, to a metric that was new a moment ago, writes over the first."""
    anew = update(MetricLevel).where(MetricLevel.metric == metric).values(**row)
    if session.scalar(select(MetricLevel.metric).where(MetricLevel.metric == metric)) is None:
        try:
            with session.begin_nested():
                session.execute(insert(MetricLevel).values(metric=metric, **row))
        except IntegrityError:
            session.execute(anew)
    else:
        session.execute(anew)


def pooled(days: Iterable[LevelOn]) -> float | None:
    """The level of several days together."""
    several = list(days)
    count = sum(one.count for one in several)
    return sum(one.total for one in several) / count if count else None


def by_metric(session: Session, metrics: Collection[str]) -> Mapping[str, Sequence[LevelOn]]:
    """The days of each metric, the oldest first; a metric that no run has seen is left out."""
    rows = session.execute(
        select(
            MetricDay.metric,
            MetricDay.day,
            func.sum(MetricDay.units),
            func.sum(MetricDay.total),
            func.sum(MetricDay.count),
        )
        .where(MetricDay.metric.in_(metrics))
        .group_by(MetricDay.metric, MetricDay.day)
        .order_by(MetricDay.metric, MetricDay.day)
    )
    found: dict[str, list[LevelOn]] = {}
    for metric, day, units, total, count in rows:
        found.setdefault(metric, []).append(LevelOn(day=day, units=units, total=total, count=count))
    return found


def latest(session: Session, metrics: Collection[str]) -> Mapping[str, MetricLevel]:
    """Where each of these metrics stands; one that no run has seen is left out."""
    rows = session.scalars(select(MetricLevel).where(MetricLevel.metric.in_(metrics)))
    return {row.metric: row for row in rows}
