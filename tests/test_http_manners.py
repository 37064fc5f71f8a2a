"""What every address of the API does, whatever it is about: tried on a small router of its own."""

import gzip
import json
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Annotated

import pytest
from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from service.access import CurrentActor, Editor
from service.app import ROUTERS, create_app
from service.kit import clock, idempotency
from service.kit.database import Database
from service.kit.errors import NotFound, check_version
from service.kit.http import (
    BODY_LIMIT,
    IfMatch,
    Page,
    PageQuery,
    ReadSession,
    Route,
    WriteSession,
    etag,
    router,
)
from service.kit.idempotency import Answer
from service.kit.paging import page
from service.kit.problems import problems
from service.settings import Settings

PROBLEM = "application/problem+json"


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    size: float = 1.0


things = router("/v1/things", ["things"])
meeting = threading.Barrier(2, timeout=10)


@things.post("", status_code=201, responses=problems(NotFound))
def create(thing: Thing, actor: Editor, session: WriteSession, response: Response) -> Thing:
    session.add(
        Answer(
            id=f"thing-{thing.name}",
            request_sha256="",
            status=0,
            headers={},
            body=b"",
            created_at=clock.now(),
        )
    )
    response.headers["ETag"] = etag(1)
    response.headers["Location"] = f"/v1/things/{thing.name}"
    if thing.name == "refused":
        session.flush()
        raise NotFound("not this one")
    if thing.name == "broken":
        session.flush()
        raise RuntimeError("a secret of ours")
    if thing.name == "slow":
        meeting.wait()
        meeting.wait()
    return thing


@things.get("")
def every(session: ReadSession, query: PageQuery, actor: CurrentActor) -> Page[str]:
    found = page(session, select(Answer), Answer.id, query)
    return query.answer([row.id for row in found.items], found.next)


@things.patch("/{name}")
def change(name: str, expected: IfMatch, actor: Editor) -> str:
    check_version(current=3, expected=expected)
    return name


@things.post("/raw/body")
async def raw(request: Request, actor: Editor) -> int:
    return len(await request.body())


@things.get("/{name}/echo")
def echo(name: str, actor: CurrentActor, size: Annotated[int, Query()] = 1) -> str:
    raise NotFound(f"There is no thing {name}.")


@pytest.fixture
def things_client(each_settings: Settings, client_for, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr("service.app.ROUTERS", (*ROUTERS, things))
    return client_for(each_settings)


@pytest.fixture
def stored(each_settings: Settings) -> Iterator:
    database = Database.open(each_settings.url)

    def names() -> list[str]:
        with database.read() as session:
            return list(
                session.scalars(select(Answer.id).where(Answer.id.like("thing-%")).order_by(Answer.id))
            )

    yield names
    database.close()


def problem_of(response, status: int, slug: str) -> dict:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    document = response.json()
    assert document["type"] == f"urn:leverboard:problem:{slug}"
    assert document["status"] == status
    assert document["instance"] == f"urn:leverboard:request:{response.headers['x-request-id']}"
    assert document["title"]
    assert document["detail"]
    return document


def test_every_address_under_v1_needs_a_key(settings: Settings) -> None:
    with TestClient(create_app(settings)) as stranger:
        for path, operations in stranger.app.openapi()["paths"].items():
            for method in operations:
                if not path.startswith("/v1/"):
                    assert operations[method]["security"] == []
                    continue
                answer = stranger.request(method, path.replace("{", "").replace("}", ""), content=b"{")
                problem_of(answer, 401, "unauthorised")
                assert answer.headers["www-authenticate"].startswith("Bearer")


def test_every_route_of_a_concept_is_one_of_ours() -> None:
    routes = [route for router in ROUTERS for route in router.routes]
    assert routes
    assert all(isinstance(route, Route) for route in routes if isinstance(route, APIRoute))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer lvb_0_0", "Bearer \x00"])
def test_a_wrong_key_is_refused(client: TestClient, header: str) -> None:
    problem_of(client.get("/v1/metrics", headers={"Authorization": header}), 401, "unauthorised")


def test_unknown_addresses_and_methods_are_problems(things_client: TestClient) -> None:
    problem_of(things_client.get("/v1/nothing"), 404, "not-found")
    refused = things_client.delete("/v1/things")
    problem_of(refused, 405, "method-not-allowed")
    assert "GET" in refused.headers["allow"] or "POST" in refused.headers["allow"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": 3}, "name"),
        ({}, "name"),
        ({"name": "a", "colour": "red"}, "colour"),
        ({"name": "a", "size": "large"}, "size"),
        ([], "body"),
    ],
)
def test_a_wrong_shape_names_the_field(things_client: TestClient, body: object, field: str) -> None:
    document = problem_of(things_client.post("/v1/things", json=body), 422, "invalid")
    assert field in [error["field"] for error in document["errors"]]
    assert all(error["message"] for error in document["errors"])


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b'{"name": "a", "size": NaN}',
        b'{"name": "a", "size": Infinity}',
        b'{"name": "\\u0000"}',
        b'{"name": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"name": "a", "size": ' + b"9" * 10_000 + b"}",
    ],
    ids=["syntax", "encoding", "nan", "infinity", "nul", "nesting", "digits"],
)
def test_a_body_that_is_no_json_is_refused(things_client: TestClient, body: bytes) -> None:
    answer = things_client.post("/v1/things", content=body, headers={"content-type": "application/json"})
    problem_of(answer, 400, "bad-request")


