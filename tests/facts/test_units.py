"""Are the units one by one those that the moments are of, and is who is sampled decided by a hash alone?"""

import random
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from service import facts
from service.facts import MomentsQuery, PopulationQuery, Sampling, UnitRows, UnitState
from service.facts.lake import tombstones
from service.facts.query import units as one_by_one
from service.facts.query.answer import MISSING, OTHER
from service.facts.query.units import NOT_KNOWN
from service.facts.tables import FactKind
from service.metrics.definitions import EventMatch
from service.metrics.segments import named
from tests.facts.customers import Link
from tests.facts.reference import Assigned, Happened, Trait, reference, told_apart, unit_numbers
from tests.facts.test_moments import DAY, START, asked, parsed, some_definition, some_facts
from tests.facts.test_segments import POLICIES, some_traits

CALLED = parsed({"aggregation": "count", "event": {"event": "called"}})


@pytest.fixture
def rows(settings, database, store):
    """Stores the facts, folds them and asks for the units."""

    def answer(query, sampling=None, **kinds) -> UnitRows:
        for kind, found in kinds.items():
            store(FactKind(kind), found)
        return facts.unit_rows(settings, facts.fold(settings, database), query, sampling or Sampling())

    return answer


def written(numbers, segments) -> tuple[object, ...]:
    plain = sorted((name, round(float(value), 6)) for name, value in numbers.items())
    return (*plain, *sorted(segments.items()))


def found_in(rows: UnitRows) -> Counter[object]:
    """Each unit by its arm, phase, numbers and segments."""
    counted: Counter[object] = Counter()
    named_columns = [name for name in rows.columns if not name.startswith("trigger:")]
    for place in range(rows.n):
        numbers = {name: rows.column(name)[place] for name in named_columns}
        segments = {
            f"#{name}": MISSING if of.codes[place] == NOT_KNOWN else of.names[of.codes[place]]
            for name, of in rows.segments.items()
        }
        code = rows.arms.codes[place]
        arm = None if code == NOT_KNOWN else rows.arms.names[code]
        counted[arm, int(rows.phases[place]), written(numbers, segments)] += 1
    return counted


def of_reference(units, arm, phase) -> Counter[object]:
    return Counter(
        (
            arm,
            phase,
            written(
                {name: value for name, value in unit.items() if name[0] != "#"},
                {name: value for name, value in unit.items() if name[0] == "#"},
            ),
        )
        for unit in units
    )


@pytest.mark.parametrize("seed", range(4))
def test_random_worlds_give_the_units_of_plain_python(rows, seed):
    rng = random.Random(seed)
    assigned, happened = some_facts(rng, units=60)
    traits = some_traits(rng, [f"u{n}" for n in range(60)])
    query = asked(some_definition(rng), some_definition(rng), segments=("country", POLICIES))
    found = rows(query, assignments=assigned, outcomes=happened, attributes=traits)
    wanted, counts = reference(assigned, happened, query, traits=traits)
    total: Counter[object] = Counter()
    for (arm, phase), units in wanted.items():
        total += of_reference(units, arm, phase)
    assert found.n > 10
    assert found_in(found) == total
    assert found.left_out == {
        state: sum(n for (one, *_), n in counts.items() if one is state)
        for state in {one for one, *_ in counts} - {UnitState.ANALYSED}
    }
    assert (found.analysed, found.share) == (found.n, 1.0)


def test_they_add_up_to_the_moments(settings, database, rows):
    rng = random.Random(7)
    assigned, happened = some_facts(rng, units=60)
    query = asked(some_definition(rng), some_definition(rng))
    found = rows(query, assignments=assigned, outcomes=happened)
    moments = facts.moments(settings, facts.pin(settings, database), query)
    for (arm, phase), of in moments.moments.items():
        ours = found.values[(found.arms.codes == found.arms.names.index(arm)) & (found.phases == phase)]
        assert len(ours) == of.n
        np.testing.assert_allclose(ours.mean(axis=0), of.mean, rtol=1e-11, atol=1e-11)


