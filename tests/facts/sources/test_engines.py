"""Do DuckDB files, PostgreSQL and Spark say what the lake says of the same facts? To 1e-9, in every shape."""

import pytest

from service.facts.sources.reading import source_moments
from tests.facts.sources.world import (
    DUCKDB,
    KNOWN_AS,
    QUESTIONS,
    assert_same,
    on_postgres,
    some_world,
    source,
    write_duckdb,
    write_postgres,
)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_duckdb_file_says_what_the_lake_says(reaching, files, seed, name):
    world = some_world(seed)
    write_duckdb(world, files / "shop.duckdb")
    found, _ = source_moments(reaching, source(DUCKDB), KNOWN_AS, QUESTIONS[name])
    assert found.moments["control", 1].n > 10
    assert_same(found, world.expected(QUESTIONS[name]))


@pytest.mark.parametrize("seed", [3])
@pytest.mark.parametrize("name", QUESTIONS)
def test_postgresql_says_what_the_lake_says(settings, empty_postgres_url, seed, name):
    world = some_world(seed)
    write_postgres(world, empty_postgres_url)
    reaching, connection = on_postgres(settings, empty_postgres_url)
    found, _ = source_moments(reaching, source(connection), KNOWN_AS, QUESTIONS[name])
    assert_same(found, world.expected(QUESTIONS[name]))
