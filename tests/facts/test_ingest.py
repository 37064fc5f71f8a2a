"""What does ingest keep, what does it reject, and what does it refuse?"""

import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet

from service import facts
from service.access.rules import Role
from service.facts import inbox
from service.facts.ingest.formats import FILE_LIMIT
from service.facts.ingest.reading import READERS
from service.facts.tables import Batch, FactSource
from service.kit.database import Database

GOOD = {"id": "o1", "unit": "u1", "event": "quote_shown", "time": "2026-03-01T09:30:00+01:00", "value": 2.5}
NDJSON = {"content-type": "application/x-ndjson"}
CSV = {"content-type": "text/csv"}
PARQUET = {"content-type": "application/vnd.apache.parquet"}
NAIVE = datetime(2026, 3, 1)  # noqa: DTZ001 - a time without a zone is the point


def kept(database: Database) -> list[dict]:
    """The rows of every batch, in the order of their batches."""
    with database.read() as session:
        batches = session.query(Batch).order_by(Batch.id).all()
        return [row for batch in batches for row in inbox.unpacked(batch.rows).to_pylist()]


def lines(*rows: object) -> bytes:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


def parquet_of(**columns: object) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink, store_schema=False)  # as writers other than Arrow do
    return sink.getvalue()


def send(client, body, *, to="/v1/outcomes", headers=None, **query):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(
        to, content=content, params=query, headers={"content-type": "application/json", **(headers or {})}
    )


def test_what_is_accepted_is_kept_in_utc_with_canonical_properties(client, database):
    row = {**GOOD, "properties": {"b": 1, "a": "ü", "c": None}}
    answer = send(client, [row])
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    nothing = {"rejected": 0, "rejections": [], "notes": []}
    assert receipt | {"batch": ""} == {"batch": "", "accepted": 1, **nothing}
    assert answer.headers["location"] == f"/v1/ingest/batches/{receipt['batch']}"
    assert kept(database) == [
        {**row, "time": datetime(2026, 3, 1, 8, 30, tzinfo=UTC), "properties": '{"a":"ü","b":1,"c":null}'}
    ]


def test_every_format_keeps_the_same_rows(client, database):
    texts = {name: [GOOD[name]] for name in ("id", "unit", "event")}
    moment = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    bodies = [
        (lines(GOOD), NDJSON),
        (b"\xef\xbb\xbfid,unit,event,time,value\no1,u1,quote_shown,2026-03-01T09:30:00+01:00,2.5\n", CSV),
        (parquet_of(**texts, time=[moment], value=[2.5]), PARQUET),
        (parquet_of(**texts, time=["2026-03-01T08:30:00Z"], value=pa.array([2.5], pa.float32())), PARQUET),
        (parquet_of(**texts, time=[moment], value=[Decimal("2.50")]), PARQUET),
    ]
    for body, headers in bodies:
        assert send(client, body, headers=headers).json()["accepted"] == 1
    assert kept(database) == [{**GOOD, "time": moment, "properties": None}] * len(bodies)


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"unit": ""}, "unit", "missing"),
        ({"unit": "ü" * 513}, "unit", "1,024 bytes"),
        ({"unit": "x" * 10**6}, "unit", "1,024 bytes"),
        ({"unit": 17}, "unit", "Expected `str`"),
        ({"unit": "a\x00b"}, "unit", "U+0000"),
        ({"event": None}, "event", "Expected `str`"),
        ({"event": "e" * 201}, "event", "200 bytes"),
        ({"time": "2026-03-01T09:30:00"}, "time", "with an offset"),
        ({"time": "yesterday"}, "time", "with an offset"),
        ({"time": "2026-02-30T00:00:00Z"}, "time", "with an offset"),
        ({"time": "2999-01-01T00:00:00Z"}, "time", "a year from 1970"),
        ({"time": 1772000000}, "time", "Expected `str`"),
        ({"value": "2.5"}, "value", "Expected `float"),
        ({"value": 1e308}, "value", "finite number"),
        ({"value": True}, "value", "Expected `float"),
        ({"properties": {"a": {"b": 1}}}, "properties", "flat JSON object"),
        ({"properties": {"a": 1e16}}, "properties", "flat JSON object"),
        ({"properties": "x"}, "properties", "flat JSON object"),
        ({"properties": {str(n): n for n in range(101)}}, "properties", "flat JSON object"),
        ({"colour": "red"}, "colour", "unknown field"),
        ({"id": None}, "id", "is missing"),
    ],
)
def test_a_bad_row_is_rejected_alone_with_its_number_field_and_reason(
    client, database, change, field, reason
):
    rows = [GOOD, {**GOOD, "id": "o2", **change}, {**GOOD, "id": "o3"}]
    answer = send(client, lines(*rows), headers=NDJSON)
    assert answer.status_code == 201, answer.text
    assert [row["id"] for row in kept(database)] == ["o1", "o3"]
    (rejection,) = answer.json()["rejections"]
    assert (rejection["row"], rejection["field"]) == (2, field)
    assert reason in rejection["reason"]
    assert len(answer.content) < 1_500


