"""`leverboard worker`: computes the runs that the API was asked for."""

import json
import signal
from threading import Event
from typing import Annotated

import typer

from service import worker as work
from service.settings import Settings


def command(
    once: Annotated[bool, typer.Option(help="Stop as soon as no run is left.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say in JSON what was done.")] = False,
) -> None:
    """Compute runs until told to stop (Ctrl-C or SIGTERM); a run in the middle is given back unharmed."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    attempts = work.work(Settings.from_environment(), stop, until_idle=once)
    print(
        json.dumps({"attempts": attempts})
        if as_json
        else f"{attempts} attempts made; the worker has stopped."
    )
