"""Is a team told that a metric reads numbers where its outcomes say something else?"""

from datetime import UTC, datetime, timedelta

import pytest

from service.facts import NumbersRead
from tests.facts.reference import Assigned, Happened
from tests.facts.test_moments import asked, parsed

START = datetime(2026, 3, 1, tzinfo=UTC)
MEAN = {"aggregation": "mean", "value_type": "amount"}
SAID = ['{"minutes": 5}', '{"minutes": "soon"}', '{"minutes": "5"}', '{"minutes": null}', '{"x": 1}', None]


def quoted(properties: list[str | None], event: str = "quoted", value: float | None = None) -> list[Happened]:
    return [Happened(f"{event}{n}", "u", event, START, value, said) for n, said in enumerate(properties)]


@pytest.fixture
def numbers(read):
    def answer(happened: list[Happened], *definitions: dict[str, object]):
        query = asked(*(parsed(definition) for definition in definitions))
        return read([Assigned("exp_1", "u", "control", START)], happened, query).numbers

    return answer


def test_texts_where_a_property_should_be_a_number_are_counted_apart_from_nothing(numbers):
    event = {"event": {"event": "quoted"}, "value_property": "minutes"}
    found = numbers(quoted(SAID), {**MEAN, **event}, {**MEAN, "aggregation": "sum", **event})
    read = NumbersRead(event="quoted", property="minutes", outcomes=6, numbers=1, others=2)
    assert found == {"met_0@1": (read,), "met_1@1": (read,)}


def test_a_filter_says_which_outcomes_are_asked_and_a_value_is_a_number_or_not_there(numbers):
    where = {"event": "quoted", "where": [{"property": "x", "op": "=", "value": 1}]}
    happened = [*quoted(SAID), *quoted([None] * 3, "bought"), *quoted([None], "sold", 2.0)]
    found = numbers(
        happened,
        {**MEAN, "event": where, "value_property": "minutes"},
        {
            "aggregation": "ratio",
            "value_type": "amount",
            "numerator": {"event": {"event": "bought"}},
            "denominator": {"event": {"event": "sold"}},
        },
        {"aggregation": "count", "event": {"event": "quoted"}},
    )
    assert found == {
        "met_0@1": (NumbersRead(event="quoted", property="minutes", outcomes=1, numbers=0, others=0),),
        "met_1@1": (
            NumbersRead(event="bought", property=None, outcomes=3, numbers=0, others=0),
            NumbersRead(event="sold", property=None, outcomes=1, numbers=1, others=0),
        ),
    }


def test_outcomes_of_other_days_are_not_asked(numbers):
    late = Happened("late", "u", "quoted", START + timedelta(days=90), None, '{"minutes": "soon"}')
    event = {"event": {"event": "quoted"}, "value_property": "minutes"}
    (found,) = numbers([*quoted(SAID[:1]), late], {**MEAN, **event})["met_0@1"]
    assert (found.outcomes, found.others) == (1, 0)


def test_where_no_number_is_read_nothing_is_asked(numbers):
    assert numbers(quoted(SAID), {"aggregation": "count", "event": {"event": "quoted"}}) == {}
