"""Does the one query say what the definitions say? Compared with plain Python on small random data."""

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import TypeAdapter

from service import facts
from service.facts.query.answer import UnitState
from service.facts.query.columns import columns_of, rates
from service.facts.query.question import MomentsQuery
from service.facts.tables import FactKind
from service.metrics.definitions import Definition, EventMatch
from tests.facts.conftest import Read
from tests.facts.reference import Assigned, Happened, centred, reference

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CHANNELS = ("web", "app", "phone", 'the "other"', "5", "true")
KEYS = ("channel", "amount", "first time", "a.b/c~d", 'quo"te', "it's")
PARSED = TypeAdapter(Definition)

EGGS = {"event": "bought", "where": [{"property": "channel", "op": "=", "value": "web"}]}
MANY = {
    "mean": {"aggregation": "mean", "event": {"event": "answered"}, "value_type": "duration"},
    "sum": {"aggregation": "sum", "event": EGGS, "value_type": "money"},
    "count": {"aggregation": "count", "event": {"event": "called"}},
    "proportion": {"aggregation": "proportion", "all_of": [{"event": "called"}, EGGS]},
    "ratio": {
        "aggregation": "ratio",
        "numerator": {"event": {"event": "bought"}, "value_property": "amount"},
        "denominator": {"event": {"event": "called"}, "count": True},
        "value_type": "money",
    },
    "retention": {"aggregation": "retention", "event": {"event": "called"}, "start": "P2D"},
    "time_between": {
        "aggregation": "time_between",
        "start": {"event": "called"},
        "end": {"event": "answered"},
        "unit": "hour",
    },
    "journey": {
        "aggregation": "journey",
        "steps": [{"event": {"event": "called"}}, {"event": EGGS, "within": "P1D", "absent": True}],
    },
    "distinct": {"aggregation": "distinct", "event": {"event": "bought"}, "property": "channel"},
    "last": {"aggregation": "last", "event": {"event": "answered"}, "value_type": "amount"},
    "quantile": {
        "aggregation": "quantile",
        "event": {"event": "answered"},
        "value_type": "duration",
        "quantile": 0.9,
    },
}


def parsed(document: dict[str, object], **common: object) -> Definition:
    return PARSED.validate_json(TypeAdapter(dict).dump_json({"window": "P5D", **document, **common}))


def asked(*definitions: Definition, **other: object) -> MomentsQuery:
    metrics = tuple((f"met_{place}@1", definition) for place, definition in enumerate(definitions))
    fixed = {
        "experiment": "exp_1",
        "arms": ("control", "quick"),
        "phases": (1, 2),
        "as_of": START + 40 * DAY,
    }
    return MomentsQuery(**{**fixed, "metrics": metrics, **other})


def some_match(rng: random.Random, *, filters: int = 2) -> dict[str, object]:
    where = []
    for _ in range(rng.randrange(filters + 1)):
        op = rng.choice(["=", "!=", "in", "<", "<=", ">", ">="])
        scalar = lambda: rng.choice([rng.choice(CHANNELS), float(rng.randrange(4)), 5.0, True, False])  # noqa: E731
        value = scalar()
        if op == "in":
            value = [scalar() for _ in range(rng.randrange(1, 4))]
        elif op not in ("=", "!="):
            value = float(rng.randrange(4))
        where.append({"property": rng.choice(KEYS), "op": op, "value": value})
    return {"event": rng.choice(["answered", "bought", "called"]), "where": where}


def some_steps(rng: random.Random) -> list[dict[str, object]]:
    nexts = [
        {"event": some_match(rng, filters=1), "within": rng.choice([None, "PT9H", "PT20H"])}
        for _ in range(rng.randrange(1, 4))
    ]
    if rng.random() < 0.6:
        nexts[-1] |= {"within": rng.choice(["PT5H", "PT23H"]), "absent": True}
    return [{"event": some_match(rng, filters=1)}, *nexts]


def some_fields(rng: random.Random, kind: str) -> dict[str, object]:
    """What an aggregation needs besides window, population and the like."""
    value_property = rng.choice([None, "amount", "a.b/c~d"])
    of_values = {"event": some_match(rng), "value_property": value_property, "value_type": "amount"}
    term = {"event": some_match(rng), "value_property": value_property}
    counted = {"event": some_match(rng), "count": True}
    both = {"start": some_match(rng, filters=1), "end": some_match(rng, filters=1)}
    return {
        "mean": of_values,
        "sum": of_values,
        "last": of_values,
        "quantile": of_values | {"quantile": rng.choice([0.5, 0.9]), "of": rng.choice(["mean", "sum"])},
        "count": {"event": some_match(rng)},
        "proportion": {"all_of": [some_match(rng) for _ in range(rng.randrange(1, 4))]},
        "ratio": {"numerator": term, "denominator": counted, "value_type": "amount"},
        "retention": {"event": some_match(rng), "start": "PT20H"},
        "time_between": both | {"unit": rng.choice(["second", "hour", "day"])},
        "journey": {"steps": some_steps(rng)},
        "distinct": {"event": some_match(rng), "property": rng.choice(KEYS)},
    }[kind]


