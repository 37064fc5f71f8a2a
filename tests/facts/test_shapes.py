"""What do retention, journeys, times between events, distinct counts, last values and quantiles mean?"""

import random
from datetime import timedelta

import numpy as np
import pytest

from analyses import OrderStatistics, ranks
from service.facts.query.answer import UnitState
from tests.facts.reference import Assigned, Happened, reference
from tests.facts.test_moments import DAY, MANY, START, asked, checked, parsed, some_facts

HOUR = timedelta(hours=1)


def unit(read, definition, *happened, **other):
    """The columns of one unit, exposed at START, with these (event, hours after, value, properties)."""
    outcomes = [
        Happened(f"o{place}", "u1", event, START + hours * HOUR, *rest)
        for place, (event, hours, *rest) in enumerate(happened)
    ]
    assigned = [Assigned("exp_1", "u1", "control", START)]
    result = checked(read, assigned, outcomes, asked(parsed(definition, pre_period="P0D"), **other))
    return dict(zip(result.columns, result.moments["control", 1].mean.tolist(), strict=True))


def journey(*steps, **other):
    documents = [{"event": {"event": name}, **more} for name, more in steps]
    return {"aggregation": "journey", "steps": documents, **other}


STILL_CALLED = journey(("clicked", {}), ("called", {"within": "P1D", "absent": True}))


@pytest.mark.parametrize(
    ("happened", "value", "observed"),
    [
        ([], 0, 0),
        ([("clicked", 1)], 1, 1),
        ([("clicked", 1), ("called", 24.9)], 0, 1),
        ([("clicked", 1), ("called", 25)], 1, 1),
        ([("called", 0.5), ("clicked", 1)], 1, 1),
        ([("clicked", 1), ("called", 1)], 0, 1),
        ([("clicked", 95.9)], 1, 1),
        ([("clicked", 96)], 0, 0),  # a call within a day could no longer be seen
        ([("clicked", 1), ("called", 2), ("clicked", 50)], 0, 1),  # the first click decides
    ],
)
def test_who_did_a_and_then_not_b(read, happened, value, observed):
    assert unit(read, STILL_CALLED, *happened) == {"met_0@1": value, "met_0@1/per": observed}


@pytest.mark.parametrize(
    ("happened", "value", "way"),
    [
        ([("a", 1), ("b", 2), ("c", 3)], 1, (1, 1)),
        ([("a", 1), ("c", 2), ("b", 3)], 0, (1, 1)),
        ([("a", 1), ("c", 2), ("b", 3), ("c", 4)], 1, (1, 1)),
        ([("b", 1), ("a", 2), ("c", 3)], 0, (1, 0)),
        ([("b", 1), ("c", 3)], 0, (0, 0)),
        ([("a", 1), ("b", 2), ("c", 5.5)], 0, (1, 1)),  # C later than three hours after B
        ([("a", 1), ("b", 119), ("c", 120)], 0, (1, 1)),  # the window is closed
    ],
)
def test_a_then_b_then_c(read, happened, value, way):
    definition = journey(("a", {}), ("b", {}), ("c", {"within": "PT3H"}), missing="zero")
    steps = {"met_0@1/step0": way[0], "met_0@1/step1": way[1]}
    assert unit(read, definition, *happened) == {"met_0@1": value, **steps}


def test_one_outcome_is_never_two_steps(read):
    again = journey(("called", {}), ("called", {"within": "P1D"}))
    assert unit(read, again, ("called", 1))["met_0@1"] == 0
    assert unit(read, again, ("called", 1), ("called", 9))["met_0@1"] == 1


@pytest.mark.parametrize(
    ("happened", "minutes", "observed"),
    [
        ([("shown", 1), ("asked", 2), ("asked", 3), ("shown", 3.5), ("shown", 9)], 90, 1),
        ([("asked", 2), ("shown", 2)], 0, 1),
        ([("asked", 119), ("shown", 120)], 0, 0),
    ],
)
def test_the_time_between_runs_from_the_first_start_to_the_first_end_after_it(
    read, happened, minutes, observed
):
    both = {"start": {"event": "asked"}, "end": {"event": "shown"}, "unit": "minute"}
    found = unit(read, {"aggregation": "time_between", **both}, *happened)
    assert found == {"met_0@1": pytest.approx(minutes), "met_0@1/per": observed}


@pytest.mark.parametrize(("hours", "value"), [((47.9, 120), 0), ((48,), 1), ((1, 119.9), 1)])
def test_retention_asks_for_the_later_part_of_the_window(read, hours, value):
    happened = [("called", after) for after in hours]
    assert unit(read, MANY["retention"], *happened)["met_0@1"] == value


