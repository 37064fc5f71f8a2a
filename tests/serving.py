"""A real `leverboard serve` in a process of its own, for tests of what only a process shows."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from service.access.rules import Role
from service.access.service import create_key
from service.kit.database import Database


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(condition, seconds: float = 90.0):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for tasks in found for child in tasks.read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def serving(
    tmp_path: Path, *arguments: str, ended_by: signal.Signals = signal.SIGINT
) -> Iterator[tuple[subprocess.Popen, str, Path]]:
    port, log = free_port(), tmp_path / "log"
    environment = {**os.environ, "LEVERBOARD_DATA_DIR": str(tmp_path / "data"), "LEVERBOARD_LEASE": "PT2S"}
    command = [sys.executable, "-m", "service.cli", "serve", "--json", "--port", str(port), *arguments]
    with log.open("w") as lines, subprocess.Popen(command, env=environment, stderr=lines) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            until(lambda: answers(address), 120)  # a busy machine takes its time
            yield process, address, log
        finally:
            process.send_signal(ended_by)
            process.wait(30)


def answers(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/livez").status_code == 200
    except httpx2.TransportError:
        return False


def a_key(tmp_path: Path) -> str:
    database = Database.open(f"sqlite:///{tmp_path / 'data' / 'leverboard.db'}")
    with database.write() as session:
        _, key = create_key(session, owner="ada@example.com", team="growth", role=Role.editor)
    database.close()
    return key