@pytest.mark.parametrize(
    "line", ["{", "[]", "nonsense", '{"unit": NaN}', "[" * 100_000, '{"unit":"\\ud800"}', '{"value":1e999}']
)
def test_a_torn_line_is_rejected_alone(client, database, line):
    answer = send(client, lines(GOOD, line, {**GOOD, "id": "o2"}), headers=NDJSON)
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (2, 1), answer.text
    assert answer.json()["rejections"][0]["row"] == 2


def test_a_line_that_is_not_utf8_is_rejected_alone(client, database):
    bad = lines({**GOOD, "unit": "MARK"}).replace(b"MARK", b"\xff\xfe")
    answer = send(client, lines(GOOD) + b"\n" + bad, headers=NDJSON)
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (1, 1), answer.text


@pytest.mark.parametrize("before", ["\n", "\r\n", "  \n\n", "\ufeff\n"])
def test_csv_that_begins_with_a_blank_line_is_told_so_once(client, before):
    body = f"{before}id,unit,event,time\no1,u1,called,2026-03-01T00:00:00Z\n".encode()
    answer = client.post("/v1/outcomes", content=body, headers=CSV)
    assert answer.status_code == 400
    assert answer.json()["detail"] == "Expected a CSV header in the first line, which is blank."


def test_csv_tells_bad_cells_and_bad_rows_apart_from_good_ones(client, database):
    body = (
        b"id,unit,event,time,value,properties\n"
        b"o1,u1,called,2026-03-01T00:00:00Z,,\n"
        b"o2,u2\n"
        b"o3,\xff,called,2026-03-01T00:00:00Z,1,\n"
        b"o4,u4,called,2026-03-01T00:00:00Z,nan,\n"
        b"o5,u5,called,2026-03-01 00:00:00.123456789Z,1e400,\n"
        b'o6,"u\n6",called,2026-03-01T00:00:00Z,3,"{""a"":1}"\n'
        b"o7,u7,called,2026-03-01T00:00:00.123456789Z,3,\n"
    )
    answer = send(client, body, headers=CSV)
    assert [(one["row"], one["field"]) for one in answer.json()["rejections"]] == [
        (2, None),
        (3, "unit"),
        (4, "value"),
        (5, "value"),
    ]
    first, second, third = kept(database)
    assert (first["value"], first["properties"]) == (None, None)
    assert (second["unit"], second["properties"]) == ("u\n6", '{"a":1}')
    assert third["time"] == datetime(2026, 3, 1, 0, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "headers", "status", "slug"),
    [
        (b"", {}, 422, "empty-batch"),
        (b"[]", {}, 422, "empty-batch"),
        (b"{}", {}, 400, "unreadable-body"),
        (b"[" * 100_000, {}, 400, "unreadable-body"),
        (b'[{"id":"o1"', {}, 400, "unreadable-body"),
        (b"\xff\xfe", {}, 400, "unreadable-body"),
        (b"[1,2]", {"content-type": "text/plain"}, 415, "unsupported-media-type"),
        (b"[" + b"1," * 3_000_000 + b"1]", {}, 413, "payload-too-large"),
        (b"x", {**NDJSON, "content-length": str(FILE_LIMIT + 1)}, 413, "payload-too-large"),
        (b"\n" * 10, NDJSON, 422, "empty-batch"),
        (b"", CSV, 422, "empty-batch"),
        (b"id,unit,event,time\n", CSV, 422, "empty-batch"),
        (b"id,unit,event,time,unit\n1,2,3,4,5\n", CSV, 422, "wrong-columns"),
        (b"id,unit,event\n1,2,3\n", CSV, 422, "wrong-columns"),
        (b"id,unit,event,time,colour\n1,2,3,4,5\n", CSV, 422, "wrong-columns"),
        (b"\xff,unit\n1,2\n", CSV, 400, "unreadable-body"),
        (b"PAR1 torn PAR1", PARQUET, 400, "unreadable-body"),
        (b"", PARQUET, 422, "empty-batch"),
        (
            parquet_of(id=["1"], unit=[1], event=["e"], time=["2026-03-01T00:00:00Z"]),
            PARQUET,
            422,
            "wrong-columns",
        ),
        (
            parquet_of(id=["1"], unit=["u"], event=["e"], time=[NAIVE]),
            PARQUET,
            422,
            "wrong-columns",
        ),
        (
            parquet_of(id=["1"], unit=["u"], event=["e"], time=["x"], value=[True]),
            PARQUET,
            422,
            "wrong-columns",
        ),
        (
            parquet_of(id=["1"], unit=["u"], event=["e"], time=["x"], value=[{"a": 1}]),
            PARQUET,
            422,
            "wrong-columns",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_whole_with_a_problem(  # noqa: PLR0917
    client, database, body, headers, status, slug
):
    answer = send(client, body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:leverboard:problem:{slug}"
    assert len(answer.content) < 3_000
    assert kept(database) == []


@pytest.mark.parametrize("kind", [*READERS, "application/json; charset=utf-8"])
def test_an_empty_body_is_called_empty_whatever_its_type(client, kind):
    told = [client.post("/v1/outcomes", content=b"", headers={"content-type": kind}).json()]
    if kind == "application/json":
        told.append(client.post("/v1/outcomes", json=[]).json())
    for one in told:
        assert (one["title"], one["errors"]) == ("The body is empty: it holds no row", [])


def test_a_small_parquet_file_that_unpacks_to_gigabytes_is_refused(client):
    n = 600_000
    column = pa.DictionaryArray.from_arrays(pa.array([0] * n, pa.int32()), pa.array(["x" * 4_000]))
    body = parquet_of(id=column, unit=column, event=column, time=column)
    assert len(body) < 2_000_000
    assert send(client, body, headers=PARQUET).status_code == 413


def test_times_without_an_offset_are_read_in_the_named_zone(client, database):
    rows = [{**GOOD, "time": "2026-03-01T09:30:00"}, {**GOOD, "id": "o2", "time": "2026-07-01T09:30:00Z"}]
    assert send(client, rows, zone="Europe/Berlin").json()["accepted"] == 2
    assert [row["time"].hour for row in kept(database)] == [8, 9]
    assert send(client, rows[:1], zone="Mars/Olympus").status_code == 422
    assert send(client, rows[:1], zone="../../etc/passwd").status_code == 422


def test_the_key_names_the_batch_and_with_id_row_its_rows(client, database):
    row = {name: value for name, value in GOOD.items() if name != "id"}
    key = {"idempotency-key": "upload-7"}
    first = send(client, [row, row], id="row", headers=key)
    again = send(client, [row, row], id="row", headers=key)
    assert first.status_code == again.status_code == 201, first.text
    assert first.json() == again.json()
    assert [one["id"] for one in kept(database)] == ["upload-7:1", "upload-7:2"]
    assert send(client, [row], id="row", headers=key).status_code == 422
    assert send(client, [row], id="row").json()["errors"][0]["field"] == "id"


def test_a_batch_is_known_by_its_key_after_the_answer_is_forgotten(client, approver_client, database):
    key = {"idempotency-key": "upload-7"}
    first = send(client, [GOOD], headers=key).json()
    assert send(approver_client, [GOOD], headers=key).json() == first
    other = send(approver_client, [{**GOOD, "value": 3}], headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "urn:leverboard:problem:idempotency-mismatch")
    assert len(kept(database)) == 1


def test_all_rejections_are_kept_and_paged(client):
    batch = send(client, lines(*["{"] * 1_203, GOOD), headers=NDJSON).json()
    assert (batch["accepted"], batch["rejected"], len(batch["rejections"])) == (1, 1_203, 1_000)
    path, rows = f"/v1/ingest/batches/{batch['batch']}/rejections?limit=200", []
    while path:
        answer = client.get(path)
        rows += [one["row"] for one in answer.json()["items"]]
        path = answer.links["next"]["url"] if "next" in answer.links else None
    assert rows == list(range(1, 1_204))
    assert client.get("/v1/ingest/batches/bat_nothing/rejections").status_code == 404


def test_a_batch_tells_when_it_is_in_the_lake(client, settings, database):
    batch = send(client, [GOOD]).json()["batch"]
    assert client.get(f"/v1/ingest/batches/{batch}").json()["state"] == "acknowledged"
    facts.fold(settings, database)
    shown = client.get(f"/v1/ingest/batches/{batch}").json()
    assert (shown["state"], shown["kind"], shown["received_by"]) == ("folded", "outcomes", "ada@example.com")
    assert client.get("/v1/ingest/batches/bat_nothing").status_code == 404


def test_viewers_and_strangers_send_nothing(client_for, settings):
    viewer = client_for(settings, role="viewer")
    assert send(viewer, [GOOD]).status_code == 403
    assert send(viewer, [GOOD], headers={"authorization": "Bearer nonsense"}).status_code == 401


def test_a_source_is_the_teams_that_first_sends_under_it(client_for, each_settings, each_database):
    growth, ops = client_for(each_settings), client_for(each_settings, owner="bo@example.com", team="ops")
    admin = client_for(each_settings, team="ops", role=Role.admin)
    key = {"idempotency-key": "monday"}
    assert send(growth, [GOOD], source="shop", headers=key).status_code == 201
    assert send(ops, [{**GOOD, "unit": "u2"}], source="shop", headers=key).status_code == 403
    assert send(ops, [{**GOOD, "id": "stolen"}], source="shop").status_code == 403
    assert send(growth, [{**GOOD, "id": "o2"}], source="shop").status_code == 201
    assert send(admin, [{**GOOD, "id": "o3"}], source="shop").status_code == 201
    key = {"idempotency-key": "tuesday"}
    for client in (growth, ops):  # without a name each has its own: the same id and key are two
        answer = send(client, [{**GOOD, "unit": "u3"}], headers=key)
        assert answer.status_code == 201, answer.text
    assert send(ops, [GOOD], source="api:growth").status_code == 422
    with each_database.read() as session:
        assert {one.name: one.team for one in session.query(FactSource)} == {"shop": "growth"}
    assert len(kept(each_database)) == 5