def some_definition(rng: random.Random) -> Definition:
    kind = rng.choice(sorted(MANY))
    document: dict[str, object] = {"aggregation": kind, "window": f"P{rng.randrange(1, 9)}D"}
    document["pre_period"] = rng.choice(["P0D", "P3D", "PT7H", "P14D"])
    if rng.random() < 0.4:
        document["cap"] = rng.choice([{"upper": 3.5}, {"lower": 1.0}, {"lower": -1.0, "upper": 2.0}])
    if rng.random() < 0.4:
        document["population"] = {"triggered": some_match(rng, filters=1)}
    if kind in ("mean", "sum", "count", "journey", "distinct", "last") and rng.random() < 0.5:
        document["missing"] = rng.choice(["exclude", "zero"])
    return parsed(document | some_fields(rng, kind))


def some_properties(rng: random.Random) -> str | None:
    if rng.random() < 0.1:
        return None
    scalar = lambda: rng.choice([rng.choice(CHANNELS), rng.randrange(6), 2.5, True, False, None])  # noqa: E731
    chosen = {key: scalar() for key in KEYS if rng.random() < 0.7}
    return TypeAdapter(dict).dump_json(chosen).decode()


def some_facts(rng: random.Random, units: int = 40) -> tuple[list[Assigned], list[Happened]]:
    names = [f"u{place}" for place in range(units)] + ["ü/1", 'u"2', "u 3"]
    assigned, happened = [], []
    for name in names:
        for _ in range(rng.choice([0, 1, 1, 1, 1, 2])):
            arm = rng.choice(["control", "quick"]) if rng.random() < 0.97 else "retired"
            time = START + rng.random() * 33 * DAY
            assigned.append(
                Assigned(rng.choice(["exp_1"] * 5 + ["exp_2"]), name, arm, time, rng.choice([1, 2]))
            )
            if rng.random() < 0.5:  # an outcome exactly at an edge
                offset = rng.choice([0, 1, 3, 5, -3, -14]) * DAY
                happened.append((name, time + offset))
        happened += [(name, START + (rng.random() * 60 - 15) * DAY) for _ in range(rng.randrange(12))]
    return assigned, [
        Happened(
            id=f"o{place}",
            unit=name,
            event=rng.choice(["answered", "bought", "called", "ignored"]),
            time=time,
            value=rng.choice([None, 0.0, rng.gauss(2, 3)]),
            properties=some_properties(rng),
        )
        for place, (name, time) in enumerate(happened)
    ]


def checked(read: Read, assigned, happened, query, *, exposures=()) -> facts.MomentsResult:
    """The query's answer, after comparing every number in it with the reference."""
    result = read(assigned, happened, query, exposures=exposures)
    rows, counts = reference(assigned, happened, query, exposures=exposures)
    assert {
        (c.state, c.arm, c.phase): c.n for c in result.counts if c.state is not UnitState.MULTIPLE_ARMS
    } == {key: n for key, n in counts.items() if key[0] is not UnitState.MULTIPLE_ARMS}
    assert result.n(UnitState.MULTIPLE_ARMS) == sum(
        n for (state, _, _), n in counts.items() if state is UnitState.MULTIPLE_ARMS
    )
    assert result.columns == tuple(column.name for column in columns_of(query.metrics))
    named = [place for place, name in enumerate(result.columns) if not name.startswith("trigger:")]
    for cell, moments in result.moments.items():
        assert moments.n == len(rows[cell])
        if moments.n:
            mean, scatter = centred(rows[cell], [result.columns[place] for place in named])
            np.testing.assert_allclose(moments.mean[named], mean, rtol=1e-11, atol=1e-11)
            np.testing.assert_allclose(moments.scatter[np.ix_(named, named)], scatter, rtol=1e-9, atol=1e-9)
    assert set(rows) <= set(result.moments)
    return result


