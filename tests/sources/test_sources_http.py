"""A source is described once, versioned, and holds no secret and nothing that could do more than read."""

import json

import pytest

from service.access.rules import Role
from service.sources.rules import query_refusal
from service.sources.schemas import Engine
from tests.experiments.drafts import ground, plan, step
from tests.sources.drafts import reading, source

DUCKDB_FILE = {"engine": "duckdb", "path": "shop.duckdb"}


def test_a_source_is_registered_changed_and_every_version_stays(each_client):
    made = each_client.post("/v1/sources", json=source())
    assert made.status_code == 201, made.text
    first = made.json()
    assert (first["version"], first["team"], made.headers["ETag"]) == (1, "growth", '"1"')
    url = made.headers["Location"]
    other = source(name="Another name")
    changed = each_client.put(url, json=other, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    same = each_client.put(url, json=other, headers={"If-Match": '"2"'})
    assert same.json()["version"] == 2
    assert [one["version"] for one in each_client.get(f"{url}/versions").json()] == [1, 2]
    assert each_client.get(f"{url}/versions/1").json() == first
    assert first["sha256"] != changed.json()["sha256"]
    assert each_client.put(url, json=other).status_code == 428
    assert each_client.put(url, json=other, headers={"If-Match": '"1"'}).status_code == 412
    assert [one["id"] for one in each_client.get("/v1/sources?engine=postgres").json()["items"]] == [
        first["id"]
    ]
    assert each_client.get("/v1/sources?engine=duckdb").json()["items"] == []


def test_only_the_owning_team_changes_it_and_viewers_register_none(client, other_team_client, viewer_client):
    url = client.post("/v1/sources", json=source()).headers["Location"]
    assert other_team_client.get(url).status_code == 200
    assert other_team_client.put(url, json=source(), headers={"If-Match": '"1"'}).status_code == 403
    assert viewer_client.post("/v1/sources", json=source()).status_code == 403


def test_the_engine_of_a_source_stays(client):
    url = client.post("/v1/sources", json=source()).headers["Location"]
    answer = client.put(url, json=source(connection=DUCKDB_FILE), headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "engine_stays")


@pytest.mark.parametrize(
    "password",
    [
        "hunter2",
        {"value": "hunter2"},
        {"environment": "PATH"},
        {"environment": "LEVERBOARD_DATABASE_URL"},
        {"environment": "LEVERBOARD_SOURCE_SECRET_A\nB"},
        {"file": "/etc/shadow"},
        {"file": "../../etc/shadow"},
    ],
)
def test_a_secret_is_named_never_sent_and_only_from_where_secrets_of_sources_are(client, password):
    draft = source()
    draft["connection"]["password"] = password
    answer = client.post("/v1/sources", json=draft)
    assert answer.status_code == 422
    assert client.get("/v1/sources").json()["items"] == []


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.duckdb", "a/../../x", "a\\b"])
def test_a_file_lies_below_the_folder_of_sources(client, path):
    assert client.post("/v1/sources", json=source(connection=DUCKDB_FILE | {"path": path})).status_code == 422


@pytest.mark.parametrize("host", ["db example", "http://db", "db:80", "user@db", "-db", "db/../x", "db?x=1"])
def test_a_host_is_a_host(client, host):
    draft = source()
    draft["connection"]["host"] = host
    assert client.post("/v1/sources", json=draft).status_code == 422


def test_a_limit_that_the_engine_does_not_know_is_refused(client):
    answer = client.post("/v1/sources", json=source(limits={"bytes": 10**9}))
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "engine_limits_bytes")


def test_only_spark_reads_folders_of_parquet(client):
    draft = source()
    draft["outcomes"][0]["rows"] = {"parquet": "outcomes"}
    answer = client.post("/v1/sources", json=draft)
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "engine_reads_parquet")


def test_a_refused_query_says_which_field_and_what_to_do(client):
    answer = client.post("/v1/sources", json=reading("DROP TABLE orders"))
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["field"], error["rule"]) == (422, "outcomes.0.rows", "one_plain_select")
    assert "view" in error["how"]


GOOD = [
    "SELECT u, at FROM shop.orders WHERE amount > 3",
    "WITH paid AS (SELECT * FROM orders WHERE paid) SELECT u, max(at) AS at FROM paid GROUP BY u",
    "SELECT a.u, b.at FROM a JOIN b ON a.id = b.id UNION ALL SELECT u, at FROM c",
    "SELECT u, at, row_number() OVER (PARTITION BY u ORDER BY at) AS n FROM a",
]


@pytest.mark.parametrize("query", GOOD)
@pytest.mark.parametrize("engine", list(Engine))
def test_plain_selects_are_read(query, engine):
    assert query_refusal(query, engine) is None