@pytest.mark.parametrize("depth", [100, 900, 5_000])
def test_deep_nesting_never_breaks_the_service(things_client: TestClient, depth: int) -> None:
    body = b'{"name": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    answer = things_client.post("/v1/things", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}


def test_an_empty_body_is_a_wrong_shape(things_client: TestClient) -> None:
    problem_of(things_client.post("/v1/things"), 422, "invalid")


@pytest.mark.parametrize("kind", ["text/csv", "application/x-www-form-urlencoded", "application/jsonx"])
def test_another_kind_of_body_is_refused(things_client: TestClient, kind: str) -> None:
    answer = things_client.post("/v1/things", content=b'{"name": "a"}', headers={"content-type": kind})
    problem_of(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_an_encoded_json_body_is_to_be_sent_as_it_is(things_client: TestClient, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    answer = things_client.post("/v1/things", content=gzip.compress(b'{"name": "a"}'), headers=headers)
    assert "send it as it is" in problem_of(answer, 415, "unsupported-media-type")["detail"]
    plain = things_client.post("/v1/things", json={"name": "a"}, headers={"content-encoding": "identity"})
    assert plain.status_code == 201


@pytest.mark.parametrize("path", ["/livez", "/openapi.json", "/v1/things", "/v1/metrics?limit=1", "/v1/none"])
def test_what_answers_get_answers_head_with_the_same_head(things_client: TestClient, path: str) -> None:
    whole, head = things_client.get(path), things_client.head(path)
    assert (head.status_code, head.text) == (whole.status_code, "")
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_what_only_takes_posts_takes_no_head(things_client: TestClient) -> None:
    assert things_client.head("/v1/things/raw/body").status_code == 405


@pytest.mark.parametrize("path", ["/v1", "/v1/metrics/", "/v1/things/"])
def test_where_nothing_answers_nobody_is_sent_elsewhere(things_client: TestClient, path: str) -> None:
    answer = things_client.get(path, headers={"host": "elsewhere.example"}, follow_redirects=False)
    assert "/openapi.json lists what does" in problem_of(answer, 404, "not-found")["detail"]


@pytest.mark.parametrize("path", ["/v1/things", "/v1/things/raw/body"])
def test_a_body_over_the_limit_is_refused_announced_or_not(things_client: TestClient, path: str) -> None:
    large = b" " * (BODY_LIMIT + 1)
    kind = {"content-type": "application/json"}
    problem_of(things_client.post(path, content=large, headers=kind), 413, "payload-too-large")
    chunks = (large[at : at + 65536] for at in range(0, len(large), 65536))
    problem_of(things_client.post(path, content=chunks, headers=kind), 413, "payload-too-large")


def test_a_body_at_the_limit_is_taken(things_client: TestClient) -> None:
    assert things_client.post("/v1/things/raw/body", content=b" " * BODY_LIMIT).json() == BODY_LIMIT


def test_no_message_repeats_a_long_value(things_client: TestClient) -> None:
    long = "x" * 10**6
    answers = [
        things_client.get(f"/v1/things/{long[:60000]}/echo"),
        things_client.get("/v1/things/a/echo", params={"size": long[:60000]}),
        things_client.post("/v1/things", json={"name": "a", long: 1}),
        things_client.get("/v1/" + long[:60000]),
    ]
    assert all(answer.status_code in {404, 422} for answer in answers)
    assert all("x" * 201 not in answer.text and len(answer.text) < 2000 for answer in answers)


def test_a_nul_in_the_address_is_refused(things_client: TestClient) -> None:
    problem_of(things_client.get("/v1/things/%00/echo"), 400, "bad-request")
    problem_of(things_client.get("/v1/things?cursor=%00"), 400, "bad-request")


def test_what_nobody_foresaw_tells_only_the_request(things_client: TestClient, stored, capfd) -> None:
    answer = things_client.post("/v1/things", json={"name": "broken"})
    document = problem_of(answer, 500, "internal")
    assert "secret" not in answer.text
    assert stored() == []
    assert document["instance"].rpartition(":")[2] in capfd.readouterr().out


def test_a_refusal_undoes_what_was_done_before_it(things_client: TestClient, stored) -> None:
    problem_of(things_client.post("/v1/things", json={"name": "refused"}), 404, "not-found")
    assert stored() == []


def test_the_work_is_committed_before_the_answer_leaves(
    things_client: TestClient, stored, monkeypatch
) -> None:
    seen: list[list[str]] = []
    original = Response.__call__

    async def watched(self, scope, receive, send) -> None:
        seen.append(stored())
        await original(self, scope, receive, send)

    monkeypatch.setattr(Response, "__call__", watched)
    things_client.post("/v1/things", json={"name": "kept"})
    assert seen == [["thing-kept"]]


def test_the_same_key_and_request_is_answered_once(things_client: TestClient, stored) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = things_client.post("/v1/things", json={"name": "one"}, headers=headers)
    again = things_client.post("/v1/things", json={"name": "one"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert [again.headers[name] for name in ("etag", "location")] == ['"1"', "/v1/things/one"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert stored() == ["thing-one"]


def test_the_same_key_with_another_request_is_refused(things_client: TestClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    things_client.post("/v1/things", json={"name": "one"}, headers=headers)
    answer = things_client.post("/v1/things", json={"name": "two"}, headers=headers)
    problem_of(answer, 422, "idempotency-mismatch")


def test_keys_of_different_callers_do_not_meet(
    things_client: TestClient, each_settings: Settings, client_for
) -> None:
    other = client_for(each_settings, owner="bo@example.com", team="ops")
    for client, name in ((things_client, "one"), (other, "two")):
        answer = client.post("/v1/things", json={"name": name}, headers={"Idempotency-Key": "k1"})
        assert answer.json()["name"] == name


def test_a_refused_request_may_be_tried_again_under_its_key(things_client: TestClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    for _ in range(2):
        problem_of(
            things_client.post("/v1/things", json={"name": "refused"}, headers=headers), 404, "not-found"
        )


def test_a_key_is_forgotten_after_a_day(things_client: TestClient, stored, monkeypatch) -> None:
    headers = {"Idempotency-Key": "k1"}
    things_client.post("/v1/things", json={"name": "one"}, headers=headers)
    tomorrow = clock.now() + timedelta(hours=25)
    monkeypatch.setattr(idempotency, "now", lambda: tomorrow)
    answer = things_client.post("/v1/things", json={"name": "two"}, headers=headers)
    assert answer.status_code == 201
    assert "thing-two" in stored()


def test_a_request_still_being_answered_is_a_conflict(things_client: TestClient) -> None:
    slow = partial(things_client.post, "/v1/things", json={"name": "slow"}, headers={"Idempotency-Key": "k1"})
    answers = []
    first = threading.Thread(target=lambda: answers.append(slow()))
    first.start()
    meeting.wait()
    second = slow()
    meeting.wait()
    first.join()
    problem_of(second, 409, "idempotency-in-flight")
    assert second.headers["retry-after"]
    assert answers[0].status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_an_unusable_key_is_refused(things_client: TestClient, key: str) -> None:
    answer = things_client.post("/v1/things", json={"name": "a"}, headers={"Idempotency-Key": key})
    problem_of(answer, 400, "bad-request")


def test_a_change_needs_the_version_it_is_based_on(things_client: TestClient) -> None:
    problem_of(things_client.patch("/v1/things/a"), 428, "precondition-required")
    problem_of(things_client.patch("/v1/things/a", headers={"If-Match": "3"}), 400, "bad-request")
    for stale in ('"2"', 'W/"3"', "*", '"3", "4"', '"' + "9" * 30 + '"'):
        answer = things_client.patch("/v1/things/a", headers={"If-Match": stale})
        problem_of(answer, 412, "precondition-failed")
    assert things_client.patch("/v1/things/a", headers={"If-Match": '"3"'}).status_code == 200


def test_pages_follow_each_other_without_gap_or_repeat(things_client: TestClient, stored) -> None:
    for number in range(7):
        things_client.post("/v1/things", json={"name": f"{number}"})
    seen, url = [], "/v1/things?limit=3"
    while url:
        answer = things_client.get(url)
        seen += answer.json()["items"]
        url = answer.links.get("next", {}).get("url")
        assert (url is None) == (answer.json()["next"] is None)
    assert seen == stored()
    assert len(seen) == 7


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=%C3%A9", "cursor=!!", "cursor=AAAA"]
)
def test_a_page_that_cannot_be_is_refused(things_client: TestClient, query: str) -> None:
    problem_of(things_client.get(f"/v1/things?{query}"), 422, "invalid")


def test_a_viewer_changes_nothing(each_settings: Settings, client_for, things_client: TestClient) -> None:
    viewer = client_for(each_settings, role="viewer")
    problem_of(viewer.post("/v1/things", json={"name": "a"}), 403, "forbidden")
    assert viewer.get("/v1/things").status_code == 200


def test_a_database_that_stays_locked_is_a_503(settings: Settings, client_for, monkeypatch) -> None:
    monkeypatch.setattr("service.app.ROUTERS", (*ROUTERS, things))
    client = client_for(settings)
    with client.app.state.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
    holder = sqlite3.connect(settings.data_dir / "leverboard.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    answer = client.post("/v1/things", json={"name": "a"})
    holder.close()
    problem_of(answer, 503, "unavailable")
    assert answer.headers["retry-after"]


def test_alive_and_ready(each_settings: Settings, client_for) -> None:
    client = client_for(each_settings)
    assert client.get("/livez").json() == {"status": "alive"}
    document = client.get("/readyz").json()
    assert document["ready"] is True
    assert [check["name"] for check in document["checks"]] == ["database", "schema", "worker"]


def test_a_database_without_tables_is_not_ready(tmp_path) -> None:
    with TestClient(create_app(Settings(data_dir=tmp_path))) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "leverboard migrate" in answer.text


def test_the_document_is_served_and_no_page_loads_scripts_from_elsewhere(client: TestClient) -> None:
    assert json.loads(client.get("/openapi.json").text)["openapi"].startswith("3.")
    for path in ("/docs", "/redoc"):
        problem_of(client.get(path), 404, "not-found")


def test_a_larger_limit_is_a_rooms_to_set() -> None:
    class LargeRoute(Route):
        body_limit = 32 * 1024 * 1024

    made: APIRouter = router("/v1/large", ["large"], route=LargeRoute)
    assert made.route_class.body_limit == 32 * 1024 * 1024
