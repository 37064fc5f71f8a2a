"""Are units told apart by what was known before exposure, and by nothing else?"""

import random
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from functools import reduce
from operator import add

import numpy as np
import pytest

from service.facts.query.answer import MISSING, MOST_VALUES, OTHER
from service.metrics.segments import BeforeExposure, named
from tests.facts.reference import Assigned, Exposed, Happened, Trait, centred, reference
from tests.facts.test_moments import DAY, MANY, START, asked, checked, parsed, some_definition, some_facts

TICK = timedelta(microseconds=1)
POLICIES = BeforeExposure.model_validate_json(
    '{"name": "policies", "amount": {"event": {"event": "bought"}, "count": true},'
    ' "period": "P20D", "at_least": [1, 3]}'
)


def some_traits(rng: random.Random, units: list[str]) -> list[Trait]:
    """Texts, numbers and truths of two attributes, one a moment."""
    found: dict[tuple[str, str, datetime], Trait] = {}
    for unit in units:
        for name in ("country", "age"):
            for _ in range(rng.randrange(4)):
                time = START + (rng.random() * 40 - 10) * DAY
                value = rng.choice(
                    [{"text": rng.choice("abc")}, {"number": rng.choice([5.0, 2.5])}, {"truth": True}]
                )
                found[unit, name, time] = Trait(unit, name, time, **value)
    return list(found.values())


def segmented(assigned, happened, traits, query):
    """Rows of unit numbers by segmentation, arm, phase and value."""
    found = defaultdict(lambda: defaultdict(list))
    rows, _ = reference(assigned, happened, query, traits=traits)
    for (arm, phase), units in rows.items():
        for unit in units:
            for name in map(named, query.segments):
                found[name][arm, phase, unit[f"#{name}"]].append(unit)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_segments_agree_with_plain_python_and_add_up_to_the_whole(read, seed):
    rng = random.Random(seed)
    assigned, happened = some_facts(rng, units=80)
    traits = some_traits(rng, [f"u{n}" for n in range(70)])
    query = asked(some_definition(rng), some_definition(rng), segments=("country", POLICIES))
    result = read(assigned, happened, query, attributes=traits)
    for name, wanted in segmented(assigned, happened, traits, query).items():
        cells = result.segments[name]
        assert set(cells) == set(wanted)
        for cell, moments in cells.items():
            columns = [one for one in result.columns if not one.startswith("trigger:")]
            places = [result.columns.index(one) for one in columns]
            assert moments.n == len(wanted[cell])
            mean, scatter = centred(wanted[cell], columns)
            np.testing.assert_allclose(moments.mean[places], mean, rtol=1e-11, atol=1e-11)
            np.testing.assert_allclose(moments.scatter[np.ix_(places, places)], scatter, rtol=1e-9, atol=1e-9)
        for (arm, phase), whole in result.moments.items():
            parts = [of for (one, at, _), of in cells.items() if (one, at) == (arm, phase)]
            total = reduce(add, parts)
            assert total.n == whole.n
            np.testing.assert_allclose(total.mean, whole.mean, rtol=1e-11, atol=1e-11)
            np.testing.assert_allclose(total.scatter, whole.scatter, rtol=1e-9, atol=1e-9)
    assert {value for _, _, value in result.segments["country"]} >= {"a", "2.5", "true", MISSING}


def test_what_is_learned_at_exposure_or_later_tells_nobody_apart(read):
    assigned = [Assigned("exp_1", "u1", "control", START)]
    traits = [
        Trait("u1", "country", START - DAY, text="old"),
        Trait("u1", "country", START - TICK, text="new"),
        Trait("u1", "country", START, text="at"),
        Trait("u1", "country", START + DAY, text="after"),
    ]
    result = read(assigned, [], asked(parsed(MANY["count"]), segments=("country",)), attributes=traits)
    assert set(result.segments["country"]) == {("control", 1, "new")}