@pytest.mark.parametrize("seed", range(20))
def test_random_definitions_agree_with_plain_python(read, seed):
    rng = random.Random(seed)
    assigned, happened = some_facts(rng)
    dates = {}
    if rng.random() < 0.4:
        dates = {"started_at": START + 2 * DAY, "stopped_at": START + 30 * DAY}
    if rng.random() < 0.3:
        dates["phases"] = (2,)
    if rng.random() < 0.3:
        dates["exposure"] = EventMatch.model_validate(some_match(rng, filters=1))
    query = asked(
        *(some_definition(rng) for _ in range(4)), as_of=START + rng.randrange(25, 45) * DAY, **dates
    )
    checked(read, assigned, happened, query)


@pytest.mark.parametrize("kind", sorted(MANY))
def test_each_aggregation_agrees_with_plain_python_on_many_units(read, kind):
    assigned, happened = some_facts(random.Random(kind), units=300)
    result = checked(read, assigned, happened, asked(parsed(MANY[kind])))
    assert min(moments.n for moments in result.moments.values()) > 20
    assert any(np.trace(moments.covariance) > 0 for moments in result.moments.values())


def test_a_trigger_rate_counts_the_units_with_the_event_in_the_window(read):
    definition = parsed(MANY["count"], population={"triggered": {"event": "answered"}})
    assigned, happened = some_facts(random.Random(5), units=200)
    result = checked(read, assigned, happened, asked(definition))
    rate = result.columns.index(*rates(definition))
    single = asked(parsed({"aggregation": "proportion", "all_of": [{"event": "answered"}]}))
    rows, _ = reference(assigned, happened, single)
    for cell, moments in result.moments.items():
        assert moments.mean[rate] == pytest.approx(np.mean([row["met_0@1"] for row in rows[cell]]))
        assert 0 < moments.mean[rate] < 1


def test_who_has_something_to_count_is_a_rate_of_a_ratio_of_counts(read):
    definition = parsed(MANY["ratio"], population={"triggered": {"event": "answered"}})
    assigned, happened = some_facts(random.Random(6), units=200)
    result = checked(read, assigned, happened, asked(definition))
    both = {"aggregation": "proportion", "all_of": [{"event": "answered"}, {"event": "called"}]}
    rows, _ = reference(assigned, happened, asked(parsed(both)))
    for cell, moments in result.moments.items():
        assert moments.mean[-1] == pytest.approx(np.mean([row["met_0@1"] for row in rows[cell]]))
    assert 0 < max(moments.mean[-1] for moments in result.moments.values()) < 1


def test_windows_are_closed_open_to_the_microsecond(read):
    tick = timedelta(microseconds=1)
    assigned = [Assigned("exp_1", "u1", "control", START), Assigned("exp_1", "u2", "control", START + tick)]
    times = [-14 * DAY - tick, -14 * DAY, -tick, timedelta(0), 5 * DAY - tick, 5 * DAY]
    happened = [Happened(f"o{place}", "u1", "called", START + at) for place, at in enumerate(times)]
    result = checked(read, assigned, happened, asked(parsed(MANY["count"]), as_of=START + 5 * DAY))
    moments = result.moments["control", 1]
    assert (moments.n, moments.mean.tolist()) == (1, [2.0, 2.0])
    assert result.n(UnitState.WINDOW_OPEN) == 1
    assert (result.assigned("control"), result.exposed("control"), result.assigned("quick")) == (2, 2, 0)


def test_what_is_assigned_after_the_stop_rewrites_nothing(read):
    """A rollout to everybody, logged under the same experiment, must not undo what was randomised."""
    stopped = START + 10 * DAY
    before = [Assigned("exp_1", f"u{n}", ("control", "quick")[n % 2], START + DAY) for n in range(6)]
    after = [Assigned("exp_1", f"u{n}", "quick", stopped + n * DAY, 2) for n in range(9)]
    query = asked(parsed(MANY["count"]), stopped_at=stopped)
    result = checked(read, [*before, *after], [], query)
    assert (result.n(UnitState.MULTIPLE_ARMS), result.n(UnitState.OUTSIDE_DATES)) == (0, 3)
    assert [result.n(UnitState.ANALYSED, arm=arm) for arm in ("control", "quick")] == [3, 3]
    assert [result.assigned(arm) for arm in ("control", "quick")] == [3, 3]
    assert (result.everybody, result.phases) == (6, (1,))


