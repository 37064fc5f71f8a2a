"""A source reads what it may, as long as it may, and tells no secret, whatever is registered or breaks."""

import time

import duckdb
import psycopg
import pytest

from service.facts.sources import reach
from service.facts.sources.engines import opened
from service.facts.sources.job import tried
from service.facts.sources.reading import source_moments
from service.facts.sources.secrets import SourceUnusable
from service.settings import Settings, refuse_unknown
from service.sources.schemas import SourceDraft
from tests.facts.sources.kept import CONNECTIONS
from tests.facts.sources.world import (
    DUCKDB,
    KNOWN_AS,
    draft,
    on_postgres,
    question,
    some_world,
    source,
    write_duckdb,
    write_postgres,
)

SECRET = "LEVERBOARD_SOURCE_SECRET_SHOP"
COUNT = question("count")


@pytest.fixture
def shop(reaching, files):
    write_duckdb(some_world(1, units=20), files / "shop.duckdb")
    return reaching


@pytest.fixture
def on_server(settings, empty_postgres_url):
    write_postgres(some_world(1, units=20), empty_postgres_url)
    return on_postgres(settings, empty_postgres_url)


def test_a_tested_source_tells_how_many_rows_have_what_and_nothing_that_they_hold(shop):
    found = tried(shop, source(DUCKDB))
    assert (found["usable"], found["problem"]) == (True, None)
    fields = [table["field"] for table in found["tables"]]
    assert fields == [
        f"{kind}.rows" for kind in ("assignments", "outcomes.0", "outcomes.1", "exposures.0", "attributes.0")
    ]
    events = found["tables"][1]
    assert events["rows"] > events["filled"]["value"] > 0
    assert "ünï" not in str(found)


def test_a_column_that_is_not_there_is_said(shop):
    wrong = draft(DUCKDB)
    wrong["assignments"]["arm"] = "no such column"
    found = tried(shop, source(DUCKDB, assignments=wrong["assignments"]))
    assert found["usable"] is False
    assert "no such column" in found["problem"]


def test_text_where_a_number_should_be_is_told_without_the_text(shop, files):
    with duckdb.connect(files / "shop.duckdb") as owner:
        owner.execute("ALTER TABLE events ALTER amount TYPE VARCHAR USING 'alice@example.com'")
    found = tried(shop, source(DUCKDB))
    assert found["usable"] is False
    assert found["problem"].startswith("outcomes.0.rows: duckdb did not answer: ConversionException")
    with pytest.raises(SourceUnusable, match="ConversionException") as raised:
        source_moments(shop, source(DUCKDB), KNOWN_AS, question("mean"))
    assert "alice" not in f"{found} {raised.value}"


