"""What becomes of the calls that clients of Segment send?"""

import base64
import gzip
import json
from datetime import timedelta

import pytest

from service import facts
from service.facts import inbox
from service.facts.ingest.segment import BATCH_LIMIT, EVENT_LIMIT, MOST_EVENTS
from service.facts.tables import Batch, FactKind
from service.kit.clock import now
from tests.experiments.drafts import ground, plan, reweighed, started
from tests.hypotheses.drafts import created

TIME = "2026-03-01T08:30:00.000+00:00"
SENT = "2026-03-01T08:31:00.000Z"
ORDER = {
    "type": "track",
    "messageId": "m1",
    "userId": "u1",
    "event": "Order Completed",
    "timestamp": TIME,
    "properties": {"revenue": 25, "currency": "EUR", "products": [{"sku": 1}], "cart": {"id": 3}},
    "context": {"library": {"name": "analytics-python"}},
    "integrations": {},
}


@pytest.fixture
def experiment(client) -> str:
    return created(client, "/v1/experiments", plan(ground(client)))["id"]


def viewed(experiment: str, arm: object = "prefilled", **change: object) -> dict:
    properties = {"experiment_id": experiment, "variation_id": arm, **change}
    return {**ORDER, "messageId": "v1", "event": "Experiment Viewed", "properties": properties}


def send(client, *events: object, to: str = "/v1/batch", **headers):
    sent = events[0] if to != "/v1/batch" else {"batch": events, "sentAt": SENT, "writeKey": "anything"}
    return client.post(to, content=json.dumps(sent), headers={"content-type": "application/json", **headers})


def kept(database, kind: FactKind = FactKind.OUTCOMES) -> list[dict]:
    with database.read() as session:
        batches = session.query(Batch).filter(Batch.kind == kind).order_by(Batch.id).all()
        return [row for batch in batches for row in inbox.unpacked(batch.rows).to_pylist()]


def test_a_tracked_event_is_an_outcome(client, database):
    answer = send(client, ORDER)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert (document["success"], document["accepted"], document["rejected"]) == (True, 1, 0)
    (row,) = kept(database)
    assert row["time"].isoformat() == "2026-03-01T08:30:00+00:00"
    assert {**row, "time": None} == {
        "id": "m1",
        "unit": "u1",
        "event": "Order Completed",
        "time": None,
        "value": 25.0,
        "properties": '{"currency":"EUR","revenue":25}',
    }
    (batch,) = document["batches"]
    shown = client.get(f"/v1/ingest/batches/{batch}").json()
    assert (shown["source"], shown["kind"], shown["accepted"]) == ("segment:growth", "outcomes", 1)


def test_an_experiment_viewed_is_an_assignment_an_exposure_and_an_outcome(client, database):
    experiment = started(client, plan(ground(client)))
    reweighed(client, experiment)
    answer = send(client, viewed(experiment, phase=1), ORDER)
    assert (answer.json()["accepted"], len(answer.json()["batches"])) == (2, 3), answer.text
    (row,) = kept(database, FactKind.ASSIGNMENTS)
    assert (row["experiment"], row["arm"], row["unit"], row["phase"]) == (experiment, "prefilled", "u1", 1)
    assert [one["event"] for one in kept(database)] == ["Experiment Viewed", "Order Completed"]
    (met,) = kept(database, FactKind.EXPOSURES)
    assert (met["experiment"], met["id"], met["unit"], met["time"]) == (experiment, "v1", "u1", row["time"])


def test_an_exposure_in_another_team_s_experiment_is_rejected_alone(other_team_client, database, experiment):
    answer = send(other_team_client, viewed(experiment), ORDER)
    (rejection,) = answer.json()["rejections"]
    assert (rejection["row"], rejection["field"]) == (1, "experiment")
    assert "another team" in rejection["reason"]
    assert kept(database, FactKind.ASSIGNMENTS) == []
    assert [one["event"] for one in kept(database)] == ["Order Completed"]


@pytest.mark.parametrize(
    ("properties", "value"),
    [
        ({"value": 3, "revenue": 4}, 3.0),
        ({"value": "3", "revenue": 4.5}, 4.5),
        ({"value": True}, None),
        ({"value": "3"}, None),
        ({"total": 3}, None),
        ({}, None),
        (None, None),
    ],
)
def test_the_value_is_a_number_or_nothing(client, database, properties, value):
    assert send(client, {**ORDER, "properties": properties}).json()["accepted"] == 1
    assert kept(database)[0]["value"] == value