def test_texts_and_numbers_are_different_values_and_truths_are_none(read):
    documents = ['{"channel":"5"}', '{"channel":5}', '{"channel":5.0}', '{"channel":true}', "{}", None]
    happened = [("bought", 1, None, properties) for properties in documents]
    assert unit(read, MANY["distinct"], *happened)["met_0@1"] == 2


def test_the_last_value_is_the_last_that_there_is_and_the_largest_of_one_moment(read):
    happened = [("answered", 1, 9.0), ("answered", 2, 3.0), ("answered", 2, 4.0), ("answered", 3, None)]
    assert unit(read, MANY["last"], *happened) == {"met_0@1": 4, "met_0@1/per": 1}


@pytest.mark.parametrize("probability", [0.1, 0.9])
def test_a_quantile_comes_with_its_order_statistics(read, probability):
    rng = random.Random(11)
    assigned = [Assigned("exp_1", f"u{n}", ("control", "quick")[n % 3 > 0], START) for n in range(400)]
    happened = [
        Happened(f"o{n}", f"u{n % 300}", "answered", START, round(rng.expovariate(1), 1)) for n in range(600)
    ]
    query = asked(parsed(MANY["quantile"], quantile=probability))
    result = checked(read, assigned, happened, query)
    rows, _ = reference(assigned, happened, query)
    for (arm, phase), units in rows.items():
        values = np.sort([row["met_0@1"] for row in units if row["met_0@1/per"]])
        low, middle, high = ranks(len(values), probability)
        assert result.quantiles["met_0@1", arm, phase] == OrderStatistics(
            probability=probability,
            n=len(values),
            value=pytest.approx(values[middle - 1]),
            lower=pytest.approx(values[low - 1]),
            upper=pytest.approx(values[high - 1]),
        )
    assert {key[1] for key in result.quantiles} == {"control", "quick"}


def test_a_quantile_of_few_units_has_no_bounds(read):
    assigned = [Assigned("exp_1", f"u{n}", "control", START) for n in range(5)]
    happened = [Happened(f"o{n}", f"u{n}", "answered", START, float(n)) for n in range(3)]
    result = checked(read, assigned, happened, asked(parsed(MANY["quantile"])))
    found = result.quantiles["met_0@1", "control", 1]
    assert (found.n, found.value, found.lower, found.upper) == (3, 2.0, None, None)
    assert [key[1] for key in result.quantiles] == ["control"]  # nobody is in the other arm


def test_order_statistics_cover_the_quantile_as_often_as_they_say():
    """The rule of the ranks itself, on draws of a skewed distribution: 95 % within four standard errors."""
    draws = np.sort(np.random.default_rng(5).exponential(size=(4000, 300)), axis=1)
    low, _, high = ranks(300, 0.9)
    covered = np.mean((draws[:, low - 1] <= np.log(10)) & (np.log(10) <= draws[:, high - 1]))
    assert 0.936 < covered < 0.975


def test_the_largest_units_are_counted_against_one_threshold_for_all_arms(read):
    rng = random.Random(4)
    assigned = [Assigned("exp_1", f"u{n}", ("control", "quick")[n % 2], START) for n in range(3000)]
    values = [rng.lognormvariate(0, 2) for _ in range(3000)]
    happened = [
        Happened(f"o{n}", f"u{n}", "bought", START, value, '{"channel":"web"}')
        for n, value in enumerate(values)
    ]
    result = read(assigned, happened, asked(parsed(MANY["sum"])))
    threshold = np.quantile(values, 0.999)
    for place, arm in enumerate(("control", "quick")):
        found = result.largest["met_0@1", arm, 1]
        above = [value for value in values[place::2] if value > threshold]
        assert found.threshold == pytest.approx(threshold)
        assert (found.n, found.total) == (len(above), pytest.approx(sum(above)))
    assert sum(found.n for found in result.largest.values()) == 3


def test_days_are_those_of_the_exposure_and_add_up_to_the_phase(read):
    assigned, happened = some_facts(random.Random(8), units=150)
    result = checked(read, assigned, happened, asked(parsed(MANY["count"]), as_of=START + 20 * DAY))
    for (arm, phase), whole in result.moments.items():
        days = [of for (one, at, _), of in result.days.items() if (one, at) == (arm, phase)]
        assert len(days) > 5
        assert sum(of.n for of in days) == whole.n
        total = sum(of.n * of.mean for of in days)
        np.testing.assert_allclose(total, whole.n * whole.mean, rtol=1e-12)
        everyone = sum(arms.get(arm, 0) for arms in result.assigned_on(phase).values())
        assert everyone == result.assigned(arm, phase) > whole.n
    exposed = {one.unit: one.time.date() for one in assigned if one.experiment == "exp_1"}
    assert {day for _, _, day in result.days} <= set(exposed.values())
    assert result.n(UnitState.WINDOW_OPEN) > 0
