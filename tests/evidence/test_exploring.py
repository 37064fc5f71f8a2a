"""Does what is explored respect how the experiment was randomised: by clusters, within blocks?"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analyses import CLUSTER_SIZE, moments_of
from service.evidence.analysis import analyse
from service.evidence.exploring import explorations
from service.evidence.plan import Plan
from service.experiments.analysis import AnalysisPlan
from service.facts import MomentsResult
from service.metrics.schemas import MetricKind
from tests.evidence.cells import CPI, FAST, KPI, RIVAL, facts, metric, plan, units

COLUMNS = (CPI, KPI, RIVAL)
CLUSTERS, SIZE = 40, 25


def two_kpis() -> Plan:
    asked = plan(FAST)
    return replace(asked, metrics=(*asked.metrics[:2], metric(RIVAL, MetricKind.KPI, 1)))


def explored(asked: Plan, seen: MomentsResult) -> Any:
    found = analyse(asked, seen)
    return explorations(asked, seen, found.findings, {})["hyp_1"]


def wider(found: Any) -> float:
    """The set of two KPIs' family (each at .025) over that of the verdict's contrasts (at .05)."""
    (of_two,), (alone,) = (
        found["several_kpis"]["slopes"][0]["set"]["set"],
        found["mediation"]["randomised"]["set"],
    )
    return float((of_two[1] - of_two[0]) / (alone[1] - alone[0]))


def alike(shift: float, seed: int) -> np.ndarray:
    """Units of stores that are alike inside: both metrics have a level of the store."""
    draw = np.random.default_rng(seed)
    levels = np.repeat(draw.normal(size=(CLUSTERS, 2)), SIZE, axis=0)
    cpi = shift + levels[:, 0] + 0.5 * draw.normal(size=len(levels))
    kpi = 0.5 * cpi + levels[:, 1] + 0.5 * draw.normal(size=len(levels))
    return np.column_stack([cpi, kpi, draw.normal(size=len(levels))])


def test_clusters_widen_what_is_explored_as_they_widen_the_verdict() -> None:
    arms = {("control", 1): alike(0, 1), ("fast", 1): alike(-3, 2)}
    totals = {
        cell: np.column_stack([rows.reshape(CLUSTERS, SIZE, 3).sum(axis=1), np.full(CLUSTERS, SIZE)])
        for cell, rows in arms.items()
    }
    clusters = {cell: moments_of((*COLUMNS, CLUSTER_SIZE), rows) for cell, rows in totals.items()}
    asked = replace(two_kpis(), clustered=True, cluster="store")
    found = explored(asked, replace(facts(arms), clusters=clusters))
    assert wider(found) == pytest.approx(2.24 / 1.96, rel=0.05)
    for answer in (found["mediation"]["arms"][0]["found"], found["steering"]["surrogate_index"]):
        assert answer["not_estimable"]["reason"] == "clusters_randomised"


def test_blocks_are_explored_within_and_not_across() -> None:
    """Randomised 1:4 in one block and 4:1 in the other, of another level: pooled, it looks like much."""
    cells = {
        ("control", 1, "new"): units(0, 0.5, n=1000, seed=1),
        ("fast", 1, "new"): units(-1, 0.5, n=4000, seed=2),
        ("control", 1, "old"): units(0, 0.5, n=4000, seed=3, level=5.0),
        ("fast", 1, "old"): units(-1, 0.5, n=1000, seed=4, level=5.0),
    }
    arms = {
        (arm, 1): np.concatenate([rows for (of, _, _), rows in cells.items() if of == arm])
        for arm in ("control", "fast")
    }
    asked = replace(two_kpis(), analysis=AnalysisPlan(blocks="kind"))
    blocks = {cell: moments_of(COLUMNS, rows) for cell, rows in cells.items()}
    found = explored(asked, replace(facts(arms), segments={"kind": blocks}))
    assert wider(found) == pytest.approx(2.24 / 1.96, rel=0.05)
    assert found["mediation"]["arms"][0]["found"]["acme"]["value"] == pytest.approx(-0.5, abs=0.1)
