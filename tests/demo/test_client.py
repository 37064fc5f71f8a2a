"""Does the demo believe an answer that it did not expect?"""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, override

import pyarrow as pa
import pytest

from service.cli.demo.answers import Made, Receipt
from service.cli.demo.client import Client, Failed, Silent, Unexpected

PROBLEM = {
    "title": "The plan breaks a rule",
    "status": 422,
    "detail": "With one arm there is nothing",
    "errors": [],
}
ANSWERS: dict[str, tuple[int, Any]] = {
    "/made": (201, {"id": "met_1", "more": "ignored"}),
    "/refused": (422, PROBLEM),
    "/broken": (500, {"title": "Something went wrong here"}),
    "/odd": (201, {"name": "no id"}),
    "/echo": (201, {"accepted": 2, "rejected": 0}),
}


class Answering(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((dict(self.headers), body))  # type: ignore[attr-defined]
        status, document = ANSWERS[self.path]
        told = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(told)))
        self.send_header("ETag", '"7"')
        self.end_headers()
        self.wfile.write(told)

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Answering) as found:
        found.seen = []  # type: ignore[attr-defined]
        thread = Thread(target=found.serve_forever, args=(0.02,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def client(server: HTTPServer) -> Iterator[Client]:
    found = Client(base_url=f"http://127.0.0.1:{server.server_port}", key="lvb_live_x")
    yield found
    found.http.close()


def test_an_answer_comes_with_its_version_and_unread_fields_are_no_matter(
    client: Client, server: Any
) -> None:
    told = client.post("/made", {"a": 1}, Made)
    assert (told.body.id, told.etag, told.status) == ("met_1", '"7"', 201)
    headers, body = server.seen[0]
    assert headers["Authorization"] == "Bearer lvb_live_x"
    assert json.loads(body) == {"a": 1}


def test_an_unexpected_status_stops_the_demo_with_the_problems_text(client: Client) -> None:
    with pytest.raises(Unexpected, match="With one arm there is nothing"):
        client.post("/refused", {}, Made)


def test_a_failure_of_the_service_is_told_apart_from_a_refusal(client: Client) -> None:
    with pytest.raises(Failed, match="500"):
        client.post("/broken", {}, Made)


def test_an_answer_without_what_is_needed_stops_the_demo(client: Client) -> None:
    with pytest.raises(Unexpected, match="id"):
        client.post("/odd", {}, Made)


def test_a_refusal_that_is_part_of_the_story_must_be_one(client: Client) -> None:
    assert client.refused("/refused", {}, 422).title == "The plan breaks a rule"
    with pytest.raises(Unexpected):
        client.refused("/made", {}, 422)


def test_facts_travel_as_parquet_under_a_name(client: Client, server: Any) -> None:
    assert client.send("/echo", pa.table({"unit": ["a", "b"]}), "batch-1", Receipt).body.accepted == 2
    headers, body = server.seen[0]
    assert headers["Idempotency-Key"] == "batch-1"
    assert headers["Content-Type"] == "application/vnd.apache.parquet"
    assert body.startswith(b"PAR1")


def test_silence_is_an_error_of_its_own() -> None:
    nobody = Client(base_url="http://127.0.0.1:9", key="x")
    with pytest.raises(Silent, match="POST /made"):
        nobody.post("/made", {}, Made)
    nobody.http.close()