def test_postgresql_tells_a_sqlstate_and_not_the_value(on_server, empty_postgres_url):
    with psycopg.connect(empty_postgres_url.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute("ALTER TABLE events ALTER amount TYPE text USING 'alice@example.com'")
    settings, connection = on_server
    found = tried(settings, source(connection))
    assert "InvalidTextRepresentation, SQLSTATE 22P02" in found["problem"]
    assert "alice" not in str(found)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE written (a int)",
        "DELETE FROM orders",
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY orders TO '/tmp/stolen.csv'",
        "ATTACH '/tmp/other.duckdb'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ],
)
def test_an_opened_duckdb_file_does_nothing_but_read(shop, sql):
    with opened(shop, source(DUCKDB)) as warehouse, pytest.raises(duckdb.Error):
        warehouse.ask(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE written (a int)",
        "DELETE FROM orders",
        "SET TRANSACTION READ WRITE",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT nextval('s')",
    ],
)
def test_an_opened_postgresql_does_nothing_but_read(on_server, empty_postgres_url, sql):
    with psycopg.connect(empty_postgres_url.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute("CREATE SEQUENCE s")
    settings, connection = on_server
    with opened(settings, source(connection)) as warehouse:
        assert warehouse.ask("SELECT count(*) > 0 FROM orders") == [(True,)]
        with pytest.raises(psycopg.Error):
            warehouse.ask(sql)


def test_postgresql_ends_a_statement_that_takes_too_long(on_server):
    settings, connection = on_server
    begun = time.monotonic()
    with (
        opened(settings, source(connection, limits={"seconds": 1})) as warehouse,
        pytest.raises(psycopg.errors.QueryCanceled),
    ):
        warehouse.ask("SELECT pg_sleep(20)")
    assert time.monotonic() - begun < 15


def test_duckdb_is_interrupted_when_it_takes_too_long(shop):
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range = b.range % 7 + 1"
    hasty = source(DUCKDB, limits={"seconds": 1})
    with opened(shop, hasty) as warehouse:
        time.sleep(1.2)  # the seconds are each statement's own, not the connection's
        assert warehouse.ask("SELECT 1") == [(1,)]
        for _ in range(2):
            with pytest.raises(SourceUnusable, match="within 1 seconds"):
                warehouse.ask(endless)
        assert warehouse.ask("SELECT 1") == [(1,)]


def test_more_rows_than_the_limit_are_counted_and_not_read(shop):
    with pytest.raises(SourceUnusable, match="More than 10 outcomes"):
        source_moments(shop, source(DUCKDB, limits={"rows": 10}), KNOWN_AS, COUNT)


def test_infinite_values_are_refused_not_averaged(shop, files):
    with duckdb.connect(files / "shop.duckdb") as owner:
        owner.execute("UPDATE events SET amount = 'inf'")
    with pytest.raises(SourceUnusable, match="infinite"):
        source_moments(shop, source(DUCKDB), KNOWN_AS, question("mean"))


def test_what_the_source_does_not_map_is_said(shop):
    with pytest.raises(SourceUnusable, match="attributes"):
        source_moments(shop, source(DUCKDB, attributes=[]), KNOWN_AS, question("count", attributes=("age",)))


def test_a_file_that_a_link_leads_out_to_is_not_opened(reaching, files, tmp_path):
    write_duckdb(some_world(1, units=2), tmp_path / "elsewhere.duckdb")
    (files / "shop.duckdb").symlink_to(tmp_path / "elsewhere.duckdb")
    assert "no shop.duckdb" in tried(reaching, source(DUCKDB))["problem"]
    assert "LEVERBOARD_SOURCE_FILES" in tried(Settings(data_dir=tmp_path), source(DUCKDB))["problem"]


@pytest.mark.parametrize("engine", CONNECTIONS)
def test_no_host_is_reached_that_was_not_allowed(settings, engine, monkeypatch):
    given = SourceDraft.model_validate(draft({"engine": engine.value} | CONNECTIONS[engine]))
    host, port = reach.address_of(given.connection)
    with pytest.raises(SourceUnusable, match="LEVERBOARD_SOURCE_HOSTS"):
        reach.check_reach(settings, given.connection)
    for allowed in (host, f"{host}:{port}", f"*.{host.partition('.')[2]}"):
        reach.check_reach(settings.model_copy(update={"source_hosts": (allowed,)}), given.connection)
    for other in (f"{host}:1", f"x{host}", f"{host}.evil.example", "*.evil.example"):
        with pytest.raises(SourceUnusable):
            reach.check_reach(settings.model_copy(update={"source_hosts": (other,)}), given.connection)


@pytest.mark.parametrize("engine", CONNECTIONS)
def test_a_driver_that_is_missing_is_named_with_how_to_install_it(settings, engine, tmp_path, monkeypatch):
    for secret in ("snowflake", "databricks"):
        (tmp_path / secret).write_text("hunter2")
    hosts = ("*.example.com", "*.googleapis.com", "*.snowflakecomputing.com")
    grants = ("growth:snowflake=*.snowflakecomputing.com", "databricks=dbc.example.com:443")
    allowed = settings.model_copy(
        update={"source_hosts": hosts, "source_secrets": tmp_path, "source_grants": grants}
    )
    found = tried(allowed, source({"engine": engine.value} | CONNECTIONS[engine]))
    assert f"pip install 'leverboard[{engine}]'" in found["problem"]
    assert "hunter2" not in str(found)


def test_a_secret_is_in_no_answer_and_no_trace_even_if_the_driver_repeats_it(on_server, monkeypatch):
    settings, connection = on_server
    monkeypatch.setenv(SECRET, "hunter2")
    wrong = connection | {"password": {"environment": SECRET}, "user": "hunter2"}
    found = tried(settings, source(wrong))
    assert found["usable"] is False
    assert "•••" in found["problem"]
    assert "hunter2" not in str(found)
    with pytest.raises(SourceUnusable) as raised:
        source_moments(settings, source(wrong), KNOWN_AS, COUNT)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_a_secret_goes_only_where_it_was_meant_to_go_and_for_whom(on_server, monkeypatch):
    settings, connection = on_server
    monkeypatch.setenv(SECRET, "hunter2")
    ours = source(connection | {"password": {"environment": SECRET}})
    host = connection["host"]

    def granted(*grants: str) -> dict:
        return tried(settings.model_copy(update={"source_grants": grants}), ours)

    for none in ((), (f"ops:{SECRET}={host}",), (f"{SECRET}=elsewhere",), (f"{SECRET}={host}:1",)):
        assert f"LEVERBOARD_SOURCE_GRANTS=growth:{SECRET}={host}:5432" in granted(*none)["problem"]
    for some in (f"{SECRET}={host}", f"growth:{SECRET}={host}:5432"):
        assert granted("x=y", some)["usable"] is True


def test_a_secret_that_is_not_there_is_named(on_server, tmp_path):
    settings, connection = on_server
    for named, said in (({"environment": SECRET}, SECRET), ({"file": "shop"}, "LEVERBOARD_SOURCE_SECRETS")):
        assert said in tried(settings, source(connection | {"password": named}))["problem"]
    (tmp_path / "secrets").mkdir()
    (tmp_path / "outside").write_text("hunter2")
    (tmp_path / "secrets" / "shop").symlink_to(tmp_path / "outside")
    mounted = settings.model_copy(update={"source_secrets": tmp_path / "secrets"})
    assert "no secret file" in tried(mounted, source(connection | {"password": {"file": "shop"}}))["problem"]


def test_a_secret_comes_from_the_environment_or_a_file(on_server, tmp_path, monkeypatch):
    settings, connection = on_server
    monkeypatch.setenv(SECRET, "hunter2")
    (tmp_path / "shop").write_text("hunter2\n")
    mounted = settings.model_copy(update={"source_secrets": tmp_path})
    for named in ({"environment": SECRET}, {"file": "shop"}):
        assert tried(mounted, source(connection | {"password": named}))["usable"] is True


def test_secrets_of_sources_are_no_settings_that_could_be_misspelt():
    refuse_unknown({SECRET: "hunter2"})