def test_values_beyond_the_cap_are_the_others_by_how_many_units_have_them(read):
    values = [f"v{n:02}" for n in range(MOST_VALUES + 5)]
    sizes = {value: 2 if place < MOST_VALUES - 3 else 1 for place, value in enumerate(values)}
    units = [(f"u{value}{n}", value) for value, size in sizes.items() for n in range(size)]
    assigned = [
        Assigned("exp_1", unit, ("control", "quick")[n % 2], START) for n, (unit, _) in enumerate(units)
    ]
    assigned.append(Assigned("exp_1", "nobody", "quick", START))
    traits = [Trait(unit, "country", START - DAY, text=value) for unit, value in units]
    query = asked(parsed(MANY["count"]), segments=("country",))
    cells = read(assigned, [], query, attributes=traits).segments["country"]
    by_value = Counter()
    for (_, _, value), moments in cells.items():
        by_value[value] += moments.n
    assert by_value == {**{value: sizes[value] for value in values[:MOST_VALUES]}, OTHER: 5, MISSING: 1}


def test_a_numeric_attribute_is_a_column_to_adjust_by(read):
    """A file without types brings its numbers as texts."""
    assigned = [Assigned("exp_1", f"u{n}", "control", START) for n in range(5)]
    traits = [
        Trait("u0", "age", START - DAY, number=40.0),
        Trait("u1", "age", START - DAY, truth=True),
        Trait("u2", "age", START - DAY, text="old"),
        Trait("u2", "age", START - 2 * DAY, number=9.0),
        Trait("u4", "age", START - DAY, text="7.5"),
    ]
    query = asked(parsed(MANY["count"]), attributes=("age",), segments=("age",))
    result = read(assigned, [], query, attributes=traits)
    assert result.columns[-2:] == ("attribute:age", "attribute:age/known")
    assert result.moments["control", 1].mean[-2:].tolist() == [48.5 / 5, 3 / 5]
    assert {value for _, _, value in result.segments["age"]} == {"40", "true", "old", "7.5", MISSING}


def test_exposures_that_were_sent_start_the_windows(read):
    assigned = [Assigned("exp_1", f"u{n}", ("control", "quick")[n % 2], START) for n in range(4)]
    assigned += [Assigned("exp_1", "u3", "control", START + DAY)]
    exposures = [
        Exposed("exp_1", "e0", "u0", START - TICK),  # before it was assigned
        Exposed("exp_1", "e1", "u0", START + 2 * DAY),
        Exposed("exp_1", "e2", "u0", START + DAY),
        Exposed("exp_2", "e3", "u1", START + DAY),
        Exposed("exp_1", "e4", "u3", START + DAY),
        Exposed("exp_1", "e5", "stranger", START + DAY),
    ]
    happened = [Happened("o1", "u0", "called", START), Happened("o2", "u0", "called", START + 5.5 * DAY)]
    query = asked(parsed(MANY["count"]), exposure="exposures")
    result = checked(read, assigned, happened, query, exposures=exposures)
    moments = result.moments["control", 1]
    assert (moments.n, moments.mean.tolist()) == (1, [1.0, 1.0])
    assert [(result.assigned(arm), result.exposed(arm)) for arm in query.arms] == [(2, 1), (1, 0)]
    assert result.excluded()["multiple_arms"] == 1
    assert list(result.exposed_on(1)) == [(START + DAY).date()]
    assert list(result.assigned_on(1)) == [START.date(), (START + DAY).date()]


def test_random_exposures_agree_with_plain_python(read):
    rng = random.Random(2)
    assigned, happened = some_facts(rng, units=80)
    exposures = [
        Exposed("exp_1", f"e{n}", rng.choice(assigned).unit, START + rng.random() * 40 * DAY)
        for n in range(120)
    ]
    query = asked(some_definition(rng), exposure="exposures", started_at=START + 3 * DAY)
    result = checked(read, assigned, happened, query, exposures=exposures)
    assert min(moments.n for moments in result.moments.values()) > 1


def test_a_segment_is_asked_for_once():
    with pytest.raises(ValueError, match="no segment"):
        asked(parsed(MANY["count"]), segments=("country", "country"))


def test_segments_by_outcomes_reach_back_as_far_as_they_say():
    query = asked(parsed(MANY["count"]), segments=(POLICIES,), started_at=START)
    assert query.outcomes_since == START - 20 * DAY
