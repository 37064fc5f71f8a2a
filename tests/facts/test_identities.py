"""One customer under several ids: are their facts put together, whoever links what to what?"""

import random
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from service import facts
from service.facts import engine
from service.facts.lake.layout import TABLES
from service.facts.query import identities
from service.facts.query.answer import UnitState
from service.facts.query.columns import columns_of
from service.facts.query.reading import moments_sql
from service.facts.tables import FactKind
from service.metrics.definitions import EventMatch
from tests.facts.conftest import put
from tests.facts.customers import Link, customers, reference_of_customers
from tests.facts.reference import Assigned, Exposed, Happened, Trait, centred
from tests.facts.test_moments import DAY, MANY, START, asked, parsed, some_definition, some_facts

LATER = START + 400 * DAY


@pytest.fixture
def seen(settings, database, store):
    """Stores the facts and the links, folds them and asks."""

    def answer(links, assigned, happened, query) -> facts.MomentsResult:
        for kind, rows in (
            (FactKind.IDENTITIES, links),
            (FactKind.ASSIGNMENTS, assigned),
            (FactKind.OUTCOMES, happened),
        ):
            if rows:
                store(kind, rows)
        return facts.moments(settings, facts.fold(settings, database), query)

    return answer


def checked(seen, links, assigned, happened, query) -> facts.MomentsResult:
    """The query's answer, after comparing every number in it with the reference over customers."""
    result = seen(links, assigned, happened, query)
    rows, counts, several = reference_of_customers(links, assigned, happened, query)
    told = {(c.state, c.arm, c.phase): c.n for c in result.counts if c.state not in several}
    assert told == dict(counts)
    assert {state: result.n(state) for state in several} == several
    assert result.columns == tuple(column.name for column in columns_of(query.metrics))
    for cell, moments in result.moments.items():
        assert moments.n == len(rows[cell])
        if moments.n:
            named = [place for place, name in enumerate(result.columns) if name in rows[cell][0]]
            assert len(named) == len(rows[cell][0])
            mean, scatter = centred(rows[cell], [result.columns[place] for place in named])
            np.testing.assert_allclose(moments.mean[named], mean, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(moments.scatter[np.ix_(named, named)], scatter, rtol=1e-9, atol=1e-9)
    return result


def some_links(rng: random.Random, units: Sequence[str]) -> list[Link]:
    """Plain ids and cookies; chains, circles, links to oneself and twice the same ones among them."""
    ids = [("unit", unit) for unit in units] + [("cookie", f"c{n}") for n in range(8)]
    ids += [("téléphone", "+33 ☎"), ("cookie", "u1")]
    names = [*units, *(f"cookie:c{n}" for n in range(8)), "téléphone:+33 ☎", "cookie:u1"]
    found = [
        Link(*rng.choice(ids), rng.choice(names), START + (rng.random() * 50 - 5) * DAY)
        for _ in range(rng.randrange(0, 30))
    ]
    return found + found[:3]


@pytest.mark.parametrize("seed", range(8))
def test_random_worlds_say_the_same_as_links_followed_by_hand(seen, seed):
    rng = random.Random(seed)
    assigned, happened = some_facts(rng, units=20)
    units = sorted({one.unit for one in assigned} | {one.unit for one in happened})
    links = some_links(rng, units)
    given = {"stopped_at": START + 25 * DAY} if rng.random() < 0.5 else {}
    if rng.random() < 0.5:
        given |= {"exposure": EventMatch(event="called")}
    checked(seen, links, assigned, happened, asked(*(some_definition(rng) for _ in range(2)), **given))


def test_outcomes_under_another_id_are_the_units(seen):
    """Assigned as an account; called as a phone number, bought as a visitor who logged in later."""
    links = [
        Link("phone", "+49 30", "account 1", START),
        Link("unit", "visitor", "account 1", START + 9 * DAY),
        Link("phone", "+49 99", "account 2", START),
    ]
    assigned = [
        Assigned("exp_1", "account 1", "control", START),
        Assigned("exp_1", "account 2", "quick", START),
    ]
    happened = [
        Happened("o1", "phone:+49 30", "called", START + DAY),
        Happened("o2", "visitor", "called", START + DAY),
        Happened("o3", "+49 30", "called", START + DAY),  # without its namespace it is another unit
    ]
    result = checked(seen, links, assigned, happened, asked(parsed(MANY["count"])))
    assert result.moments["control", 1].mean[0] == 2
    assert result.moments["quick", 1].mean[0] == 0
    assert result.n(UnitState.UNASSIGNED) == 1


def test_who_is_in_two_arms_by_links_alone_is_left_out_and_counted_apart(seen):
    assigned = [
        Assigned("exp_1", "laptop", "control", START),
        Assigned("exp_1", "phone", "quick", START),
        Assigned("exp_1", "tablet", "control", START),
        Assigned("exp_1", "watch", "control", START + DAY),
        Assigned("exp_1", "wanderer", "control", START),
        Assigned("exp_1", "wanderer", "quick", START),
    ]
    links = [Link("unit", "phone", "laptop", START), Link("unit", "watch", "tablet", START)]
    result = checked(seen, links, assigned, [], asked(parsed(MANY["count"])))
    assert (result.n(UnitState.MERGED_ACROSS_ARMS), result.n(UnitState.MULTIPLE_ARMS)) == (1, 1)
    assert (result.n(UnitState.ANALYSED), result.everybody) == (1, 3)
    assert [result.assigned(arm) for arm in ("control", "quick")] == [1, 0]


def test_a_link_that_nobody_knew_yet_links_nothing(seen):
    assigned = [Assigned("exp_1", "a", "control", START), Assigned("exp_1", "b", "quick", START)]
    links = [Link("unit", "b", "a", START + 40 * DAY)]
    result = checked(seen, links, assigned, [], asked(parsed(MANY["count"])))
    assert (result.n(UnitState.ANALYSED), result.n(UnitState.MERGED_ACROSS_ARMS)) == (2, 0)


def test_exposures_and_traits_under_another_id_are_the_units(settings, database, store):
    store(FactKind.IDENTITIES, [Link("cookie", "c1", "account", START)])
    store(FactKind.ASSIGNMENTS, [Assigned("exp_1", "account", "control", START)])
    store(FactKind.EXPOSURES, [Exposed("exp_1", "e1", "cookie:c1", START + DAY)])
    store(FactKind.ATTRIBUTES, [Trait("cookie:c1", "country", START, text="FR")])
    store(FactKind.OUTCOMES, [Happened("o1", "account", "called", START + 2 * DAY)])
    query = asked(parsed(MANY["count"]), exposure="exposures", segments=("country",))
    result = facts.moments(settings, facts.fold(settings, database), query)
    assert result.n(UnitState.ANALYSED) == 1
    (cell,) = result.segments["country"]
    assert cell == ("control", 1, "FR")
    assert result.moments["control", 1].mean[0] == 1


def test_a_visitor_of_segment_who_logs_in_is_one_unit_from_the_first_page_on(client, settings, database):
    """Assigned and called before anybody knew who it was; called again under the account."""
    visitor, account = {"anonymousId": "a-1"}, {"userId": "u-1"}
    calls = [
        {"type": "track", "event": "called", **visitor},
        {"type": "identify", **visitor, **account},
        {"type": "track", "event": "called", **account},
    ]
    batch = [
        {**call, "messageId": f"m{hour}", "timestamp": (START + timedelta(hours=hour)).isoformat()}
        for hour, call in enumerate(calls)
    ]
    answer = client.post("/v1/batch", json={"batch": batch})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 3), answer.text
    put(database, FactKind.ASSIGNMENTS, [Assigned("exp_1", "a-1", "control", START)])
    snapshot = facts.fold(settings, database)
    result = facts.moments(settings, snapshot, asked(parsed(MANY["count"])))
    assert (result.n(UnitState.ANALYSED), result.n(UnitState.UNASSIGNED)) == (1, 0)
    assert result.moments["control", 1].mean[0] == 2


