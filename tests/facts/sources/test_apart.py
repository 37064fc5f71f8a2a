"""One metric that an engine cannot answer: are all others answered as ever, and does that one say why?"""

import json
from dataclasses import replace

import duckdb
import numpy as np
import pytest

from service.facts.query.question import MomentsQuery
from service.facts.query.summaries import units_table
from service.facts.sources import reading
from service.facts.sources.apart import ValuesUnreadable, apart
from service.facts.sources.bodies import EngineCannot
from service.facts.sources.reading import asked_of, source_moments, statements, wanted_by
from service.facts.sources.secrets import SourceUnusable
from service.metrics.definitions import Definition
from service.sources.schemas import Engine
from tests.facts.sources.kept import CONNECTIONS
from tests.facts.sources.world import (
    DUCKDB,
    KNOWN_AS,
    PARSED,
    definition,
    question,
    some_world,
    source,
    write_duckdb,
)

QUOTES = {
    "aggregation": "sum",
    "event": {"event": "called"},
    "value_property": "a'\"b",
    "value_type": "amount",
}


def unsayable() -> Definition:
    """Of a property whose name has both kinds of quotes: Spark's paths have no third."""
    return PARSED.validate_json(json.dumps({"window": "P5D"} | QUOTES))


def with_unsayable() -> MomentsQuery:
    asked = question("mean", "count")
    return replace(asked, metrics=(*asked.metrics, ("met_9@1", unsayable())))


@pytest.fixture
def shop(reaching, files):
    """What is told of orders has no mean; calls are as they were."""
    write_duckdb(some_world(1, units=60), files / "shop.duckdb")
    with duckdb.connect(files / "shop.duckdb") as owner:
        owner.execute("UPDATE orders SET total = 'inf'")
    return reaching


def same(found, expected, columns):
    for cell, moments in expected.moments.items():
        at = [moments.index(name) for name in columns]
        here = [found.moments[cell].index(name) for name in columns]
        np.testing.assert_allclose(found.moments[cell].mean[here], moments.mean[at], rtol=1e-12)


def test_values_without_a_mean_spoil_their_own_metric_alone(shop):
    query = question("last", "mean", "count")
    found, snapshot = source_moments(shop, source(DUCKDB), KNOWN_AS, query)
    assert list(found.unanswered) == ["met_0@1"]
    assert "infinite" in found.unanswered["met_0@1"]
    assert "infinite" in json.loads(snapshot)["not_computed"]["met_0@1"]
    same(found, some_world(1, units=60).expected(query), ("met_1@1", "met_2@1"))
    assert "met_0@1" not in found.columns


def test_what_fails_whatever_is_asked_is_no_metric_s_fault(shop):
    with pytest.raises(SourceUnusable, match="infinite"):
        source_moments(shop, source(DUCKDB), KNOWN_AS, question("last"))
    with pytest.raises(SourceUnusable, match="source's limit"):
        source_moments(shop, source(DUCKDB, limits={"rows": 1}), KNOWN_AS, question("mean", "count"))


@pytest.mark.parametrize("engine", [Engine.DATABRICKS, Engine.TRINO])
def test_a_metric_that_an_engine_has_no_words_for_is_left_out_of_the_question(engine):
    query = with_unsayable()
    wanted, of = wanted_by(query, KNOWN_AS), source({"engine": engine.value} | CONNECTIONS[engine])

    def said(one: MomentsQuery) -> object:
        return asked_of(of, wanted, one, statements(units_table(one, reading.UNITS), one))

    with pytest.raises(EngineCannot):
        said(query)
    found = apart(query, said, EngineCannot)
    assert [ref for ref, _ in found.query.metrics] == ["met_0@1", "met_1@1"]
    assert list(found.refused) == ["met_9@1"]
    assert "cannot compute this" in found.refused["met_9@1"]
    assert found.query.closes_after == query.closes_after


def test_a_dead_connection_is_not_tried_once_for_each_metric():
    tried = []

    def ask(query: MomentsQuery) -> object:
        tried.append(query)
        raise SourceUnusable("nobody answers")

    with pytest.raises(SourceUnusable):
        apart(question("mean", "count"), ask, ValuesUnreadable)
    assert len(tried) == 1


def refusing(broken: set[str], asked: list[list[str]]):
    """An engine that cannot compute some metrics, and notes what it is asked."""

    def ask(query: MomentsQuery) -> str:
        refs = [ref for ref, _ in query.metrics]
        asked.append(refs)
        if broken & set(refs):
            raise ValuesUnreadable("a value")
        return "told"

    return ask


def many(count: int) -> MomentsQuery:
    asked = question("mean")
    (_, mean), *_ = asked.metrics
    return replace(asked, metrics=tuple((f"met_{k}@1", mean) for k in range(count)))


def test_one_metric_fails_alone_and_the_others_are_asked_together():
    asked: list[list[str]] = []
    found = apart(question("mean", "count", "sum"), refusing({"met_1@1"}, asked), ValuesUnreadable)
    assert (found.answer, found.refused) == ("told", {"met_1@1": "a value"})
    assert asked[0] == ["met_0@1", "met_1@1", "met_2@1"]
    assert asked[-1] == ["met_0@1", "met_2@1"]
    assert definition("mean") == dict(found.query.metrics)["met_0@1"]


def test_the_metric_among_many_is_found_by_halves():
    asked: list[list[str]] = []
    found = apart(many(32), refusing({"met_5@1", "met_6@1"}, asked), ValuesUnreadable)
    assert set(found.refused) == {"met_5@1", "met_6@1"}
    assert len(found.query.metrics) == 30
    assert len(asked) < 20  # each is a scan that somebody pays


def test_where_every_metric_fails_the_question_does_and_few_are_asked():
    asked: list[list[str]] = []
    with pytest.raises(ValuesUnreadable):
        apart(many(32), refusing({f"met_{k}@1" for k in range(32)}, asked), ValuesUnreadable)
    assert len(asked) < 12
