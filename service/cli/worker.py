"""`leverboard worker`: computes the runs that the API was asked for."""

import json
import signal
from threading import Event
from typing import Annotated

import typer

from service import worker
from service.cli.store import opened, see_to_folder
from service.kit import logs
from service.settings import Settings


def command(
    once: Annotated[bool, typer.Option(help="Stop as soon as no run is left.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Log and answer in JSON.")] = False,
) -> None:
    """Compute runs until told to stop (Ctrl-C or SIGTERM); a run in the middle is given back unharmed."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = Settings.from_environment()
    logs.configure("json" if as_json else settings.log_format, settings.log_level)
    see_to_folder(settings)
    with opened(settings) as database:
        attempts = worker.work(settings, database, stop, until_idle=once)
    told = f"{attempts} attempts made; the worker has stopped."
    print(json.dumps({"attempts": attempts}) if as_json else told)