@pytest.mark.parametrize("shape", ["chain", "circle", "star", "knot"])
def test_ten_thousand_ids_of_one_customer_are_one_unit(settings, shape):
    rng, n = random.Random(3), 10_000
    ends = {
        "chain": [(k, k + 1) for k in range(n - 1)],
        "circle": [(k, (k + 1) % n) for k in range(n)],
        "star": [(0, k) for k in range(1, n)],
        "knot": [(rng.randrange(k), k) for k in range(1, n)] + [(k, rng.randrange(n)) for k in range(n)],
    }[shape]
    links = [Link("unit", f"id {b:05}", f"id {a:05}", START) for a, b in ends]
    rng.shuffle(links)
    found = merged(settings, links)
    assert found == {f"id {k:05}": "id 00000" for k in range(1, n)}


@pytest.mark.parametrize("seed", range(20))
def test_random_links_are_followed_as_far_as_by_hand(settings, seed):
    rng = random.Random(seed)
    units = [f"u{k}" for k in range(12)] + ["ü", "日本", "𝔘", "u'\"", "cookie:c1", ""]
    links = [link for link in some_links(rng, units) if link.unit]
    wanted = customers(links, LATER)
    assert merged(settings, links) == {name: unit for name, unit in wanted.items() if name != unit}


def merged(settings, links) -> dict[str, str]:
    schema = pa.schema([field for field in TABLES[FactKind.IDENTITIES].schema if field.name != "month"])
    rows = [{name: getattr(link, name) for name in schema.names} for link in links]
    with engine.connection(settings) as opened:
        opened.from_arrow(pa.Table.from_pylist(rows, schema=schema)).create("identities")
        if not identities.merge(opened, "identities", LATER):
            return {}
        found = opened.execute(f"SELECT id, unit FROM {identities.MERGED}").fetchall()
    assert len(found) == len(dict(found))
    return dict(found)


def test_without_links_nothing_is_asked_of_them(seen, settings, database):
    """Not even of a link of an id to itself, and the question stays the same text."""
    query = asked(parsed(MANY["count"]))
    assert identities.MERGED not in "".join(moments_sql(query).values())
    assert identities.MERGED in "".join(moments_sql(query, merged=True).values())
    assert merged(settings, [Link("unit", "a", "a", START), Link("phone", "1", "phone:1", START)]) == {}
    checked(seen, [Link("unit", "a", "a", START)], [Assigned("exp_1", "a", "control", START)], [], query)


def test_the_links_are_pinned_with_the_snapshot(settings, database, store):
    """A link that comes later changes a new run, and no run over an older snapshot."""
    store(FactKind.ASSIGNMENTS, [Assigned("exp_1", one, "control", START) for one in ("a", "b")])
    store(FactKind.IDENTITIES, [Link("unit", "x", "y", START)])
    query = asked(parsed(MANY["count"]))
    before = facts.fold(settings, database)
    first = facts.moments(settings, before, query)
    store(FactKind.IDENTITIES, [Link("unit", "b", "a", START + timedelta(seconds=1))])
    after = facts.fold(settings, database)
    again = facts.moments(settings, facts.Snapshot.from_json(before.to_json()), query)
    assert (first.n(UnitState.ANALYSED), again.fingerprint) == (2, first.fingerprint)
    assert facts.moments(settings, after, query).n(UnitState.ANALYSED) == 1
    assert facts.moments(settings, after, query).fingerprint != first.fingerprint