@pytest.mark.parametrize(
    ("change", "unit"),
    [
        ({"anonymousId": "a1"}, "u1"),
        ({"userId": None, "anonymousId": "a1"}, "a1"),
        ({"userId": "", "anonymousId": "a1"}, "a1"),
        ({"userId": 17}, "17"),
        ({"userId": 0}, "0"),
    ],
)
def test_the_unit_is_the_user_or_else_who_stayed_anonymous(client, database, change, unit):
    assert send(client, {**ORDER, **change}).json()["accepted"] == 1
    assert kept(database)[0]["unit"] == unit


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"timestamp": None, "originalTimestamp": "2026-02-01T00:00:00Z"}, "2026-02-01T00:00:00+00:00"),
        ({"timestamp": None}, "2026-03-01T08:31:00+00:00"),
    ],
)
def test_without_a_time_of_its_own_that_of_sending_counts(client, database, change, at):
    assert send(client, {**ORDER, **change}).json()["accepted"] == 1
    assert kept(database)[0]["time"].isoformat() == at


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"messageId": None}, "messageId", "counts once"),
        ({"messageId": 3}, "messageId", "Expected `str | null`"),
        ({"messageId": "m" * 1_025}, "id", "1,024 bytes"),
        ({"userId": None}, "userId", "anonymousId"),
        ({"userId": True}, "userId", "Expected"),
        ({"userId": "a\0b"}, "unit", "U+0000"),
        ({"event": None}, "event", "is missing"),
        ({"timestamp": "yesterday"}, "time", "ISO 8601"),
        ({"timestamp": "2026-03-01T08:30:00"}, "time", "with an offset"),
        ({"type": "dance"}, "type", "expected one of track"),
        ({"type": None}, "type", "expected one of track"),
        ({"properties": {"value": 1e300}}, "value", "finite number"),
        ({"properties": {"value": 10**40}}, "value", "finite number"),
        ({"properties": {"value": -(10**40)}}, "value", "finite number"),
        ({"properties": {"note": "x" * 5_000}}, "properties", "flat JSON object"),
        ({"properties": []}, "properties", "Expected `object | null`"),
        ({"context": "x" * EVENT_LIMIT}, None, "32,768 bytes"),
        (viewed("exp_nothing"), "experiment", "there is no experiment"),
        (viewed("exp_nothing", ""), "properties.variation_id", "names its experiment_id"),
        (viewed("", "a"), "properties.experiment_id", "names its experiment_id"),
        (viewed("e", 10**30), "properties", "flat JSON object"),
        (viewed("e", 7), "experiment", "there is no experiment"),
        (viewed("e", "a", phase=0), "properties.phase", "expected a phase"),
        (viewed("e", "a", phase=10**30), "properties.phase", "expected a phase"),
        (viewed("e", "a", phase=True), "properties.phase", "expected a phase"),
        (viewed("e", "a" * 300), "arm", "200 bytes"),
    ],
    ids=str,
)
def test_a_bad_event_is_rejected_alone_and_listed(client, database, change, field, reason):
    answer = send(client, ORDER, {**ORDER, "messageId": "m2", **change}, {**ORDER, "messageId": "m3"})
    assert answer.status_code == 200, answer.text
    assert [row["id"] for row in kept(database)] == ["m1", "m3"]
    assert kept(database, FactKind.ASSIGNMENTS) == []
    (rejection,) = answer.json()["rejections"]
    assert (rejection["row"], rejection["field"]) == (2, field)
    assert reason in rejection["reason"]
    listed = [
        client.get(f"/v1/ingest/batches/{batch}/rejections").json() for batch in answer.json()["batches"]
    ]
    assert [one for page in listed for one in page["items"]] == [rejection]


