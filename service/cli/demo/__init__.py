"""`leverboard demo`: from registration to verdicts, on real and on simulated data, through the public API."""

import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from service.cli.demo.board import board, refuse_nps
from service.cli.demo.client import Client, Failed, Silent
from service.cli.demo.conduct import Conductor
from service.cli.demo.narration import Voice
from service.cli.demo.server import Died, Service, running
from service.cli.demo.stories import STORIES
from service.cli.demo.stories.neighbours import farmers

LEVERS = Path("demo-levers.json")


def command(
    once: Annotated[
        bool, typer.Option("--once", help=f"Write the levers to {LEVERS}, stop the service and end.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The levers as JSON on stdout, the story on stderr.")
    ] = False,
) -> None:
    """Start a service of its own and lead five hypotheses to their verdicts. Ctrl-C ends it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the service is ended in order
    voice = Voice(Console(stderr=as_json))
    farmers()  # without its data there is no reason to start
    try:
        with running() as service, _mourning(service):
            levers = _told(service, voice)
            if as_json:
                print(json.dumps(levers))
            if once:
                LEVERS.write_text(json.dumps(levers, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
                voice.note(f"The levers are in {LEVERS}; the service stops.")
                return
            _stay(service, voice)
    except KeyboardInterrupt:
        sys.exit(130)


def _told(service: Service, voice: Voice) -> Sequence[object]:
    client = Client(base_url=service.address, key=service.key)
    with closing(client.http):
        voice.title(service.address)
        refuse_nps(client, voice)
        for story in STORIES:
            Conductor(client=client, voice=voice, story=story).tell()
        return board(client, voice)


@contextmanager
def _mourning(service: Service) -> Iterator[None]:
    """What went wrong inside the service is told in its own last words."""
    try:
        yield
    except (Silent, Failed) as error:
        raise Died(f"{error}\nThe service's last words:\n{service.tail()}") from error


def _stay(service: Service, voice: Voice) -> None:
    """Until Ctrl-C, which is how the demo is meant to end; or until the service dies, which is not."""
    voice.say(f"The service goes on at {service.address}, with all that was told above. Ask it yourself:")
    voice.pasted(f'curl -H "Authorization: Bearer {service.key}" {service.address}/v1/levers')
    voice.note(f"What it answers to: {service.address}/openapi.json. Ctrl-C ends it and removes its data.")
    try:
        while service.alive:
            time.sleep(0.5)
    except KeyboardInterrupt:
        voice.note("Stopping.")
        return
    raise Died(f"It ended with code {service.process.returncode}. Its last words:\n{service.tail()}")