@pytest.mark.parametrize("late", [timedelta(0), -timedelta(microseconds=1)])
def test_a_second_arm_counts_up_to_the_microsecond_of_the_stop(read, late):
    stopped = START + 10 * DAY
    assigned = [Assigned("exp_1", "u1", "control", START), Assigned("exp_1", "u1", "quick", stopped + late)]
    result = checked(read, assigned, [], asked(parsed(MANY["count"]), stopped_at=stopped))
    assert result.n(UnitState.MULTIPLE_ARMS) == (1 if late else 0)


def test_units_of_a_phase_that_was_never_planned_are_counted_and_not_analysed(read):
    assigned = [
        Assigned("exp_1", "u1", "control", START),
        Assigned("exp_1", "u2", "quick", START, 7),
        Assigned("exp_1", "u3", "control", START, 7),
        Assigned("exp_1", "u3", "quick", START, 7),
        Assigned("exp_1", "u4", "quick", START, 7),
        Assigned("exp_1", "u4", "quick", START + DAY),
    ]
    result = checked(read, assigned, [], asked(parsed(MANY["count"])))
    assert (result.n(UnitState.UNKNOWN_PHASE), result.n(UnitState.MULTIPLE_ARMS)) == (1, 1)
    assert (result.n(UnitState.ANALYSED), result.phases) == (2, (1,))
    assert [result.assigned(arm) for arm in ("control", "quick")] == [1, 1]


def test_one_unit_and_nobody_are_answered_without_a_number_that_is_not_finite(read):
    happened = [Happened("o1", "u1", "answered", START, 3.0)]
    result = read([Assigned("exp_1", "u1", "control", START)], happened, asked(parsed(MANY["mean"])))
    alone, nobody = result.moments["control", 1], result.moments["quick", 1]
    assert (alone.n, alone.mean.tolist(), alone.scatter.any()) == (1, [3.0, 1.0, 0.0, 0.0], False)
    assert (nobody.n, nobody.mean.any(), nobody.scatter.any()) == (0, False, False)


def test_an_experiment_without_facts_has_empty_arms(read):
    result = read([], [], asked(parsed(MANY["mean"])))
    assert {cell: moments.n for cell, moments in result.moments.items()} == {
        ("control", 1): 0,
        ("quick", 1): 0,
    }
    assert set(result.excluded().values()) == {0}


def test_a_large_offset_costs_no_digits(read):
    rng = random.Random(1)
    values = [1e6 + rng.gauss(0, 10) for _ in range(500)]
    assigned = [Assigned("exp_1", f"u{place}", "control", START) for place in range(500)]
    happened = [Happened(f"o{n}", f"u{n}", "answered", START, value) for n, value in enumerate(values)]
    result = read(assigned, happened, asked(parsed(MANY["mean"], pre_period="P0D")))
    assert result.moments["control", 1].covariance[0, 0] == pytest.approx(np.var(values, ddof=1), rel=1e-9)


def test_the_largest_values_that_ingest_keeps_stay_finite(read):
    assigned = [Assigned("exp_1", f"u{place}", "control", START) for place in range(4)]
    happened = [Happened(f"o{n}", f"u{n % 4}", "bought", START, 1e15, '{"channel":"web"}') for n in range(40)]
    result = read(assigned, happened, asked(parsed(MANY["sum"])))
    assert result.moments["control", 1].mean[0] == pytest.approx(1e16)


def test_the_fingerprint_names_the_question_and_the_data(settings, database, store):
    store(FactKind.ASSIGNMENTS, [Assigned("exp_1", "u1", "control", START)])
    query = asked(parsed(MANY["mean"]))
    first = facts.fold(settings, database)
    fingerprints = [facts.moments(settings, first, query).fingerprint for _ in range(2)]
    store(FactKind.ASSIGNMENTS, [Assigned("exp_1", "u2", "quick", START)])
    fingerprints.append(facts.moments(settings, facts.fold(settings, database), query).fingerprint)
    other = asked(parsed(MANY["mean"]), as_of=START + 41 * DAY)
    fingerprints.append(facts.moments(settings, first, other).fingerprint)
    assert fingerprints[0] == fingerprints[1]
    assert len(set(fingerprints)) == 3


def test_a_hostile_name_is_data_and_no_sql(read):
    name = "'; DROP TABLE outcomes; --"
    match = {"event": name, "where": [{"property": name, "op": "=", "value": name}]}
    definition = parsed({"aggregation": "count", "event": match})
    properties = TypeAdapter(dict).dump_json({name: name}).decode()
    happened = [Happened("o1", "u1", name, START, None, properties), Happened("o2", "u1", name, START)]
    query = asked(definition, experiment=name, arms=(name, "control"))
    result = checked(read, [], happened, query)
    assert result.n(UnitState.UNASSIGNED) == 1
