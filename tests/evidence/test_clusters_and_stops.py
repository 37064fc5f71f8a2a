"""Do the checks hold where whole clusters were randomised, and where the moment of stopping was chosen?"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from analyses import (
    CLUSTER_SIZE,
    OVER_DAYS,
    ExperimentContrasts,
    Largest,
    Moments,
    NotEstimable,
    moments_of,
)
from service.evidence.analysis import analyse
from service.evidence.results import shown
from service.evidence.trust import balance
from service.experiments.analysis import AnalysisPlan
from service.facts.query.answer import ClusterFaults
from tests.evidence.cells import CPI, FAST, KPI, RIVAL, check, facts, plan, units

CLUSTERED = replace(plan(FAST), clustered=True, cluster="store")


def stores(columns: tuple[str, ...], rows: np.ndarray, size: int) -> Moments:
    """Moments of clusters of ``size`` consecutive units: their totals, and the size beside them."""
    totals = rows.reshape(-1, size, rows.shape[1]).sum(axis=1)
    return moments_of((*columns, CLUSTER_SIZE), np.column_stack([totals, np.full(len(totals), size)]))


@pytest.mark.parametrize("clustered", [True, False])
@pytest.mark.parametrize(("fast", "passed"), [(4000, True), (2668, False)])
def test_what_stopped_early_at_sixty_to_forty_is_blocked(*, clustered: bool, fast: int, passed: bool) -> None:
    cells = {("control", 1): units(0, 0.5, n=4000), ("fast", 1): units(-1, 0.5, n=fast, seed=2)}
    found = facts(cells)
    if clustered:
        of = {cell: stores((CPI, KPI, RIVAL), rows, size=4) for cell, rows in cells.items()}
        faults = ClusterFaults(units_without=0, clusters=sum(one.n for one in of.values()), in_several_arms=0)
        found = replace(found, clusters=of, cluster_faults=faults)
    on = replace(CLUSTERED if clustered else plan(FAST), planned_units=100_000)
    stopped = analyse(on, found, running=False, withheld=True)
    assert (check(stopped.checks, "srm").passed, check(stopped.checks, "srm").gates) == (passed, True)
    contrasts = stopped.findings[0].contrasts
    assert isinstance(contrasts, ExperimentContrasts)
    assert check(contrasts.checks, "srm").passed is passed
    if not clustered:
        assert check(stopped.checks, "sequential_srm").gates
    assert check(analyse(on, found, running=True, withheld=True).checks, "srm").passed is None


def test_a_cluster_that_nobody_sent_is_told_and_breaks_nothing() -> None:
    cells = {("control", 1): units(0, 0.5), ("fast", 1): units(-1, 0.5, seed=2)}
    faults = ClusterFaults(units_without=8000, clusters=0, in_several_arms=0)
    found = analyse(CLUSTERED, replace(facts(cells), cluster_faults=faults))
    assert check(found.checks, "clusters").passed is False
    assert check(found.checks, "covariate_balance").passed is None
    assert isinstance(found.findings[0].contrasts, NotEstimable)


def test_covariates_of_clusters_are_compared_by_clusters() -> None:
    """100 clusters of 100 units, intraclass correlation .1: valid assignment is seldom called unequal."""
    draw, columns = np.random.default_rng(3), (f"{CPI}/pre",)
    empty = replace(facts({}), columns=columns)

    def passed(moved: float) -> bool | None:
        past = np.sqrt(0.1) * draw.normal(size=(100, 1)) + np.sqrt(0.9) * draw.normal(size=(100, 100))
        rows = {"control": past[:50].reshape(-1, 1), "fast": past[50:].reshape(-1, 1) + moved}
        of = {arm: stores(columns, some, size=100) for arm, some in rows.items()}
        read = replace(empty, clusters={(arm, 1): one for arm, one in of.items()})
        return balance(CLUSTERED, read, {1: of}).passed

    assert [passed(0.0) for _ in range(100)].count(False) <= 2
    assert passed(0.5) is False


def test_attributes_alone_sharpen_effects_and_contrasts() -> None:
    base = replace(plan(FAST), analysis=AnalysisPlan(attributes=("age",)))
    columns = (CPI, KPI, RIVAL, "attribute:age")

    def rows(shift: float, seed: int) -> np.ndarray:
        some = units(shift, 0.5, seed=seed)
        age = np.random.default_rng(seed + 10).normal(size=len(some))
        some[:, 0] += 5 * age
        return np.column_stack([some, age])

    cells = {("control", 1): rows(0, 1), ("fast", 1): rows(-1, 2)}
    read = replace(
        facts({cell: some[:, :3] for cell, some in cells.items()}),
        columns=columns,
        moments={cell: moments_of(columns, some) for cell, some in cells.items()},
    )
    plain, sharp = (analyse(one, read).findings[0].contrasts for one in (plan(FAST), base))
    assert isinstance(plain, ExperimentContrasts)
    assert isinstance(sharp, ExperimentContrasts)
    assert sharp.covariance[0, 0, 0, 0] < 0.1 * plain.covariance[0, 0, 0, 0]


def over_days(effect: Callable[[np.ndarray], np.ndarray], seed: int) -> Moments:
    """Totals over four weeks of 60 stores of ten units a day, whose levels and trends are their own."""
    draw, day = np.random.default_rng(seed), np.arange(28.0)
    rows = np.zeros((60, len(OVER_DAYS)))
    for row in rows:
        value = 10 * (draw.normal() + 0.02 * draw.normal() * day + effect(day)) + 3 * draw.normal(size=28)
        for at, of in zip(day, value, strict=True):
            row[[int(at) % 7, 7 + int(at) % 7, 14 + int(at) % 7]] += (10.0, 10.0 * at, of)
        row[21:] = (10 * (day**2).sum(), value @ day)
    return moments_of(OVER_DAYS, rows)


@pytest.mark.parametrize(("wears_off", "passed"), [(0.0, True), (0.5, False)])
def test_an_effect_on_clusters_that_wears_off_is_told(*, wears_off: float, passed: bool) -> None:
    cells = {("control", 1): units(0, 0.5), ("fast", 1): units(-1, 0.5, seed=2)}
    of = {cell: stores((CPI, KPI, RIVAL), rows, size=4) for cell, rows in cells.items()}
    first = date(2026, 3, 2)
    found = replace(
        facts(cells),
        clusters=of,
        cluster_faults=ClusterFaults(units_without=0, clusters=2000, in_several_arms=0),
        days={
            (arm, 1, first + timedelta(days=n)): moments_of((CPI, KPI, RIVAL), units(0, 0.5, n=40))
            for arm in ("control", "fast")
            for n in range(28)
        },
        over_days={
            (KPI, "control", 1): over_days(lambda day: 0 * day, seed=1),
            (KPI, "fast", 1): over_days(lambda day: 1 - wears_off * day / 7, seed=2),
        },
        over_days_from=first,
    )
    asked = analyse(replace(CLUSTERED, primary=frozenset({KPI})), found).checks
    told = check(asked, "novelty")
    assert told.passed is passed
    assert "by clusters" in told.detail or passed
    assert check(asked, "weekday_drift").passed is True


def test_a_few_units_that_bring_the_effect_are_told_of_clusters_and_over_phases_too() -> None:
    """Twelve resellers among 8,000 units a phase bring all of the arm's effect on the KPI."""
    cells = {
        (arm, phase): units(0, 0.5, seed=10 * phase + (arm == "fast"))
        for arm in ("control", "fast")
        for phase in (1, 2)
    }
    for phase in (1, 2):
        cells["fast", phase][:12, 1] += 1000.0
    of = {cell: stores((CPI, KPI, RIVAL), rows, size=4) for cell, rows in cells.items()}
    largest = {
        (KPI, *cell): Largest(
            threshold=50.0, n=int((rows[:, 1] > 50).sum()), total=float(rows[rows[:, 1] > 50, 1].sum())
        )
        for cell, rows in cells.items()
    }
    faults = ClusterFaults(units_without=0, clusters=4000, in_several_arms=0)
    for on in (plan(FAST), CLUSTERED):
        found = replace(facts(cells), largest=largest)
        if on.clustered:
            found = replace(found, clusters=of, cluster_faults=faults)
        told = check(analyse(on, found).checks, "outlier_influence")
        assert told.passed is False
        assert "from 24 units" in told.detail


@pytest.mark.parametrize("name", ["first_stage", "novelty", "weekday_drift"])
def test_checks_of_effects_name_no_size_before_the_planned_end(name: str) -> None:
    cells = {("control", 1): units(0, 0.5), ("fast", 1): units(-1, 0.5, seed=2)}
    told = check(analyse(plan(FAST), facts(cells)).checks, name)
    loud = replace(told, passed=False, detail="met_wait in fast moved by -1.2")
    assert shown(loud, withheld=False) == loud
    quiet = shown(loud, withheld=True)
    assert quiet.passed is None
    assert not any(character.isdigit() for character in quiet.detail)
