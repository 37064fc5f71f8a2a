"""Are ids of one customer one unit in a warehouse too, and are links refused that were not followed?"""

import duckdb
import psycopg
import pytest

from service.facts import UnitState
from service.facts.sources.job import tried
from service.facts.sources.reading import source_moments
from service.facts.sources.secrets import SourceUnusable
from tests.facts.sources.world import (
    DUCKDB,
    KNOWN_AS,
    assert_same,
    on_postgres,
    question,
    some_world,
    source,
    write_duckdb,
    write_postgres,
)

LINKS = [(f"u{place}", f"u{place + 1}") for place in range(0, 60, 2)]
MAPPED = {"identities": {"rows": {"table": ["same"]}, "id": "alias", "unit": "customer"}}
ASKED = question("sum", "count", "proportion")


def linked(files, *more: tuple[str, str]) -> None:
    with duckdb.connect(files / "shop.duckdb") as owner:
        owner.execute("CREATE TABLE same (alias VARCHAR, customer VARCHAR)")
        owner.executemany("INSERT INTO same VALUES (?, ?)", [*LINKS, ("u1", "u1"), *more])


def test_ids_of_one_customer_are_one_unit_as_in_the_lake(reaching, files):
    world = some_world(5, units=80)
    write_duckdb(world, files / "shop.duckdb")
    linked(files)
    mapped = source(DUCKDB, **MAPPED)
    found, _ = source_moments(reaching, mapped, KNOWN_AS, ASKED)
    assert_same(found, world.expected(ASKED, LINKS))
    assert found.n(UnitState.MERGED_ACROSS_ARMS) > 0
    assert tried(reaching, mapped)["tables"][-1] == {
        "field": "identities.rows",
        "rows": len(LINKS) + 1,
        "filled": {"id": len(LINKS) + 1, "unit": len(LINKS) + 1},
    }


def test_postgresql_says_the_same(settings, empty_postgres_url):
    world = some_world(6, units=80)
    write_postgres(world, empty_postgres_url)
    with psycopg.connect(empty_postgres_url.replace("+psycopg", "")) as owner:
        owner.execute("CREATE TABLE same (alias text, customer text)")
        owner.cursor().executemany("INSERT INTO same VALUES (%s, %s)", LINKS)
    reaching, connection = on_postgres(settings, empty_postgres_url)
    found, _ = source_moments(reaching, source(connection, **MAPPED), KNOWN_AS, ASKED)
    assert_same(found, world.expected(ASKED, LINKS))
    assert found.n(UnitState.MERGED_ACROSS_ARMS) > 0


@pytest.mark.parametrize(
    ("link", "said"),
    [(("u0", "u9"), "1 ids are of several units"), (("u1", "u70"), "1 ids are of a unit that")],
)
def test_links_that_nobody_followed_are_refused(reaching, files, link, said):
    write_duckdb(some_world(5, units=80), files / "shop.duckdb")
    with duckdb.connect(files / "shop.duckdb") as owner:
        owner.execute("CREATE TABLE same (alias VARCHAR, customer VARCHAR)")
        owner.executemany("INSERT INTO same VALUES (?, ?)", [*LINKS, link])
    with pytest.raises(SourceUnusable, match=said):
        source_moments(reaching, source(DUCKDB, **MAPPED), KNOWN_AS, ASKED)
