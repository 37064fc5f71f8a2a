"""Whole clusters were randomised: are days and segments asked of clusters, and how often falsely?"""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from analyses import CLUSTER_SIZE, ExperimentContrasts, Rule, judge, moments_of
from service.evidence.analysis import analyse
from service.evidence.trust import sample_ratio
from service.facts.query.answer import ClusterFaults, DayCount, UnitState
from tests.evidence.cells import CPI, FAST, KPI, RIVAL, check, facts, plan

COLUMNS = (CPI, KPI, RIVAL, CLUSTER_SIZE)
CLUSTERED = replace(plan(FAST), clustered=True, cluster="store")
IN_REGIONS = replace(
    CLUSTERED, hypotheses=tuple(replace(one, segments=("region",)) for one in CLUSTERED.hypotheses)
)
FIRST = date(2026, 11, 2)
RULE = Rule(smallest_slope=0.1, better=-1)
CLEAN = ClusterFaults(units_without=0, clusters=240, in_several_arms=0)


def told(counts, *, varied=0, seen=None):
    """``counts`` (days, 2): clusters of control and of the arm; all of ten units."""
    days = {
        (arm, 1, FIRST + timedelta(days=day)): int(n)
        for day, both in enumerate(counts)
        for arm, n in zip(("control", "fast"), both, strict=True)
    }
    units = tuple(
        DayCount(state=UnitState.ANALYSED, arm=arm, phase=1, day=day, n=10 * n)
        for (arm, _, day), n in days.items()
    )
    cells = {(arm, 1): np.zeros((20, 3)) for arm in ("control", "fast")}
    return replace(
        facts(cells),
        by_day=units,
        cluster_days=days,
        cluster_faults=replace(CLEAN, clusters=int(np.sum(counts))),
        cluster_varied={"region": varied},
        cluster_segments={"region": {} if seen is None else seen},
    )


def test_days_of_clusters_give_a_false_alarm_as_seldom_as_promised() -> None:
    """Ten days of 40 clusters at even shares; counted by units the same days often ring."""
    draw, alarms, by_units = np.random.default_rng(5), 0, 0
    for _ in range(400):
        fast = draw.binomial(40, 0.5, size=10)
        found = told(np.column_stack([40 - fast, fast]))
        checks = sample_ratio(CLUSTERED, found, running=False, withheld=False)
        alarms += check(checks, "srm_by_day").passed is False
        alarms += check(checks, "sequential_srm").passed is False
        naive = sample_ratio(plan(FAST), found, running=False, withheld=False)
        by_units += check(naive, "srm_by_day").passed is False
    assert alarms <= 4  # of 800, each at .001 to .01
    assert by_units > 100


def test_a_day_that_loses_clusters_of_one_arm_is_named() -> None:
    counts = [[40, 40]] * 9 + [[60, 10]]
    found = check(sample_ratio(CLUSTERED, told(counts), running=False, withheld=False), "srm_by_day")
    assert found.passed is False
    assert found.detail.startswith("2026-11-11: control 60, fast 10")
    assert "clusters of one arm" in found.detail


def clusters(draw, shift, *, count=60, size=20, noise=0.6, slope=0.5):
    """Totals of clusters whose units share most of their noise; the KPI follows the CPI by ``slope``."""
    cpi = shift + noise * draw.normal(size=(count, 1)) + draw.normal(size=(count, size))
    kpi = slope * cpi + noise * draw.normal(size=(count, 1)) + draw.normal(size=(count, size))
    totals = np.stack([cpi, kpi, draw.normal(size=(count, size))], axis=-1).sum(axis=1)
    return moments_of(COLUMNS, np.column_stack([totals, np.full(count, size)]))


def regions(draw, slopes, **asked):
    """Two regions, each with clusters of its own, and all of them together."""
    of = {
        (arm, 1, region): clusters(draw, shift, slope=slope, **asked)
        for region, slope in slopes.items()
        for arm, shift in (("control", 0.0), ("fast", -1.0))
    }
    whole = {(arm, 1): of[arm, 1, "north"] + of[arm, 1, "south"] for arm in ("control", "fast")}
    return replace(
        told([[60, 60]] * 2),
        clusters=whole,
        cluster_segments={"region": of},
    )


def test_segments_of_clusters_have_slopes_with_errors_of_clusters() -> None:
    """One slope in both regions: Q between says otherwise in about one of twenty experiments."""
    draw, between, covered, replications = np.random.default_rng(11), [], 0, 200
    rule = replace(RULE, direct_effect_bound=0.0)
    for _ in range(replications):
        (finding,) = analyse(IN_REGIONS, regions(draw, {"north": 0.5, "south": 0.5})).findings
        relationship = judge(rule, [finding.contrasts]).relationship
        (found,) = relationship.segments
        between.append(found.p_value)
        covered += sum(one.set.lower <= -0.5 <= one.set.upper for one in found.slopes)
    assert np.mean(np.array(between) < 0.05) == pytest.approx(0.05, abs=0.04)
    assert covered / (2 * replications) == pytest.approx(0.95, abs=0.03)


def test_regions_that_differ_are_told_apart() -> None:
    draw = np.random.default_rng(12)
    (finding,) = analyse(IN_REGIONS, regions(draw, {"north": 1.5, "south": 0.0})).findings
    assert isinstance(finding.contrasts, ExperimentContrasts)
    assert set(finding.contrasts.segments["region"]) == {"north", "south"}
    (found,) = judge(replace(RULE, direct_effect_bound=0.0), [finding.contrasts]).relationship.segments
    assert found.p_value < 0.001


def test_units_of_one_cluster_in_two_regions_leave_no_segments_and_say_why() -> None:
    found = replace(
        regions(np.random.default_rng(13), {"north": 0.5, "south": 0.5}), cluster_varied={"region": 30}
    )
    analysis = analyse(IN_REGIONS, found)
    assert analysis.findings[0].contrasts.segments == {}
    asked = check(analysis.checks, "srm_by_segment")
    assert asked.passed is None
    assert asked.detail.startswith("region: units of 30 of 240 clusters are of several segments")


def test_a_segment_of_few_clusters_has_no_slope() -> None:
    found = regions(np.random.default_rng(14), {"north": 0.5, "south": 0.5}, count=9)
    assert analyse(IN_REGIONS, found).findings[0].contrasts.segments == {}


def test_a_region_that_loses_clusters_is_named() -> None:
    draw = np.random.default_rng(15)
    found = regions(draw, {"north": 0.5, "south": 0.5})
    cells = dict(found.cluster_segments["region"])
    cells["fast", 1, "south"] = clusters(draw, -1.0, count=15)
    asked = check(
        analyse(IN_REGIONS, replace(found, cluster_segments={"region": cells})).checks, "srm_by_segment"
    )
    assert asked.passed is False
    assert asked.detail.startswith("region south: control 60, fast 15")


def test_units_of_clusters_are_counted_as_units() -> None:
    """120 clusters of 20 customers in each arm, 60 of them in the north."""
    draw = np.random.default_rng(13)
    (finding,) = analyse(IN_REGIONS, regions(draw, {"north": 0.5, "south": 0.5})).findings
    assert isinstance(finding.contrasts, ExperimentContrasts)
    north = finding.contrasts.segments["region"]["north"]
    assert (finding.contrasts.arm_units, finding.contrasts.control_units) == ((2400,), 2400)
    assert (north.arm_units, north.control_units) == ((1200,), 1200)