def plain(n: int) -> tuple[list[Assigned], list[Happened]]:
    """Unit u7 called seven times, so that a row says who it is."""
    units = [f"u{place}" for place in range(n)]
    assigned = [
        Assigned("exp_1", unit, "control" if n % 3 else "quick", START) for n, unit in enumerate(units)
    ]
    happened = [
        Happened(f"{unit}-{k}", unit, "called", START + k * timedelta(minutes=1), None)
        for place, unit in enumerate(units)
        for k in range(place)
    ]
    return assigned, happened


def test_who_is_sampled_hangs_on_the_seed_and_the_unit_alone(settings, database, store, rows):
    assigned, happened = plain(60)
    everybody = rows(asked(CALLED), assignments=assigned[::-1], outcomes=happened)
    snapshot = facts.pin(settings, database)
    who = everybody.column("met_0@1").astype(int).tolist()
    assert sorted(who) == list(range(60))
    assert who != sorted(who)
    some = facts.unit_rows(settings, snapshot, asked(CALLED), Sampling(cap=25))
    assert some.column("met_0@1").astype(int).tolist() == who[:25]
    assert (some.n, some.analysed, some.share) == (25, 60, 25 / 60)
    np.testing.assert_array_equal(some.discovery, everybody.discovery[:25])
    assert 15 < everybody.discovery.sum() < 45
    assert some.fingerprint != everybody.fingerprint
    other = facts.unit_rows(settings, snapshot, asked(CALLED), Sampling(seed=1))
    assert other.column("met_0@1").astype(int).tolist() != who
    halves = {int(unit): bool(half) for unit, half in zip(who, everybody.discovery, strict=True)}
    flipped = dict(zip(other.column("met_0@1").astype(int).tolist(), other.discovery.tolist(), strict=True))
    assert 0 < sum(halves[unit] != flipped[unit] for unit in halves) < 60
    store(FactKind.ASSIGNMENTS, [Assigned("exp_1", "later", "control", START)])
    more = facts.unit_rows(settings, facts.fold(settings, database), asked(CALLED), Sampling())
    without = [unit for unit in more.column("met_0@1").astype(int).tolist() if unit]
    assert without == [unit for unit in who if unit]


def test_the_units_of_one_cluster_are_in_one_half(rows):
    assigned, happened = plain(60)
    traits = [Trait(f"u{n}", "shop", START - DAY, text=f"s{n % 7}") for n in range(55)]
    found = rows(asked(CALLED, cluster="shop"), assignments=assigned, outcomes=happened, attributes=traits)
    assert found.cluster is not None
    assert found.cluster.names == tuple(f"s{n}" for n in range(7))
    assert (found.cluster.codes == NOT_KNOWN).sum() == 5
    for code in range(7):
        assert len(set(found.discovery[found.cluster.codes == code].tolist())) == 1
    assert len(set(found.discovery.tolist())) == 2


def test_nobody_who_was_erased_and_no_customer_twice(settings, database, store, rows):
    assigned, happened = plain(12)
    found = rows(
        asked(CALLED),
        assignments=assigned,
        outcomes=happened,
        identities=[Link("unit", "u6", "u3", START), Link("unit", "u1", "u0", START)],
    )
    assert sorted(found.column("met_0@1").astype(int).tolist()) == [2, 4, 5, 7, 8, 9, 9, 10, 11]  # u3 with u6
    assert found.left_out == {UnitState.MERGED_ACROSS_ARMS: 1}
    with database.write() as session:
        tombstones.entomb(session, "u9", requested_by="ada@example.com")
    after = facts.unit_rows(settings, facts.pin(settings, database), asked(CALLED), Sampling())
    assert sorted(after.column("met_0@1").astype(int).tolist()) == [2, 4, 5, 7, 8, 9, 10, 11]