@pytest.mark.parametrize("torn", ["17", "null", '"text"', "[" * 20_000 + "]" * 20_000, '{"userId": 1e999}'])
def test_what_is_no_event_is_rejected_alone(client, database, torn):
    body = f'{{"batch": [{json.dumps(ORDER)}, {torn}]}}'
    answer = client.post("/v1/batch", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 200:
        assert (answer.json()["accepted"], answer.json()["rejected"]) == (1, 1)
    assert len(kept(database)) == (1 if answer.status_code == 200 else 0)


def test_calls_that_say_nothing_that_is_kept_are_counted_as_ignored(client, database):
    types = ("identify", "page", "screen", "group", "alias", "identify")
    answer = send(client, *({"type": one, "userId": "u1", "traits": {"a": [1]}} for one in types)).json()
    assert (answer["accepted"], answer["rejected"], answer["batches"]) == (0, 0, [])
    assert [(one["type"], one["events"]) for one in answer["ignored"]] == [
        ("alias", 1),
        ("group", 1),
        ("identify", 2),
        ("page", 1),
        ("screen", 1),
    ]
    assert all(one["reason"] for one in answer["ignored"])
    assert kept(database) == []


def test_who_identifies_says_traits_and_which_anonymous_id_the_unit_had(client, database):
    traits = {
        "plan": "gold",
        "age": 41,
        "is_new": False,
        "address": {"city": "Köln"},
        "tags": [],
        "left": None,
    }
    said = {"type": "identify", "userId": "u1", "anonymousId": "a1", "timestamp": TIME, "traits": traits}
    answer = send(client, said)
    assert (answer.json()["accepted"], len(answer.json()["batches"])) == (1, 2), answer.text
    found = {row["name"]: row for row in kept(database, FactKind.ATTRIBUTES)}
    assert {name: (row["text"], row["number"], row["truth"]) for name, row in found.items()} == {
        "plan": ("gold", None, None),
        "age": (None, 41.0, None),
        "is_new": (None, None, False),
    }
    assert {(row["unit"], row["time"].isoformat()) for row in found.values()} == {
        ("u1", "2026-03-01T08:30:00+00:00")
    }
    (link,) = kept(database, FactKind.IDENTITIES)
    assert (link["namespace"], link["id"], link["unit"]) == ("unit", "a1", "u1")


def test_a_group_is_a_trait_of_its_members_and_an_alias_links_an_older_id(client, database):
    group = {"type": "group", "userId": "u1", "groupId": 7, "timestamp": TIME, "traits": {"plan": "team"}}
    alias = {"type": "alias", "userId": "u1", "previousId": "old", "timestamp": TIME}
    assert send(client, group, alias).json()["accepted"] == 2
    found = {row["name"]: row["text"] for row in kept(database, FactKind.ATTRIBUTES)}
    assert found == {"group.id": "7", "group.plan": "team"}
    (link,) = kept(database, FactKind.IDENTITIES)
    assert (link["namespace"], link["id"], link["unit"]) == ("unit", "old", "u1")


def test_an_event_with_several_bad_traits_is_rejected_once_and_with_it_all_that_it_says(client, database):
    bad = {"a": "x" * 5000, "b": 10**400, "c": "fine"}
    said = {"type": "identify", "userId": "u1", "anonymousId": "a1", "timestamp": TIME, "traits": bad}
    answer = send(client, said, {"type": "identify", "userId": "u2", "traits": {"a": 1}}).json()
    assert (answer["accepted"], answer["rejected"]) == (1, 1)
    assert [(one["row"], one["field"]) for one in answer["rejections"]] == [(1, "value")]
    assert [row["unit"] for row in kept(database, FactKind.ATTRIBUTES)] == ["u2"]
    assert kept(database, FactKind.IDENTITIES) == []


def test_each_call_has_an_address_of_its_own(client, database):
    said = {name: value for name, value in ORDER.items() if name != "type"}
    assert send(client, said, to="/v1/track").json()["accepted"] == 1
    for one in ("identify", "page", "screen", "group", "alias"):
        answer = send(client, said, to=f"/v1/{one}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["ignored"][0]["type"] == one
    assert send(client, {**said, "messageId": None}, to="/v1/track").json()["rejected"] == 1
    large = send(client, {**said, "context": "x" * EVENT_LIMIT}, to="/v1/track")
    assert (large.status_code, large.json()["type"]) == (413, "urn:leverboard:problem:payload-too-large")
    assert [row["id"] for row in kept(database)] == ["m1"]


def test_a_retried_batch_counts_once(client, settings, database, experiment):
    events = (ORDER, viewed(experiment))
    for _ in range(3):
        assert send(client, *events).json()["accepted"] == 2
    facts.fold(settings, database)
    proof = [pytest.importorskip("deltalake").DeltaTable(settings.lake_dir / kind) for kind in FactKind]
    assert [len(table.to_pyarrow_table()) for table in proof] == [1, 2, 1, 0, 0]


def basic(client, name: str, password: str = "") -> dict[str, str]:
    credentials = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"authorization": f"Basic {credentials}"}


def test_the_key_is_the_user_name_without_a_password(client, client_for, settings):
    key = client.headers["authorization"].removeprefix("Bearer ")
    assert send(client, ORDER, **basic(client, key)).status_code == 200
    strangers = [basic(client, key, "secret"), basic(client, key[:-1]), basic(client, "", key)]
    for wrong in (*strangers, {"authorization": f"Basic {key}"}, {"authorization": "Basic ü".encode()}):
        assert send(client, ORDER, **wrong).status_code == 401
    viewer = client_for(settings, role="viewer")
    assert send(viewer, ORDER).status_code == 403


@pytest.mark.parametrize(
    ("body", "headers", "status", "slug"),
    [
        (b"", {}, 422, "empty-batch"),
        (b"[]", {}, 400, "unreadable-body"),
        (b'{"batch": 3}', {}, 400, "unreadable-body"),
        (b'{"batch": [{"userId": NaN}]}', {}, 400, "unreadable-body"),
        (b"\xff", {}, 400, "unreadable-body"),
        (b'{"batch": []}', {}, 422, "empty-batch"),
        (b'{"batch": [' + b"1," * MOST_EVENTS + b"1]}", {}, 413, "payload-too-large"),
        (b" " * (BATCH_LIMIT + 1), {}, 413, "payload-too-large"),
        (gzip.compress(b" " * (BATCH_LIMIT + 1)), {"content-encoding": "gzip"}, 413, "payload-too-large"),
        (b"nonsense", {"content-encoding": "gzip"}, 400, "unreadable-body"),
        (b"{}", {"content-type": "text/plain"}, 415, "unsupported-media-type"),
    ],
    ids=["empty", "list", "number", "nan", "utf-8", "none", "many", "large", "bomb", "torn", "kind"],
)
def test_a_batch_that_cannot_be_read_is_refused(client, database, body, headers, status, slug):  # noqa: PLR0917
    answer = client.post("/v1/batch", content=body, headers={"content-type": "application/json", **headers})
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:leverboard:problem:{slug}")
    assert kept(database) == []


@pytest.mark.parametrize("trait", [{"bio": "é" * 2_049}, {"n" * 201: "x"}])
def test_a_trait_that_is_too_long_is_left_out_and_what_else_is_said_stays(client, database, trait):
    said = {**ORDER, "type": "identify", "anonymousId": "a1", "traits": {**trait, "plan": "pro"}}
    document = send(client, said).json()
    assert (document["accepted"], document["rejected"]) == (1, 0)
    (ignored,) = document["ignored"]
    assert (ignored["type"], ignored["events"]) == ("trait", 1)
    assert "4,096" in ignored["reason"]
    assert [row["name"] for row in kept(database, FactKind.ATTRIBUTES)] == ["plan"]
    assert [row["id"] for row in kept(database, FactKind.IDENTITIES)] == ["a1"]


def test_an_identify_that_says_only_what_is_too_long_is_ignored(client, database):
    document = send(client, {**ORDER, "type": "identify", "traits": {"bio": "x" * 5_000}}).json()
    assert [(one["type"], one["events"]) for one in document["ignored"]] == [("identify", 1)]
    assert kept(database, FactKind.ATTRIBUTES) == []


def test_nobody_else_speaks_as_a_source_of_segments(client, database):
    event = {"specversion": "1.0", "id": "m1", "source": "segment:growth", "subject": "u1", "type": "a"}
    row = {"id": "m1", "unit": "u1", "event": "Order Completed", "time": TIME}
    refused = client.post("/v1/outcomes", params={"source": "segment:growth"}, json=[row])
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "source")
    answer = client.post(
        "/v1/events",
        content=json.dumps({**event, "time": TIME}),
        headers={"content-type": "application/cloudevents+json"},
    )
    assert [one["field"] for one in answer.json()["rejections"]] == ["source"]
    assert kept(database) == []


@pytest.mark.parametrize(("seconds", "told"), [(-3600, True), (30, False), (86_400 * 365, True)])
def test_a_senders_clock_that_is_wrong_is_told_and_changes_no_time(client, database, seconds, told):
    sent = now() - timedelta(seconds=seconds)
    body = json.dumps({"batch": [ORDER], "sentAt": sent.isoformat()})
    answer = client.post("/v1/batch", content=body, headers={"content-type": "application/json"}).json()
    assert (answer["clock_skew"] is not None) is told
    assert not told or answer["clock_skew"] == pytest.approx(seconds, abs=60)
    assert [row["time"].isoformat() for row in kept(database)] == ["2026-03-01T08:30:00+00:00"]


@pytest.mark.parametrize("sent", ["yesterday", "2026-03-01T08:30:00", None])
def test_a_sent_at_that_says_nothing_is_left_alone(client, sent):
    body = json.dumps({"batch": [ORDER], "sentAt": sent})
    answer = client.post("/v1/batch", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["clock_skew"]) == (200, None)
