"""A plan, and moments of units that are known one by one: what an analysis is given in tests."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from analyses import (
    Check,
    ContrastArm,
    Question,
    moments_of,
)
from service.evidence.plan import Plan, PlannedHypothesis, PlannedMetric
from service.facts import MomentsResult, UnitCount, UnitState, rates
from service.metrics.definitions import (
    Aggregation,
    EventMatch,
    RatioDefinition,
    SumDefinition,
    Term,
    ValueType,
)
from service.metrics.schemas import MetricKind

WEEK = timedelta(days=7)


CPI, KPI, RIVAL = "met_wait@1", "met_sales@1", "met_options@1"


def summed(event: str) -> SumDefinition:
    return SumDefinition(
        aggregation=Aggregation.SUM,
        window=WEEK,
        event=EventMatch(event=event),
        value_type=ValueType.AMOUNT,
        pre_period=timedelta(0),
    )


def metric(ref: str, kind: MetricKind, better: int | None) -> PlannedMetric:
    name = ref.partition("@")[0]
    return PlannedMetric(ref=ref, name=name, kind=kind, definition=summed(ref), better=better)


def plan(*arms: ContrastArm, shares: dict[str, float] | None = None) -> Plan:
    names = ("control", *(arm.name for arm in arms))
    return Plan(
        experiment="exp_1",
        name="Quick quote",
        control="control",
        treatments=names[1:],
        shares={1: shares or dict.fromkeys(names, 1.0), 2: shares or dict.fromkeys(names, 1.0)},
        metrics=(
            metric(CPI, MetricKind.CPI, -1),
            metric(KPI, MetricKind.KPI, 1),
            metric(RIVAL, MetricKind.CPI, 1),
        ),
        not_measured=(),
        hypotheses=(
            PlannedHypothesis(
                id="hyp_1",
                named=True,
                cpi=CPI,
                kpi=KPI,
                arms=arms,
                covered=True,
                question=Question(cpi_step=-1.0, kpi_sign=1, smallest_slope=0.1, bound=None, alpha=0.05),
                segments=("plan",),
            ),
        ),
        horizon=WEEK,
        covariates=(),
        records_differently=(),
        interference_possible=False,
        clustered=False,
        exposure=None,
        planned_units=2,
        started_at=None,
        stopped_at=None,
        digest="abc",
    )


def facts(cells: dict[tuple[str, int], np.ndarray], *, extra: tuple[UnitCount, ...] = ()) -> MomentsResult:
    columns = (CPI, KPI, RIVAL)
    return MomentsResult(
        columns=columns,
        moments={cell: moments_of(columns, rows) for cell, rows in cells.items()},
        counts=(
            *(
                UnitCount(state=UnitState.ANALYSED, arm=arm, phase=phase, n=len(rows))
                for (arm, phase), rows in cells.items()
            ),
            *extra,
        ),
        fingerprint="f",
    )


def units(shift: float, slope: float, n: int = 4000, seed: int = 1, level: float = 0.0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    cpi = level + shift + draw.normal(size=n)
    return np.column_stack([cpi, slope * cpi + draw.normal(size=n), draw.normal(size=n)])


FAST = ContrastArm(name="fast", mechanism="mec_1")


def check(checks: tuple[Check, ...], name: str) -> Check:
    return next(one for one in checks if one.name == name)


PER_QUOTE = RatioDefinition(
    aggregation=Aggregation.RATIO,
    window=WEEK,
    numerator=Term(event=EventMatch(event="quote")),
    denominator=Term(event=EventMatch(event="quote"), count=True),
    value_type=ValueType.DURATION,
    pre_period=timedelta(0),
)


(RATE,) = rates(PER_QUOTE)


def quoted(share: float, minutes: float, seed: int) -> np.ndarray:
    """Minutes in all, quotes, sales, options, and whether there was a quote."""
    draw = np.random.default_rng(seed)
    quotes = (draw.random(4000) < share) * draw.integers(1, 4, 4000)
    waited = quotes * draw.normal(minutes, 1, 4000)
    return np.column_stack(
        [waited, quotes, draw.normal(size=4000), draw.normal(size=4000), (quotes > 0).astype(float)]
    )


def counted(
    cells: dict[tuple[str, int], np.ndarray],
    columns: tuple[str, ...] = (CPI, f"{CPI}/per", KPI, RIVAL, RATE),
) -> MomentsResult:
    result = facts({cell: rows[:, :3] for cell, rows in cells.items()})
    moments = {cell: moments_of(columns, rows) for cell, rows in cells.items()}
    return replace(result, columns=columns, moments=moments)
