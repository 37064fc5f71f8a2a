"""Are units of a cluster added up before anything is averaged, and is it said whose cluster is unknown?"""

import random
from collections import defaultdict
from datetime import date

import numpy as np
import pytest

from analyses import CLUSTER_SIZE, OVER_DAYS
from service.facts.query.answer import ClusterFaults
from tests.facts.reference import Assigned, Happened, Trait, reference
from tests.facts.test_moments import DAY, START, asked, parsed


def test_moments_of_clusters_are_those_of_their_totals(read):
    rng = random.Random(5)
    exposed = START + 2 * DAY
    assigned, happened, traits, cluster = [], [], [], {}
    for n in range(60):
        unit, store = f"u{n}", rng.randrange(12)
        assigned.append(Assigned("exp_1", unit, "quick" if store % 2 else "control", exposed))
        happened += [
            Happened(f"o{n}-{k}", unit, "bought", exposed + DAY, value=rng.random()) for k in range(n % 3)
        ]
        if n != 7:
            cluster[unit] = f"store {store}"
            traits.append(Trait(unit, "store", START, text=cluster[unit]))
    query = asked(
        parsed({"aggregation": "sum", "event": {"event": "bought"}, "value_type": "money"}), cluster="store"
    )
    result = read(assigned, happened, query, attributes=traits)
    rows, _ = reference(assigned, happened, query, traits=traits)
    assert result.cluster_faults == ClusterFaults(
        units_without=1, clusters=len(set(cluster.values())), in_several_arms=0
    )
    wanted = defaultdict(lambda: defaultdict(lambda: np.zeros(2)))
    values = {o.unit: 0.0 for o in happened}
    for outcome in happened:
        values[outcome.unit] += outcome.value
    for one in assigned:
        if one.unit in cluster:
            wanted[one.arm][cluster[one.unit]] += [values.get(one.unit, 0.0), 1.0]
    assert sum(len(units) for units in rows.values()) == 60
    for arm, totals in wanted.items():
        found, truth = result.clusters[arm, 1], np.array(list(totals.values()))
        places = [found.index("met_0@1"), found.index(CLUSTER_SIZE)]
        assert found.n == len(truth)
        np.testing.assert_allclose(found.mean[places], truth.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(found.covariance[np.ix_(places, places)], np.cov(truth.T), rtol=1e-10)


@pytest.mark.parametrize("aggregation", ["sum", "ratio"])
def test_totals_of_clusters_over_days_are_those_of_their_units(read, aggregation):
    """Units of 12 stores over ten days: by weekday and times the day, of the value and of what it is over."""
    rng = random.Random(8)
    assigned, happened, traits, truth = [], [], [], defaultdict(lambda: np.zeros(len(OVER_DAYS)))
    for n in range(240):
        unit, store, day = f"u{n}", rng.randrange(12), rng.randrange(10)
        exposed, arm = START + (2 + day) * DAY, "quick" if store % 2 else "control"
        assigned.append(Assigned("exp_1", unit, arm, exposed))
        traits.append(Trait(unit, "store", START, text=f"store {store}"))
        values, calls = [rng.random() for _ in range(n % 3)], n % 2
        happened += [Happened(f"o{n}-{k}", unit, "bought", exposed, value=v) for k, v in enumerate(values)]
        happened += [Happened(f"c{n}-{k}", unit, "called", exposed) for k in range(calls)]
        weight, time = (1.0 if aggregation == "sum" else calls), float((exposed - START).days)
        weekday = (exposed.date() - date(1970, 1, 1)).days % 7
        row = truth[arm, store]
        for place, one in enumerate((weight, weight * time, sum(values))):
            row[7 * place + weekday] += one
        row[21:] += (weight * time**2, sum(values) * time)
    spent = {"event": {"event": "bought"}, "value_type": "money"}
    if aggregation == "ratio":
        called = {"event": {"event": "called"}, "count": True}
        spent = {"numerator": {"event": {"event": "bought"}}, "denominator": called, "value_type": "money"}
    query = asked(
        parsed({"aggregation": aggregation, **spent}),
        cluster="store",
        over_days=("met_0@1",),
        started_at=START,
    )
    result = read(assigned, happened, query, attributes=traits)
    assert result.over_days_from == START.date()
    for arm in ("control", "quick"):
        found = result.over_days["met_0@1", arm, 1]
        rows = np.array([row for (of, _), row in truth.items() if of == arm])
        assert (found.columns, found.n) == (OVER_DAYS, len(rows))
        np.testing.assert_allclose(found.mean, rows.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(found.covariance, np.cov(rows.T), rtol=1e-9, atol=1e-9)


def test_a_cluster_with_units_in_two_arms_is_counted(read):
    exposed = START + 2 * DAY
    assigned = [Assigned("exp_1", f"u{n}", "control" if n % 2 else "quick", exposed) for n in range(4)]
    traits = [Trait(f"u{n}", "store", START, text="one" if n < 2 else "two") for n in range(4)]
    query = asked(parsed({"aggregation": "count", "event": {"event": "bought"}}), cluster="store")
    result = read(assigned, [], query, attributes=traits)
    assert result.cluster_faults == ClusterFaults(units_without=0, clusters=2, in_several_arms=2)


def test_clusters_come_with_their_first_unit_and_are_of_the_segment_of_all_their_units(read):
    """Stores of ten units over three days; one store's units are of two regions, one's of none."""
    rng = random.Random(6)
    assigned, traits, first = [], [], {}
    for n in range(120):
        unit, store = f"u{n}", n // 10
        exposed = START + (2 + rng.randrange(3)) * DAY
        assigned.append(Assigned("exp_1", unit, "quick" if store % 2 else "control", exposed))
        first[store] = min(first.get(store, exposed), exposed)
        traits.append(Trait(unit, "store", START, text=f"store {store}"))
        region = ("north", "south")[n % 2 if store == 3 else store % 2 == 0]
        if store != 5 and n % 10 != 9:  # one unit of each store has no region, and all of one store
            traits.append(Trait(unit, "region", START, text=region))
    query = asked(
        parsed({"aggregation": "count", "event": {"event": "bought"}}),
        cluster="store",
        segments=("region",),
    )
    result = read(assigned, [], query, attributes=traits)
    wanted = defaultdict(int)
    for store, exposed in first.items():
        wanted["quick" if store % 2 else "control", 1, exposed.date()] += 1
    assert result.cluster_days == wanted
    assert sum(result.cluster_days.values()) == 12
    (told,) = result.cluster_segments.values()
    assert {cell: of.n for cell, of in told.items()} == {
        ("control", 1, "south"): 6,
        ("quick", 1, "north"): 4,
        ("quick", 1, "other"): 1,
        ("quick", 1, "missing"): 1,
    }
    assert list(result.cluster_varied.values()) == [1]
    south = told["control", 1, "south"]
    assert south.mean[south.index(CLUSTER_SIZE)] == 10
    assert sum(of.n for (arm, _, _), of in told.items() if arm == "quick") == result.clusters["quick", 1].n
