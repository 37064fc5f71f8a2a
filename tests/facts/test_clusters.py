"""Are units of a cluster added up before anything is averaged, and is it said whose cluster is unknown?"""

import random
from collections import defaultdict

import numpy as np

from analyses import CLUSTER_SIZE
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


def test_a_cluster_with_units_in_two_arms_is_counted(read):
    exposed = START + 2 * DAY
    assigned = [Assigned("exp_1", f"u{n}", "control" if n % 2 else "quick", exposed) for n in range(4)]
    traits = [Trait(f"u{n}", "store", START, text="one" if n < 2 else "two") for n in range(4)]
    query = asked(parsed({"aggregation": "count", "event": {"event": "bought"}}), cluster="store")
    result = read(assigned, [], query, attributes=traits)
    assert result.cluster_faults == ClusterFaults(units_without=0, clusters=2, in_several_arms=2)
