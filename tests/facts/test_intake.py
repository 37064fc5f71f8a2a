"""Large bodies in bounded memory, many requests in one commit, and what is too much is asked to wait."""

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pyarrow as pa
import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from service import facts
from service.access.rules import Actor, Role
from service.facts import inbox
from service.facts.ingest import intake, objects, service
from service.facts.ingest.committing import Committer
from service.facts.ingest.parts import Parts
from service.facts.ingest.service import Delivery
from service.facts.ingest.spool import Spool
from service.facts.lake.verification import verify
from service.facts.tables import Batch, FactKind
from service.kit.database import POOL_SIZE
from service.kit.errors import Conflict, Unavailable
from tests.serving import a_key, serving, until

NDJSON = {"content-type": "application/x-ndjson"}
TIME = "2026-03-01T08:30:00Z"
ACTOR = Actor(key_id="k", owner="ada@example.com", team="growth", role=Role.editor)


def line(number: int, **change: object) -> bytes:
    row = {"id": f"o{number}", "unit": f"u{number % 97}", "event": "called", "time": TIME, **change}
    return json.dumps(row).encode() + b"\n"


def kept(database) -> list[dict]:
    with database.read() as session:
        batches = session.query(Batch).order_by(Batch.id).all()
        return [row for batch in batches for row in inbox.unpacked(batch.rows).to_pylist()]


def test_a_body_in_parts_is_one_batch_whose_rows_and_rejections_are_numbered_throughout(
    client, settings, database, monkeypatch
):
    monkeypatch.setattr(objects, "BLOCK", 1_000)
    body = b"".join(line(n) if n % 3 else b"torn\n" for n in range(1, 301))
    answer = client.post("/v1/outcomes", content=body, headers={**NDJSON, "idempotency-key": "k"})
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["rejected"]) == (201, 200, 100), answer.text
    assert [one["row"] for one in told["rejections"]] == list(range(3, 301, 3))
    with database.read() as session:
        parts = session.query(Batch).order_by(Batch.id).all()
    assert len(parts) > 10
    assert [part.part_of for part in parts] == [None, *[told["batch"]] * (len(parts) - 1)]
    path, rows = f"/v1/ingest/batches/{told['batch']}/rejections?limit=30", []
    while path:
        page = client.get(path)
        rows += [one["row"] for one in page.json()["items"]]
        path = page.links["next"]["url"] if "next" in page.links else None
    assert rows == list(range(3, 301, 3))
    shown = client.get(f"/v1/ingest/batches/{told['batch']}").json()
    assert (shown["state"], shown["accepted"], shown["rejected"]) == ("acknowledged", 200, 100)
    facts.fold(settings, database)
    assert client.get(f"/v1/ingest/batches/{told['batch']}").json()["state"] == "folded"
    assert verify(settings, database).differences == ()
    again = client.post("/v1/outcomes", content=body, headers={**NDJSON, "idempotency-key": "k"})
    assert (again.json(), len(kept(database))) == (told, 200)


@pytest.mark.parametrize("block", [7, 64, 1_000, 10**6])
def test_lines_are_the_same_lines_however_the_blocks_fall(tmp_path, monkeypatch, block):
    monkeypatch.setattr(objects, "BLOCK", block)
    body = b"\xef\xbb\xbf" + line(1) + b"\r\n\n" + line(4).replace(b"\n", b"\r\n") + b"{\n" + line(6)[:-1]
    with Spool(tmp_path) as spool:
        spool.write(body)
        found = list(objects.lines(FactKind.OUTCOMES, spool))
    assert [row for one in found for row in one.columns["row"].to_pylist()] == [1, 4, 6]
    assert [rejection.row for one in found for rejection in one.unreadable] == [5]
    assert block < 10**6 or len(found) == 1  # no part of the inbox for a last line without its end


def test_a_line_without_end_is_rejected_and_the_next_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(objects, "BLOCK", 1_000)
    monkeypatch.setattr(objects, "LONGEST_LINE", 2_000)
    with Spool(tmp_path) as spool:
        spool.write(line(1) + b"x" * 50_000 + b"\n" + line(3) + b"y" * 9_000)
        found = list(objects.lines(FactKind.OUTCOMES, spool))
    assert [row for one in found for row in one.columns["row"].to_pylist()] == [1, 3]
    assert [rejection.row for one in found for rejection in one.unreadable] == [2, 4]


