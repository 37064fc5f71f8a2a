"""Compressed bodies and Arrow streams: the same rows, and no bomb."""

import gzip
import json
import struct

import pyarrow as pa
import pytest

from service.facts import inbox
from service.facts.tables import Batch

GOOD = {"id": "o1", "unit": "u1", "event": "quote_shown", "time": "2026-03-01T08:30:00Z", "value": 2.5}
LINE = json.dumps(GOOD).encode()
STREAM = "application/vnd.apache.arrow.stream"
TEXTS = {name: [GOOD[name]] for name in ("id", "unit", "event", "time")}


def kept(database) -> list[dict]:
    with database.read() as session:
        batches = session.query(Batch).order_by(Batch.id).all()
        return [row for batch in batches for row in inbox.unpacked(batch.rows).to_pylist()]


def zstd(body: bytes) -> bytes:
    return pa.compress(body, codec="zstd", asbytes=True)


def stream(table: pa.Table, compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def send(client, body: bytes, encoding: str | None = None, kind: str = "application/x-ndjson", **headers):
    encoded = {"content-encoding": encoding} if encoding else {}
    return client.post("/v1/outcomes", content=body, headers={"content-type": kind, **encoded, **headers})


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (LINE, "identity"),
        (gzip.compress(LINE), "gzip"),
        (gzip.compress(LINE), "GZip"),
        (gzip.compress(LINE[:20]) + gzip.compress(LINE[20:]), "gzip"),
        (zstd(LINE), "zstd"),
        (zstd(LINE[:20]) + zstd(LINE[20:]), "zstd"),
    ],
)
def test_an_encoded_body_keeps_the_rows_of_the_plain_one(client, database, body, encoding):
    answer = send(client, body, encoding)
    assert (answer.status_code, answer.json()["accepted"]) == (201, 1), answer.text
    assert [row["id"] for row in kept(database)] == ["o1"]


@pytest.mark.parametrize(
    ("body", "encoding", "status", "slug"),
    [
        (LINE, "gzip", 400, "unreadable-body"),
        (gzip.compress(LINE)[:-5], "gzip", 400, "unreadable-body"),
        (gzip.compress(LINE) + b"more", "gzip", 400, "unreadable-body"),
        (gzip.compress(LINE)[:-8] + b"\0" * 8, "gzip", 400, "unreadable-body"),
        (zstd(LINE)[:-3], "zstd", 400, "unreadable-body"),
        (b"", "gzip", 422, "empty-batch"),
        (LINE, "br", 415, "unsupported-encoding"),
        (gzip.compress(gzip.compress(LINE)), "gzip, gzip", 415, "unsupported-encoding"),
    ],
)
def test_an_encoding_that_cannot_be_undone_is_refused(client, database, body, encoding, status, slug):  # noqa: PLR0917
    answer = send(client, body, encoding)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:leverboard:problem:{slug}")
    assert answer.headers.get("accept-encoding") == ("gzip, zstd" if status == 415 else None)
    assert kept(database) == []


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_a_bomb_is_refused_without_being_unpacked(client, pack):
    bomb = pack(b"\n" * (300 * 1024 * 1024))
    assert len(bomb) < 1_000_000
    before = pa.total_allocated_bytes()
    answer = send(client, bomb, "gzip" if pack is gzip.compress else "zstd")
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:leverboard:problem:payload-too-large")
    assert pa.total_allocated_bytes() - before < 64 * 1024 * 1024


def test_a_retry_that_was_compressed_anew_is_the_same_request(client, database):
    first = send(client, gzip.compress(LINE, mtime=1), "gzip", **{"idempotency-key": "k"})
    again = send(client, gzip.compress(LINE, mtime=2), "gzip", **{"idempotency-key": "k"})
    assert first.json() == again.json()
    assert len(kept(database)) == 1


@pytest.mark.parametrize(
    "encode",
    [lambda body: (body, None), lambda body: (gzip.compress(body), "gzip")],
    ids=["plain", "gzip"],
)
def test_an_arrow_stream_keeps_the_rows_of_the_other_formats(client, database, encode):
    table = pa.table(TEXTS | {"value": pa.array([2.5], pa.float32())})
    assert send(client, *encode(stream(table)), kind=STREAM).json()["accepted"] == 1
    named = table.set_column(1, "unit", pa.array(["u1"]).dictionary_encode())
    assert send(client, *encode(stream(named)), kind=STREAM).json()["accepted"] == 1
    first, second = kept(database)
    assert first == second
    assert (first["unit"], first["value"], first["time"].isoformat()) == (
        "u1",
        2.5,
        "2026-03-01T08:30:00+00:00",
    )


