"""Does a warehouse deal out the units that the lake would, one by one, in the same order and halves?"""

import json
from dataclasses import replace

import duckdb
import numpy as np
import pytest

from service.facts.asking import units_of
from service.facts.query.answer import UnitState
from service.facts.query.question import PerUnit, PopulationQuery
from service.facts.query.units import COUNTS, ROWS, Sampling, UnitRows, rows_of, units_sql
from service.facts.sources import units as of_sources
from service.facts.sources.secrets import SourceUnusable
from service.metrics.definitions import EventMatch
from tests.facts.sources.world import (
    DAY,
    DUCKDB,
    KNOWN_AS,
    SEGMENTS,
    START,
    World,
    definition,
    on_postgres,
    question,
    some_world,
    source,
    write_duckdb,
    write_postgres,
)

EXPERIMENT = question(
    "mean", "ratio", "count, triggered", segments=(*SEGMENTS, "age"), attributes=("age",), cluster="plan"
)
PEOPLE = PopulationQuery(
    metrics=tuple((f"met_{n}@1", definition(name)) for n, name in enumerate(("sum", "journey"))),
    as_of=START + 40 * DAY,
    started_at=START,
    stopped_at=START + 20 * DAY,
    segments=SEGMENTS,
    attributes=("age",),
    anchor=EventMatch(event="called"),
)
QUERIES = {"experiment": EXPERIMENT, "population": PEOPLE}


def of_lake(world: World, query: PerUnit, sampling: Sampling) -> UnitRows:
    """The lake's own statements over the same facts."""
    made, *_ = asked = units_sql(query, sampling)
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        for name, table in world.ours.items():
            opened.from_arrow(table).create(name)
        opened.execute(asked[made])
        found = {name: opened.execute(asked[name]).to_arrow_table() for name in (COUNTS, ROWS)}
    return rows_of(query, sampling, found, "")


def assert_same(found: UnitRows, wanted: UnitRows) -> None:
    assert (found.columns, found.analysed, found.left_out) == (
        wanted.columns,
        wanted.analysed,
        wanted.left_out,
    )
    np.testing.assert_array_equal(found.keys, wanted.keys)
    np.testing.assert_allclose(found.values, wanted.values, rtol=1e-9, atol=1e-9)
    for name in ("phases", "days", "discovery"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    for mine, theirs in (
        (found.arms, wanted.arms),
        (found.cluster, wanted.cluster),
        *((found.segments[name], wanted.segments[name]) for name in wanted.segments),
    ):
        assert (mine is None) == (theirs is None)
        if mine is not None and theirs is not None:
            assert mine.names == theirs.names
            np.testing.assert_array_equal(mine.codes, theirs.codes)
    assert set(found.numbers) == set(wanted.numbers)
    for name, numbers in wanted.numbers.items():
        np.testing.assert_allclose(found.numbers[name], numbers)


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("sampling", [Sampling(), Sampling(seed=5, cap=17)])
def test_a_duckdb_file_deals_out_the_lakes_units(reaching, files, name, sampling):
    world = some_world(4)
    write_duckdb(world, files / "shop.duckdb")
    with units_of(reaching, source(DUCKDB), KNOWN_AS) as units:
        found = units.read(QUERIES[name], sampling)
    wanted = of_lake(world, QUERIES[name], sampling)
    assert wanted.n == 17 or wanted.n == wanted.analysed > 20
    assert_same(found, replace(wanted, sampling=found.sampling))


@pytest.mark.parametrize("name", QUERIES)
def test_postgresql_deals_out_the_lakes_units(settings, empty_postgres_url, name):
    world = some_world(5)
    write_postgres(world, empty_postgres_url)
    reaching, connection = on_postgres(settings, empty_postgres_url)
    with units_of(reaching, source(connection), KNOWN_AS) as units:
        found = units.read(QUERIES[name], Sampling(seed=2))
        again = units.read(QUERIES[name], Sampling(seed=2, cap=11))
        early = units.read(replace(QUERIES[name], as_of=START + 8 * DAY), Sampling(seed=2))
    wanted = of_lake(world, QUERIES[name], Sampling(seed=2))
    assert_same(found, replace(wanted, sampling=found.sampling))
    np.testing.assert_array_equal(again.keys, found.keys[:11])
    assert (again.n, again.analysed) == (11, found.analysed)
    wanted = of_lake(world, replace(QUERIES[name], as_of=START + 8 * DAY), Sampling(seed=2))
    assert early.left_out == wanted.left_out
    assert early.left_out[UnitState.WINDOW_OPEN] > 0


def test_a_source_sends_no_more_than_its_cap_and_in_parts(reaching, files, monkeypatch):
    world = some_world(6)
    write_duckdb(world, files / "shop.duckdb")
    monkeypatch.setattr(of_sources, "MOST_FROM_A_SOURCE", 25)
    monkeypatch.setattr("service.facts.sources.engines.AT_ONCE", 10)
    with units_of(reaching, source(DUCKDB), KNOWN_AS) as units:
        found = units.read(PEOPLE, Sampling(cap=1_000_000))
        said = units.snapshot()
    assert (found.n, found.sampling.cap) == (25, 25)
    assert 0 < found.share < 1
    assert_same(found, of_lake(world, PEOPLE, Sampling(cap=25)))
    assert '"pinned":false' in said
    assert json.loads(said)["as_of"] == PEOPLE.as_of.isoformat()  # though later outcomes are nobody's


def test_the_guard_of_rows_holds_for_single_units_too(reaching, files):
    write_duckdb(some_world(7), files / "shop.duckdb")
    with (
        pytest.raises(SourceUnusable, match="More than 5 outcomes lie in the time that is asked about"),
        units_of(reaching, source(DUCKDB, limits={"rows": 5}), KNOWN_AS) as units,
    ):
        units.read(PEOPLE, Sampling())