def peak(pid: int) -> int:
    """The most memory that the process ever held, in bytes; mapped files do not count."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def test_a_body_six_times_as_large_takes_no_more_memory(tmp_path):
    """Sent in chunks as it is made, by a client that never holds it whole either."""
    block = b"".join(line(n, properties={"note": "x" * 400}) for n in range(2_000))

    def body(mebibytes: int):
        for number in range(mebibytes * 1024 * 1024 // len(block)):
            yield block.replace(b'"id": "o', b'"id": "%d-' % number)

    with serving(tmp_path, "--no-worker") as (process, address, _):
        headers = {**NDJSON, "authorization": f"Bearer {a_key(tmp_path)}"}
        with httpx2.Client(base_url=address, headers=headers, timeout=120) as client:
            peaks = []
            for mebibytes in (8, 48):
                answer = client.post("/v1/outcomes", content=body(mebibytes))
                assert answer.json()["accepted"] == mebibytes * 1024 * 1024 // len(block) * 2_000, answer.text
                peaks.append(peak(process.pid))
    assert peaks[1] - peaks[0] < 28 * 1024 * 1024, peaks  # the bodies differ by 40 MiB


@contextmanager
def held(committer: Committer, pool: ThreadPoolExecutor):
    """While this lasts the committer is at a work of its own, and whoever comes waits."""
    begun, end = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        session.scalar(select(1))
        begun.set()
        assert end.wait(30)

    work = pool.submit(committer.commit, slow)
    assert begun.wait(30)
    try:
        yield
    finally:
        end.set()
        work.result(30)


def test_who_waits_for_one_commit_shares_the_next(database):
    commits = []
    event.listen(database._writing, "commit", lambda _: commits.append(1))
    committer = Committer(database)
    with ThreadPoolExecutor(21) as pool, held(committer, pool):
        others = [
            pool.submit(committer.commit, lambda session, n=n: session.scalar(select(n))) for n in range(20)
        ]
        until(lambda: len(committer._waiting) == 20)
    assert [one.result(30) for one in others] == list(range(20))
    committer.stop()
    assert len(commits) == 2


def batch(session, name: str, key: str | None = None) -> str:
    origin = service.Origin(kind=FactKind.OUTCOMES, source="api", digest=name, actor=ACTOR, key=key)
    empty = inbox.ROWS[FactKind.OUTCOMES].empty_table()
    part = service.Part(accepted=1, rejected=0, rows=inbox.packed(empty), rejections=b"", unused={})
    return service.keep(session, origin, [part]).batch


def test_one_work_that_fails_in_a_group_takes_nobody_along(each_database):
    committer = Committer(each_database)

    def refused(session) -> None:
        batch(session, "refused")
        raise Conflict("no")

    def twice(session) -> None:
        batch(session, "a", key="same")

    works = [lambda session: batch(session, "good"), refused, twice, twice]
    with ThreadPoolExecutor(5) as pool, held(committer, pool):
        others = [pool.submit(committer.commit, work) for work in works]
        until(lambda: len(committer._waiting) == 4)
    errors = [one.exception(30) for one in others]
    committer.stop()
    assert errors[0] is None
    assert isinstance(errors[1], Conflict)
    assert sorted(error is None for error in errors[2:]) == [False, True]  # the key is there once
    with each_database.read() as session:
        assert sorted(one.request_sha256 for one in session.query(Batch)) == ["a", "good"]


def test_the_same_key_in_many_requests_at_once_is_one_batch(each_client, each_database):
    body, other = line(1), line(2)

    def send(place: int):
        sent = other if place % 5 == 0 else body
        return each_client.post("/v1/outcomes", content=sent, headers={**NDJSON, "idempotency-key": "k"})

    assert send(1).status_code == 201
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(20)))
    for place, answer in enumerate(answers):
        assert answer.status_code in ({422, 409} if place % 5 == 0 else {201, 409}), answer.text
    assert len(kept(each_database)) == 1


def test_what_is_too_much_is_asked_to_come_again_and_nothing_of_it_stays(client, settings, database):
    shared = intake.Intake.of(client.app)
    shared.budget.enter()  # somebody else, who has almost all of it
    shared.budget.take(settings.ingest_waiting - 10)
    answer = client.post("/v1/outcomes", content=line(1), headers=NDJSON)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), answer.text
    assert answer.json()["type"] == "urn:leverboard:problem:ingest-busy"
    shared.budget.leave(settings.ingest_waiting - 10)
    assert client.post("/v1/outcomes", content=line(1), headers=NDJSON).status_code == 201
    assert (shared.budget.requests, shared.budget.bytes, len(kept(database))) == (0, 0, 1)


def test_only_so_many_requests_are_on_their_way(client, monkeypatch):
    monkeypatch.setattr(intake, "MOST_REQUESTS", 0)
    assert client.post("/v1/track", content=b"{}").status_code == 503


def test_no_spool_is_left_behind(client, settings):
    body = b"".join(line(n) for n in range(20_000))
    assert client.post("/v1/outcomes", content=body, headers=NDJSON).json()["accepted"] == 20_000
    assert list((settings.data_dir / "spool").iterdir()) == []


def test_parts_beyond_memory_are_read_again_from_their_spool(tmp_path, database, monkeypatch):
    monkeypatch.setattr("service.facts.ingest.parts._IN_MEMORY", 100)
    monkeypatch.setattr(objects, "BLOCK", 1_000)
    with Spool(tmp_path) as spool:
        spool.write(b"".join(line(n) for n in range(100)))
        delivery = Delivery(
            kind=FactKind.OUTCOMES,
            body=spool,
            content_type="application/x-ndjson",
            source="api",
            zone=None,
            key=None,
            numbered=False,
        )
        with service.prepared(tmp_path, database, ACTOR, delivery) as parts:
            assert isinstance(parts, Parts)
            rows = [inbox.unpacked(part.rows) for _ in range(2) for part in parts]
    assert pa.concat_tables(rows)["id"].to_pylist() == [f"o{n}" for n in range(100)] * 2


def test_who_comes_after_the_end_is_told_so(database):
    committer = Committer(database)
    assert committer.commit(lambda session: session.scalar(select(1))) == 1
    committer.stop()
    with pytest.raises(Unavailable, match="stopping"):
        committer.commit(lambda session: session.scalar(select(1)))


def test_what_is_unpacked_counts_while_it_is_unpacked(client, settings, monkeypatch):
    """Not afterwards: many small bodies could fill the disk with what they unpack to."""
    mebibyte, most = 1024 * 1024, [0]
    write = Spool.write

    def written(spool: Spool, data: bytes) -> None:
        write(spool, data)
        most[0] = max(most[0], spool.size)

    monkeypatch.setattr(Spool, "write", written)
    shared = intake.Intake.of(client.app)
    shared.budget.enter()  # somebody else, who leaves 3 MiB
    shared.budget.take(settings.ingest_waiting - 3 * mebibyte)
    body = gzip.compress(b"\n" * 30 * mebibyte)
    answer = client.post("/v1/outcomes", content=body, headers={**NDJSON, "content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:leverboard:problem:ingest-busy")
    assert most[0] <= 4 * mebibyte
    assert shared.budget.bytes == settings.ingest_waiting - 3 * mebibyte


def test_more_requests_share_a_commit_than_there_are_connections(client, database):
    shared = intake.Intake.of(client.app)
    many = 3 * POOL_SIZE
    with ThreadPoolExecutor(many + 1) as pool, held(shared.committer, pool):
        sent = [
            pool.submit(client.post, "/v1/outcomes", content=line(n), headers=NDJSON) for n in range(many)
        ]
        until(lambda: len(shared.committer._waiting) == many)
        assert client.get("/v1/ingest/batches/none").status_code == 404  # who reads is not kept waiting
    assert [one.result(30).status_code for one in sent] == [201] * many
    assert len(kept(database)) == many