def test_names_beyond_the_kept_ones_are_other_and_numbers_are_read_wherever_they_are_texts(rows, monkeypatch):
    monkeypatch.setattr(one_by_one, "MOST_LEVELS", 2)
    assigned, happened = plain(9)
    told = ["b", "b", "a", "a", "c", "5", "2.5", "inf"]
    traits = [Trait(f"u{n}", "kind", START - DAY, text=text) for n, text in enumerate(told)]
    found = rows(
        asked(CALLED, segments=("kind",)), assignments=assigned, outcomes=happened, attributes=traits
    )
    kinds, numbers = found.segments["kind"], found.numbers["kind"]
    assert kinds.names == ("a", "b", OTHER)
    said = {
        int(n): (kinds.names[code] if code != NOT_KNOWN else None, number)
        for n, code, number in zip(found.column("met_0@1"), kinds.codes, numbers, strict=True)
    }
    assert [said[n][0] for n in range(9)] == ["b", "b", "a", "a", OTHER, OTHER, OTHER, OTHER, None]
    assert {n: number for n, (_, number) in said.items() if not np.isnan(number)} == {5: 5.0, 6: 2.5}


def test_nobody_at_all(rows):
    found = rows(asked(CALLED), outcomes=[Happened("o", "u1", "called", START, None)])
    assert (found.n, found.share, found.arms.names) == (0, 0.0, ())
    assert found.left_out == {UnitState.UNASSIGNED: 1}


@pytest.mark.parametrize("seed", range(4))
def test_a_population_is_anchored_at_its_first_event_in_the_period(rows, seed):
    rng = random.Random(seed)
    _, happened = some_facts(rng, units=60)
    traits = some_traits(rng, [f"u{n}" for n in range(60)])
    start, end = START - 3 * DAY, START + 20 * DAY
    anchor = EventMatch(event="called")
    query = PopulationQuery(
        metrics=tuple((f"met_{n}@1", some_definition(rng)) for n in range(2)),
        as_of=START + 24 * DAY,
        started_at=start,
        stopped_at=end,
        segments=("country", POLICIES),
        anchor=anchor,
    )
    found = rows(query, outcomes=happened, attributes=traits)
    wanted: Counter[object] = Counter()
    still_open = 0
    for unit in {one.unit for one in happened}:
        theirs = [
            one for one in happened if one.unit == unit and query.outcomes_since <= one.time < query.as_of
        ]
        times = [one.time for one in theirs if one.event == "called" and start <= one.time < end]
        if not times:
            continue
        at = min(times)
        if at + query.closes_after > query.as_of:
            still_open += 1
            continue
        known = [trait for trait in traits if trait.unit == unit and trait.time < query.as_of]
        wanted += of_reference(
            [unit_numbers(theirs, at, query) | told_apart(theirs, at, known, query)], None, 0
        )
    assert sum(wanted.values()) > 5
    assert found_in(found) == wanted
    assert found.left_out.get(UnitState.WINDOW_OPEN, 0) == still_open


def test_a_population_by_an_attribute_starts_where_it_was_first_known(rows):
    traits = [
        Trait("u1", "tenant", START - 9 * DAY, truth=True),  # before the period
        Trait("u1", "tenant", START, truth=True),
        Trait("u1", "tenant", START + 9 * DAY, truth=True),
        Trait("u2", "other", START, truth=True),
    ]
    happened = [Happened(f"o{n}", "u1", "called", START + n * DAY, None) for n in (-1, 0, 4, 5)]
    query = PopulationQuery(
        metrics=(("met_0@1", CALLED),), as_of=START + 40 * DAY, started_at=START, anchor="tenant"
    )
    found = rows(query, outcomes=happened, attributes=traits)
    assert found.n == 1
    assert found.column("met_0@1").tolist() == [2.0]
    assert found.arms.codes.tolist() == [NOT_KNOWN]
    assert found.day(0) == START.date()


def test_a_question_names_what_it_is_of():
    with pytest.raises(ValueError, match="a cap of at least one unit, got 0"):
        Sampling(cap=0)
    with pytest.raises(ValueError, match="expected times with an offset"):
        PopulationQuery(metrics=(("m", CALLED),), as_of=START.replace(tzinfo=None), anchor="tenant")
    assert {*map(named, asked(CALLED, segments=("country",)).segments)} == {"country"}
    assert isinstance(asked(CALLED), MomentsQuery)