HOSTILE = {
    "two statements": "SELECT 1; DROP TABLE orders",
    "no select": "DELETE FROM orders RETURNING u, at",
    "a write in a table expression": "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone",
    "an insert in a table expression": "WITH x AS (INSERT INTO o VALUES (1) RETURNING *) SELECT * FROM x",
    "into": "SELECT u, at INTO copied FROM orders",
    "a lock": "SELECT u, at FROM orders FOR UPDATE",
    "a copy": "COPY orders TO '/tmp/x'",
    "a setting": "SET transaction_read_only = off",
    "an attachment": "ATTACH 'other.db'",
    "a pragma": "PRAGMA database_list",
    "no sql": "SELECT FROM WHERE",
    "nothing": ";",
    "deep": "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    "pg: a file": "SELECT pg_read_file('/etc/passwd') AS u, now() AS at",
    "pg: sleeping": "SELECT pg_sleep(1000) AS u",
    "pg: a setting by function": "SELECT set_config('transaction_read_only', 'off', false) AS u",
    "pg: another server": "SELECT * FROM dblink('host=evil', 'SELECT 1') AS t(u text)",
    "pg: a program": "SELECT lo_export(1, '/tmp/x') AS u",
    "duckdb: a csv": "SELECT * FROM read_csv('/etc/passwd')",
    "duckdb: text": "SELECT * FROM read_text('/etc/passwd')",
    "duckdb: a file as a table": "SELECT * FROM '/etc/passwd'",
    "duckdb: an address as a table": "SELECT * FROM 'https://evil.example/x.parquet'",
    "duckdb: the environment": "SELECT getenv('HOME') AS u",
    "duckdb: a glob": "SELECT * FROM glob('/etc/*')",
    "spark: java": "SELECT reflect('java.lang.Runtime', 'getRuntime') AS u",
    "spark: java method": "SELECT java_method('java.lang.System', 'exit', 1) AS u",
    "spark: a file as a table": "SELECT * FROM parquet.`/etc/passwd`",
    "clickhouse: an address": "SELECT * FROM url('http://evil.example/', CSV)",
    "clickhouse: a file": "SELECT * FROM file('/etc/passwd', 'RawBLOB')",
    "clickhouse: its limit undone": "SELECT u FROM orders SETTINGS max_rows_to_read = 0",
    "clickhouse: its limit undone inside": "SELECT u FROM (SELECT u FROM o SETTINGS max_rows_to_read = 0) x",
    "clickhouse: another format": "SELECT u FROM orders UNION ALL SELECT u FROM o FORMAT JSON",
    "clickhouse: another server": "SELECT * FROM remote('evil', db.t)",
    "bigquery: another server": "SELECT * FROM EXTERNAL_QUERY('c', 'SELECT 1')",
    "snowflake: a stage": "SELECT * FROM @stage/file",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("engine", list(Engine))
def test_whatever_does_more_than_read_tables_is_refused_by_every_engine(name, engine):
    assert query_refusal(HOSTILE[name], engine) is not None


@pytest.mark.parametrize("engine", [Engine.SPARK, Engine.DATABRICKS])
@pytest.mark.parametrize("name", ["text", "CSV", "binaryFile"])
def test_a_file_format_is_no_database_of_spark(engine, name):
    assert query_refusal(f"SELECT * FROM {name}.passwd", engine) is not None


def test_a_plan_names_a_source_and_pins_its_version(client, approver_client):
    made = client.post("/v1/sources", json=source()).json()
    draft = plan(ground(client), source={"source": made["id"], "experiment": "checkout-7"})
    answer = client.post("/v1/experiments", json=draft)
    assert answer.status_code == 201, answer.text
    wanted = {"source": made["id"], "version": 1, "experiment": "checkout-7"}
    assert answer.json()["source"] == wanted
    url = f"/v1/sources/{made['id']}"
    client.put(url, json=source(name="Newer"), headers={"If-Match": '"1"'})
    approved = step(client, answer.json()["id"], "approve")
    assert approved["source"] == wanted


def test_a_plan_with_a_source_that_is_not_there_is_refused(client):
    made = client.post("/v1/sources", json=source()).json()
    for pin in ({"source": "src_0"}, {"source": made["id"], "version": 2}):
        answer = client.post("/v1/experiments", json=plan(ground(client), source=pin))
        assert [error["rule"] for error in answer.json()["errors"]] == ["source_is_registered"]


def test_a_plan_reads_no_source_of_another_team_unless_an_admin_makes_it(
    client, other_team_client, client_for, settings
):
    made = client.post("/v1/sources", json=source()).json()
    draft = plan(ground(client), source={"source": made["id"]})
    refused = other_team_client.post("/v1/experiments", json=draft)
    assert refused.status_code == 403, refused.text
    assert "growth" in refused.json()["detail"]
    own = other_team_client.post("/v1/experiments", json=draft | {"source": None})
    headers = {"If-Match": own.headers["ETag"]}
    url = f"/v1/experiments/{own.json()['id']}"
    assert other_team_client.put(url, json=draft, headers=headers).status_code == 403
    admin = client_for(settings, owner="ed@example.com", team="ops", role=Role.admin)
    assert admin.post("/v1/experiments", json=draft).status_code == 201


def test_the_database_holds_the_name_of_the_secret_alone(client, database, monkeypatch):
    monkeypatch.setenv("LEVERBOARD_SOURCE_SECRET_WAREHOUSE", "hunter2")
    made = client.post("/v1/sources", json=source())
    assert "LEVERBOARD_SOURCE_SECRET_WAREHOUSE" in made.text
    assert "hunter2" not in json.dumps([made.json(), client.get("/v1/sources").json()])
