"""Who answers what is asked of a unit? A worker, since the facts are the engine's: as soon as it is asked."""

from collections.abc import Sequence
from datetime import datetime

from service.customers import rules
from service.customers import service as customers
from service.customers.schemas import (
    Delivered,
    ExpectationKept,
    Found,
    Journey,
    JourneyMoment,
    ValueDelivered,
)
from service.experiments import service as experiments
from service.facts import fold
from service.facts.query.one_unit import OneUnit, one_unit
from service.kit import paging
from service.kit.clock import now
from service.kit.database import Database
from service.metrics import service as metrics
from service.metrics.schemas import Metric, MetricKind
from service.runs.duties import Duty
from service.runs.task import Performed, ReportStage
from service.settings import Settings


def due(_settings: Settings, database: Database, _last: datetime | None) -> bool:
    with database.read() as session:
        return bool(customers.waiting(session)) or customers.forgettable(session, now())


def perform(settings: Settings, database: Database, _given: None, _report: ReportStage) -> Performed:
    return Performed(told=answer_waiting(settings, database))


def answer_waiting(settings: Settings, database: Database) -> dict[str, int]:
    """Forget what is spent, then read the lake as it is now for each question that waits."""
    with database.write() as session:
        forgotten = customers.forget(session, now())
    with database.read() as session:
        waiting = customers.waiting(session)
        cpis = _cpis(database) if waiting else ()
    for question, unit in waiting:
        found = _found(settings, database, unit, cpis)
        with database.write() as session:
            customers.answer(session, question, found)
    return {"answered": len(waiting), "forgotten": forgotten}


def _found(settings: Settings, database: Database, unit: str, cpis: Sequence[Metric]) -> Found | None:
    as_of = now()
    asked = [(f"{one.id}@{one.version}", one.definition) for one in cpis]
    known = one_unit(settings, fold(settings, database), unit, asked, as_of)
    if not known.moments:
        return None
    with database.read() as session:
        types = experiments.unit_types(session, known.experiments)
    own = rules.of_types(cpis, types)
    return Found(value=_value(unit, own, known, as_of), journey=_journey(unit, known, as_of))


def _cpis(database: Database) -> tuple[Metric, ...]:
    """Every CPI as it stands, in the order of their names."""
    wanted = metrics.Filter(kind=MetricKind.CPI)
    with database.read() as session:
        found = [*paging.everything(lambda query: metrics.find(session, wanted, query))]
    return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.id)))


def _value(unit: str, cpis: Sequence[Metric], known: OneUnit, as_of: datetime) -> ValueDelivered:
    delivered = tuple(_delivered(one, known, as_of) for one in cpis)
    return ValueDelivered.of(unit, as_of, delivered)


def _delivered(metric: Metric, known: OneUnit, as_of: datetime) -> Delivered:
    increment = metric.increment
    if increment is None:
        raise ValueError(f"CPI {metric.id} was registered without an increment")
    value = known.values[f"{metric.id}@{metric.version}"]
    fitting = rules.fitting(metric.expectations, known.traits)
    against = () if value is None else rules.compared(value, fitting, increment)
    return Delivered(
        metric_id=metric.id,
        version=metric.version,
        name=metric.name,
        outcome=metric.outcome,
        unit=increment.unit,
        unit_type=metric.unit_type,
        since=as_of - metric.definition.window,
        value=value,
        expectations=tuple(ExpectationKept(segment=a.segment, level=a.level, met=a.met) for a in against),
        sentence=rules.sentence(metric.name, metric.definition, increment, value, against),
    )


def _journey(unit: str, known: OneUnit, as_of: datetime) -> Journey:
    moments = tuple(
        JourneyMoment(at=one.at, kind=one.kind, what=one.what, value=one.value, detail=one.detail)
        for one in known.moments
    )
    return Journey(unit=unit, as_of=as_of, left_out=known.left_out, moments=moments)


DUTIES = (Duty(name="answer about units", due=due, perform=perform),)
