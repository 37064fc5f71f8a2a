"""How is the service run for the demo? In a folder of its own, on a free port, and ended whatever happens."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from service.access.rules import Role
from service.access.service import create_key
from service.cli.store import opened
from service.kit.errors import ServiceError
from service.settings import PREFIX, Settings

OWNER, TEAM = "ada@example.com", "growth"
STARTING = 60.0  # seconds until the service must be ready; it takes about two
ENDING = 30.0  # more than `leverboard serve` gives its worker
_TAIL = 25  # lines of its log


class Died(ServiceError):
    """The service ended or never became ready."""

    title = "The service is not running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The running service, and the key by which the demo may change things."""

    address: str
    key: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_TAIL:])


@contextmanager
def running() -> Iterator[Service]:
    """Its data live in a temporary folder and go with it."""
    with TemporaryDirectory(prefix="leverboard-demo-", ignore_cleanup_errors=True) as folder:
        settings = Settings(data_dir=Path(folder), database_url=None)
        key = _key(settings)
        service = _started(settings, key)
        try:
            _await(service)
            yield service
        finally:
            _end(service.process)


def _key(settings: Settings) -> str:
    with opened(settings) as database, database.write() as session:
        return create_key(session, owner=OWNER, team=TEAM, role=Role.editor)[1]


def _started(settings: Settings, key: str) -> Service:
    port, log = _free_port(), settings.data_dir / "service.log"
    command = (sys.executable, "-m", "service.cli", "serve", "--host", "127.0.0.1", "--port", str(port))
    with log.open("wb") as sink:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            env=_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the demo, which then ends the service in order
        )
    return Service(address=f"http://127.0.0.1:{port}", key=key, log=log, process=process)


def _environment(settings: Settings) -> dict[str, str]:
    """Ours, without any setting of Leverboard: the demo never touches somebody's real database."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    return kept | {f"{PREFIX}DATA_DIR": str(settings.data_dir)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(service: Service) -> None:
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline:
        if not service.alive:
            raise Died(f"It ended with code {service.process.returncode}. Its last words:\n{service.tail()}")
        if _ready(service.address):
            return
        time.sleep(0.05)
    raise Died(f"It was not ready after {STARTING:.0f} s. Its last words:\n{service.tail()}")


def _ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=5, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asked first; then, or at a second Ctrl-C, the whole group is killed, so that no worker outlives it."""
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(ENDING)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
