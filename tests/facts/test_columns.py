"""Which columns does a metric have, and what does a question refuse?"""

from datetime import UTC, datetime, timedelta

import pytest

from analyses import Measure
from service.facts import MomentsQuery, measure_of, rates
from service.facts.query.columns import columns_of
from tests.facts.test_moments import EGGS, MANY, START, asked, parsed

TRIGGERED = {"population": {"triggered": {"event": "asked"}}}


def names(kind: str, **common: object) -> list[str]:
    return [column.name for column in columns_of([("m@1", parsed(MANY[kind], **common))])]


@pytest.mark.parametrize("kind", ["sum", "count", "proportion"])
def test_a_metric_that_everybody_has_needs_no_per(kind):
    assert names(kind) == ["m@1", "m@1/pre"]


@pytest.mark.parametrize("kind", ["mean", "ratio"])
def test_a_metric_that_some_have_brings_its_per(kind):
    of_whom = [*rates(parsed(MANY[kind]))]
    assert names(kind) == ["m@1", "m@1/per", "m@1/pre", "m@1/pre/per", *of_whom]


def test_without_a_pre_period_there_are_no_covariates():
    definition = parsed(MANY["mean"], pre_period="P0D")
    assert measure_of("m@1", definition) == Measure(name="m@1", value="m@1", per="m@1/per")


def test_a_triggered_metric_brings_its_trigger_rate_once_for_all_with_the_same_event_and_window():
    calls, buys = parsed(MANY["count"], **TRIGGERED), parsed(MANY["sum"], **TRIGGERED)
    longer = parsed(MANY["sum"], **TRIGGERED, window="P9D")
    assert rates(calls) == rates(buys) != rates(longer)
    assert rates(parsed(MANY["count"])) == {}
    columns = [column.name for column in columns_of([("a@1", calls), ("b@1", buys), ("c@1", longer)])]
    assert columns[-2:] == [*rates(calls), *rates(longer)]
    assert len(columns) == len(set(columns)) == 14


def test_a_ratio_shares_the_rate_of_its_denominator_with_whoever_is_triggered_by_it():
    triggered = parsed(MANY["sum"], population={"triggered": {"event": "called"}})
    assert list(rates(parsed(MANY["ratio"]))) == list(rates(triggered))
    assert list(rates(parsed(MANY["ratio"], population={"triggered": {"event": "called"}}))) == [
        *rates(triggered)
    ]


def test_a_triggered_ratio_is_seen_of_those_who_have_both_events():
    both = rates(parsed(MANY["ratio"], **TRIGGERED))
    assert [[match.event for match in events] for events in both.values()] == [["asked"], ["asked", "called"]]


def test_a_ratio_of_two_sums_is_seen_of_everybody():
    amount = {"event": {"event": "called"}, "value_property": "minutes"}
    assert rates(parsed({**MANY["ratio"], "denominator": amount})) == {}


def test_measures_name_their_covariates():
    measure = measure_of("m@1", parsed(MANY["ratio"]))
    assert measure == Measure(name="m@1", value="m@1", per="m@1/per", covariates=("m@1/pre", "m@1/pre/per"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arms": ()}, "at least one arm"),
        ({"arms": ("a", "a")}, "no arm twice"),
        ({"phases": ()}, "at least one phase"),
        ({"phases": (1, 1)}, "no phase twice"),
        ({"metrics": ()}, "at least one metric"),
        ({"horizon": timedelta(days=4)}, "spans every window"),
        ({"as_of": datetime(2026, 3, 1)}, "offset"),  # noqa: DTZ001 - the missing offset is the point
    ],
)
def test_a_question_that_makes_no_sense_is_refused(change, message):
    fields = {"experiment": "exp_1", "arms": ("a",), "as_of": START, "metrics": (("m@1", parsed(EGGS_SUM)),)}
    with pytest.raises(ValueError, match=message):
        MomentsQuery(**{**fields, **change})


EGGS_SUM = {"aggregation": "sum", "event": EGGS, "value_type": "money"}


def test_the_horizon_is_the_longest_window_unless_it_is_longer():
    query = asked(parsed(EGGS_SUM), parsed(MANY["count"], window="P9D"))
    assert query.closes_after == timedelta(days=9)
    longer = asked(parsed(EGGS_SUM), horizon=timedelta(days=30), as_of=datetime(2026, 5, 1, tzinfo=UTC))
    assert longer.closes_after == timedelta(days=30)
