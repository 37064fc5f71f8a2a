"""`leverboard serve` as a process: it answers, a worker runs beside it, and both end together."""

import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.serving import a_key, alive, children, serving, until


def test_it_makes_its_tables_answers_and_logs_each_request_by_its_id(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-worker") as (process, address, log):
        assert httpx2.get(f"{address}/readyz").json()["ready"] is True
        refused = httpx2.get(f"{address}/v1/metrics")
        assert children(process.pid) == []
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    told = [line for line in lines if line["event"] == "request"]
    assert [line["request_id"] for line in told] == [refused.headers["x-request-id"]]
    assert (told[0]["status"], told[0]["path"]) == (401, "/v1/metrics")
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes through /proc")
def test_a_worker_runs_beside_it_is_replaced_when_it_dies_and_ends_with_it(tmp_path: Path) -> None:
    with serving(tmp_path, ended_by=signal.SIGTERM) as (process, _, log):
        first = until(lambda: children(process.pid))[0]
        time.sleep(1)
        os.kill(first, signal.SIGKILL)
        second = until(lambda: [child for child in children(process.pid) if child != first])[0]
        assert alive(second)
        time.sleep(2)
    assert not alive(second)
    assert "worker_died" in log.read_text()


def test_clients_that_send_slowly_hold_up_nobody(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-worker") as (_, address, __):
        key, port = a_key(tmp_path), int(address.rpartition(":")[2])
        head = (
            f"POST /v1/metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        )
        # More of them than connections to the database, and more than threads.
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
        for one in slow:
            one.sendall(head.encode())
        headers = {"Authorization": f"Bearer {key}"}
        assert httpx2.get(f"{address}/v1/metrics", headers=headers, timeout=5).status_code == 200
        assert httpx2.post(f"{address}/v1/metrics", headers=headers, json={}, timeout=5).status_code == 422
        for one in slow:
            one.close()


def test_many_writers_at_once_are_all_answered(tmp_path: Path) -> None:
    mechanism = {"cpi": "met_none", "name": "m", "description": "d"}
    with serving(tmp_path, "--no-worker") as (_, address, __):
        headers = {"Authorization": f"Bearer {a_key(tmp_path)}"}

        def write(number: int) -> int:
            headers_of_one = {**headers, "Idempotency-Key": str(number)}
            return httpx2.post(
                f"{address}/v1/mechanisms", headers=headers_of_one, json=mechanism, timeout=30
            ).status_code

        with ThreadPoolExecutor(50) as pool:
            found = set(pool.map(write, range(150)))
    # Each took the write lock to look its key up, was refused, and let the lock go.
    assert found == {422}
