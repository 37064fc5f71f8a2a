"""What does the page of one metric show? How customers have it, what they expect, and what they bring."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy.orm import Session

from service.charts.chart import Chart
from service.charts.trend import Expected, Stood, trend_chart
from service.customers.rules import Against, compared
from service.evidence import levels
from service.evidence.levels import LATELY, LevelOn
from service.evidence.tables import MetricLevel
from service.hypotheses.schemas import Hypothesis
from service.kit.words import Words
from service.metrics import service as metrics
from service.metrics.definitions import Aggregation, JourneyDefinition, Missing
from service.metrics.scale import Scale
from service.metrics.schemas import Metric
from service.metrics.service import PinnedMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What customers bring, beside what they get: one KPI that a hypothesis ties to the CPI."""

    hypothesis_id: str
    kpi: PinnedMetric
    scale: Scale
    level: float | None
    before: float | None
    worth: float | None  # of one customer, in the currency of the KPI's value


@dataclass(frozen=True, slots=True, kw_only=True)
class Broke:
    """How many did one step of a journey and not the next; ``absent`` where the next must not happen."""

    after: str
    before: str
    n: int
    absent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Journeys:
    """How far control units came in the latest four weeks; ``arrived`` is None where there is no arriving."""

    came: int
    began: int
    broke: tuple[Broke, ...]
    arrived: int | None

    @property
    def never_began(self) -> int:
        return self.came - self.began


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Today, in the unit that people read."""

    scale: Scale
    latest: MetricLevel | None
    level: float | None
    before: float | None
    against: tuple[Against, ...]
    journeys: Journeys | None
    charts: tuple[Chart, ...]


def standing(words: Words, session: Session, metric: Metric) -> Standing:
    """Read off the control units of kept runs, on the metric's version of today."""
    key = f"{metric.id}@{metric.version}"
    scale = Scale.of(metric.definition)
    latest = levels.latest(session, [key]).get(key)
    days = levels.by_metric(session, [key]).get(key, [])
    return Standing(
        scale=scale,
        latest=latest,
        level=_scaled(None if latest is None else latest.level, scale),
        before=_scaled(None if latest is None else latest.before, scale),
        against=() if latest is None else _against(metric, latest.level),
        journeys=_journeys(session, metric, days),
        charts=_charts(words, metric, scale, days),
    )


def _scaled(value: float | None, scale: Scale) -> float | None:
    return None if value is None else value * scale.factor


def _against(metric: Metric, level: float) -> tuple[Against, ...]:
    return () if metric.increment is None else compared(level, metric.expectations, metric.increment)


def _journeys(session: Session, metric: Metric, days: Sequence[LevelOn]) -> Journeys | None:
    """Only where a unit may have no value: who has one began what the metric measures, or went through it."""
    lately = [one for one in days if one.day > days[-1].day - LATELY]
    came, began = sum(one.units for one in lately), round(sum(one.count for one in lately))
    if not lately or metric.definition.aggregation is Aggregation.RATIO:
        return None
    if isinstance(metric.definition, JourneyDefinition):
        key, since = f"{metric.id}@{metric.version}", days[-1].day - LATELY
        steps = [round(n) for n in levels.on_the_way(session, key, since) or ()]
        counted = metric.definition.missing is Missing.EXCLUDE  # who began, else everybody
        reached = [began, *steps] if counted or not steps else steps
        arrived = round(sum(one.total for one in lately))
        broke = _broke(metric.definition, [*reached, arrived])
        return Journeys(came=came, began=reached[0], broke=broke, arrived=arrived)
    return None if came == began else Journeys(came=came, began=began, broke=(), arrived=None)


def _broke(definition: JourneyDefinition, reached: Sequence[int]) -> tuple[Broke, ...]:
    """Between each step and the next; from the first to the last where no more is known."""
    steps = (
        definition.steps
        if len(reached) == len(definition.steps)
        else definition.steps[:: len(definition.steps) - 1]
    )
    return tuple(
        Broke(after=one.event.event, before=then.event.event, n=were - are, absent=then.absent)
        for (one, then), (were, are) in zip(pairwise(steps), pairwise(reached), strict=True)
    )


def _charts(words: Words, metric: Metric, scale: Scale, days: Sequence[LevelOn]) -> tuple[Chart, ...]:
    if not days:
        return ()
    unit = "%" if scale.points else words.unit(metric.increment.unit) if metric.increment else ""
    stood = [Stood(day=one.day, level=one.level * scale.factor, units=one.units) for one in days]
    expected = [Expected(segment=one.segment, level=one.level * scale.factor) for one in metric.expectations]
    return (trend_chart(words, metric.name, unit, stood, expected),)


def brought(session: Session, claims: Sequence[Hypothesis]) -> list[Brought]:
    """For a CPI: the KPIs of its registered hypotheses, each once."""
    named = {one.kpi: one for one in reversed(claims) if one.sha256}
    kpis = {one.id: metrics.pinned(session, kpi, one.kpi_version) for kpi, one in named.items()}
    stand = levels.latest(session, [kpi.key for kpi in kpis.values()])
    return [_brought(key, kpi, stand.get(kpi.key)) for key, kpi in kpis.items()]


def _brought(hypothesis_id: str, kpi: PinnedMetric, stands: MetricLevel | None) -> Brought:
    scale, worth = Scale.of(kpi.definition), kpi.value_of_one_unit
    level = None if stands is None else stands.level
    return Brought(
        hypothesis_id=hypothesis_id,
        kpi=kpi,
        scale=scale,
        level=_scaled(level, scale),
        before=_scaled(None if stands is None else stands.before, scale),
        worth=None if level is None or worth is None else level * worth.amount,
    )
