"""`leverboard serve`: the API, and beside it a worker."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from threading import Event, Thread
from typing import Annotated

import structlog
import typer
import uvicorn

from service.app import create_app, settle
from service.cli.store import opened, see_to_folder
from service.facts.ingest.kernels import do_without_pandas
from service.kit import logs
from service.kit.errors import Unavailable
from service.settings import PREFIX, Settings

PATIENCE = 15  # seconds that a worker has to give its run back before it is killed
log = structlog.get_logger(__name__)


def command(
    host: Annotated[str | None, typer.Option(help="Address to listen on; LEVERBOARD_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="LEVERBOARD_PORT.")] = None,
    worker: Annotated[bool, typer.Option(help="Run a worker beside the API.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Log in JSON, one object a line.")] = False,
) -> None:
    """Answer the HTTP API until Ctrl-C or SIGTERM."""
    settings = Settings.from_environment()
    logs.configure("json" if as_json else settings.log_format, settings.log_level)
    host, port = settings.host if host is None else host, settings.port if port is None else port
    see_to_folder(settings)
    _see_to_port(host, port)
    with opened(settings):
        pass  # the tables are there; the app opens a database of its own
    do_without_pandas()
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=10,
        )
    )
    # Uvicorn raises the signal that ended it once more; as an interrupt it lets us end the worker first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settle()
    with _worker_beside(_command(as_json=as_json)) if worker else nullcontext(), suppress(KeyboardInterrupt):
        server.run()


def _see_to_port(host: str, port: int) -> None:
    """Before any worker is started; uvicorn would tell it among its log lines and behind a traceback."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise Unavailable(
            f"{PREFIX}HOST and {PREFIX}PORT: cannot listen on {host}, port {port}: {error.strerror}"
        ) from error


def _command(*, as_json: bool) -> tuple[str, ...]:
    worker = (sys.executable, "-m", "service.cli", "worker")
    return (*worker, "--json") if as_json else worker


@contextmanager
def _worker_beside(command: tuple[str, ...]) -> Iterator[None]:
    """One worker for as long as the API runs; one that dies is started again."""
    stop = Event()
    keeper = Thread(target=_keep_working, args=(stop, command), name="worker-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join(PATIENCE + 5)


def _keep_working(stop: Event, command: tuple[str, ...]) -> None:
    while not stop.is_set():
        process = subprocess.Popen(command)  # noqa: S603 - our own command
        while process.poll() is None and not stop.wait(0.2):
            pass
        if stop.is_set():
            _end(process)
        else:
            if process.returncode:  # Ctrl-C reaches the worker too, and sometimes first
                log.error("worker_died", code=process.returncode)
            stop.wait(2)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        log.warning("worker_killed", patience_seconds=PATIENCE)
        process.kill()
        process.wait()