def torn_offsets() -> bytes:
    """A stream whose text reaches far beyond the body."""
    good = stream(pa.table({**TEXTS, "unit": ["u" * 77]}))
    bad = good.replace(struct.pack("<ii", 0, 77), struct.pack("<ii", 0, 2**30))
    assert bad != good
    return bad


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"", 422, "empty-batch"),
        (b"ARROW1 nonsense", 400, "unreadable-body"),
        (stream(pa.table(TEXTS))[:-40], 400, "unreadable-body"),
        (torn_offsets(), 400, "unreadable-body"),
        (stream(pa.table({**TEXTS, "unit": ["x" * 10_000]}), "zstd"), 400, "unreadable-body"),
        (stream(pa.table(TEXTS).slice(0, 0)), 422, "empty-batch"),
        (stream(pa.table({**TEXTS, "colour": ["red"]})), 422, "wrong-columns"),
        (stream(pa.table({"unit": ["u1"]})), 422, "wrong-columns"),
        (stream(pa.table({**TEXTS, "unit": [["u1"]]})), 422, "wrong-columns"),
        (stream(pa.table({name: pa.nulls(10_000_001) for name in TEXTS})), 413, "payload-too-large"),
    ],
    ids=[
        "empty",
        "nonsense",
        "torn",
        "offsets",
        "compressed",
        "no rows",
        "unknown",
        "missing",
        "nested",
        "rows",
    ],
)
def test_a_stream_that_cannot_be_read_is_refused(client, database, body, status, slug):
    answer = send(client, body, kind=STREAM)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:leverboard:problem:{slug}"), (
        answer.text
    )
    assert kept(database) == []


def test_compressed_dictionaries_are_seen_too(client):
    spelled = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), pa.array(["x" * 10_000]))
    body = stream(pa.table({**TEXTS, "unit": spelled}), "lz4")
    assert "Content-Encoding" in send(client, body, kind=STREAM).json()["detail"]


def test_a_small_stream_that_spells_gigabytes_is_refused(client):
    n = 600_000
    long = pa.DictionaryArray.from_arrays(pa.array([0] * n, pa.int8()), pa.array(["x" * 4_000]))
    answer = send(client, stream(pa.table(dict.fromkeys(TEXTS, long))), kind=STREAM)
    assert answer.status_code == 413, answer.text


def test_a_stream_cut_or_changed_anywhere_breaks_nothing(client):
    body = stream(pa.table(TEXTS))
    for place in range(0, len(body), 7):
        changed = body[:place] + bytes([body[place] ^ 0xFF]) + body[place + 1 :]
        for sent in (body[:place], changed):
            assert send(client, sent, kind=STREAM).status_code in {201, 400, 413, 422}


@pytest.mark.parametrize(("to", "hint"), [("/v1/outcomes", True), ("/v1/attributes", False)])
def test_a_column_too_many_is_told_where_properties_belong(client, to, hint):
    refused = client.post(to, content=b"unit,minutes\n1,2\n", headers={"content-type": "text/csv"})
    assert refused.status_code == 422
    assert ("goes into properties" in refused.json()["detail"]) == hint


@pytest.mark.parametrize("kind", ["outcomes", "attributes", "identities"])
def test_what_the_document_shows_is_accepted_as_it_stands(client, kind):
    takes = client.get("/openapi.json").json()["paths"][f"/v1/{kind}"]["post"]["requestBody"]["content"]
    shown = {name: body["example"] for name, body in takes.items() if "example" in body}
    assert set(shown) == {"application/json", "application/x-ndjson", "text/csv"}
    for name, example in shown.items():
        text = example if isinstance(example, str) else json.dumps(example)
        sent = client.post(f"/v1/{kind}", content=text.encode(), headers={"content-type": name})
        assert (sent.status_code, sent.json()["accepted"]) == (201, 1), sent.text
