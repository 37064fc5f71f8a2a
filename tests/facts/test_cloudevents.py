"""What becomes of CloudEvents?"""

import gzip
import json

import pytest

from service import facts
from service.facts import inbox
from service.facts.ingest.cloudevents import MOST_EVENTS, MOST_SOURCES
from service.facts.tables import Batch, FactKind
from service.kit.http import BODY_LIMIT

SINGLE = {"content-type": "application/cloudevents+json; charset=utf-8"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "https://example.com/quotes",
    "type": "com.example.quote.shown",
    "subject": "u1",
    "time": "2026-03-01T09:30:00+01:00",
    "datacontenttype": "application/json",
    "traceparent": "an extension",
    "data": {"value": 2.5, "channel": "web", "lines": [1, 2]},
}


def kept(database) -> list[dict]:
    """The outcomes, each with its source."""
    with database.read() as session:
        batches = session.query(Batch).order_by(Batch.id).all()
        return [
            {"source": batch.source, **row}
            for batch in batches
            for row in inbox.unpacked(batch.rows).to_pylist()
        ]


def send(client, *events: object):
    return client.post("/v1/events", content=json.dumps(events), headers=BATCH)


def test_an_event_is_an_outcome_of_its_subject(client, database):
    answer = client.post("/v1/events", content=json.dumps(EVENT), headers=SINGLE)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1), answer.text
    (row,) = kept(database)
    assert row.pop("time").isoformat() == "2026-03-01T08:30:00+00:00"
    assert row == {
        "source": "https://example.com/quotes",
        "id": "e1",
        "unit": "u1",
        "event": "com.example.quote.shown",
        "value": 2.5,
        "properties": '{"channel":"web","value":2.5}',
    }


@pytest.mark.parametrize("data", [None, "text", 3, [1], {}], ids=str)
def test_data_that_are_no_object_leave_value_and_properties_open(client, database, data):
    assert send(client, {**EVENT, "data": data}).json()["accepted"] == 1
    (row,) = kept(database)
    assert (row["value"], row["properties"]) == (None, None)


def test_source_and_id_are_an_events_identity(client, settings, database):
    other = {**EVENT, "source": "/calls"}
    for events in ((EVENT, other), (EVENT,), (other, {**EVENT, "id": "e2"})):
        assert send(client, *events).json()["accepted"] == len(events)
    facts.fold(settings, database)
    table = pytest.importorskip("deltalake").DeltaTable(settings.lake_dir / FactKind.OUTCOMES)
    rows = table.to_pyarrow_table().select(["source", "id"]).to_pylist()
    assert sorted((row["source"], row["id"]) for row in rows) == [
        ("/calls", "e1"),
        ("https://example.com/quotes", "e1"),
        ("https://example.com/quotes", "e2"),
    ]


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"specversion": "0.3"}, "specversion", "expected 1.0"),
        ({"specversion": 1.0}, "specversion", "Expected `str`"),
        ({"id": ""}, "id", "is missing"),
        ({"source": ""}, "source", "URI reference"),
        ({"source": "a b"}, "source", "URI reference"),
        ({"source": "a\0b"}, "source", "URI reference"),
        ({"source": "a" * 1_025}, "source", "1,024 characters"),
        ({"type": ""}, "event", "is missing"),
        ({"subject": None}, "subject", "whose outcome"),
        ({"time": None}, "time", "is missing"),
        ({"time": "yesterday"}, "time", "ISO 8601"),
        ({"data": {"value": 1e300}}, "value", "finite number"),
    ],
    ids=str,
)
def test_a_bad_event_is_rejected_alone_and_listed(client, database, change, field, reason):
    answer = send(client, EVENT, {**EVENT, "id": "e2", **change}, {**EVENT, "id": "e3"})
    assert answer.status_code == 200, answer.text
    assert [row["id"] for row in kept(database)] == ["e1", "e3"]
    (rejection,) = answer.json()["rejections"]
    assert (rejection["row"], rejection["field"]) == (2, field)
    assert reason in rejection["reason"]
    listed = [
        client.get(f"/v1/ingest/batches/{batch}/rejections").json() for batch in answer.json()["batches"]
    ]
    assert [one for page in listed for one in page["items"]] == [rejection]


@pytest.mark.parametrize(
    ("body", "headers", "status", "slug"),
    [
        (b"", BATCH, 422, "empty-batch"),
        (b"{}", BATCH, 400, "unreadable-body"),
        (b"[]", BATCH, 422, "empty-batch"),
        (b"[" + b"1," * MOST_EVENTS + b"1]", BATCH, 413, "payload-too-large"),
        (b" " * (BODY_LIMIT + 1), BATCH, 413, "payload-too-large"),
        (
            gzip.compress(b" " * (BODY_LIMIT + 1)),
            {**BATCH, "content-encoding": "gzip"},
            413,
            "payload-too-large",
        ),
        (b"{}", {"content-type": "application/json"}, 415, "unsupported-media-type"),
    ],
    ids=["empty", "object", "none", "many", "large", "bomb", "kind"],
)
def test_a_body_that_cannot_be_read_is_refused(client, database, body, headers, status, slug):  # noqa: PLR0917
    answer = client.post("/v1/events", content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:leverboard:problem:{slug}")
    assert kept(database) == []


def test_a_batch_of_countless_sources_is_refused(client, database):
    events = [{**EVENT, "source": f"/{number}"} for number in range(MOST_SOURCES + 1)]
    assert send(client, *events).status_code == 413
    assert kept(database) == []
    assert len(send(client, *events[1:]).json()["batches"]) == MOST_SOURCES


def test_one_event_that_is_none_is_listed(client):
    answer = client.post("/v1/events", content=b"17", headers=SINGLE)
    assert (answer.status_code, answer.json()["rejected"]) == (200, 1)
    (batch,) = answer.json()["batches"]
    assert client.get(f"/v1/ingest/batches/{batch}").json()["source"] == "cloudevents"


def test_both_databases_keep_the_events_of_every_source(each_client, each_database):
    events = [{**EVENT, "id": f"ü{number}", "source": f"/ü/{number % 3}"} for number in range(9)]
    answer = send(each_client, *events, 17)
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (9, 1), answer.text
    assert sorted(row["id"] for row in kept(each_database)) == [f"ü{number}" for number in range(9)]
    assert {row["source"] for row in kept(each_database)} == {"/ü/0", "/ü/1", "/ü/2"}


def test_an_event_of_another_teams_source_is_rejected_alone(client, other_team_client, database):
    assert send(client, EVENT).json()["accepted"] == 1
    told = send(other_team_client, {**EVENT, "id": "2"}, {**EVENT, "id": "3", "source": "/ours"}).json()
    assert (told["accepted"], told["rejected"]) == (1, 1)
    assert told["rejections"][0] == {
        "row": 1,
        "field": "source",
        "reason": "is the team growth's; name another source",
    }
    assert len(kept(database)) == 2
