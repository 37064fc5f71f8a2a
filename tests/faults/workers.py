"""What is killed: processes that take facts in over HTTP, fold and compact, each until it is killed."""

import json
import os
import random
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import event

from service import facts
from service.facts.lake.compaction import compact
from service.kit.database import Database
from service.settings import Settings
from tests.facts.fold_and_die import COMPACTION_POINTS, POINTS, die_at

START = datetime(2026, 3, 1, tzinfo=UTC)
IDS = 20_000  # outcomes that there are to send: most batches repeat some
INGEST_POINTS = ("before commit", "after commit")
LAKE_POINTS = (*POINTS, *COMPACTION_POINTS)


def ingest(app: FastAPI, key: str, ledger: Path, rng: random.Random, point: str | None) -> None:
    """Send batches, and write down each that was acknowledged, after it was."""
    if point is not None:
        _die_at_commit(app.state.database, point, rng.randrange(1, 12))
    with (
        TestClient(app, headers={"Authorization": f"Bearer {key}"}) as client,
        ledger.open("a", buffering=1) as told,
    ):
        while True:
            answer = client.post("/v1/outcomes", json=[outcome(rng) for _ in range(rng.randrange(1, 40))])
            if answer.status_code == 201:
                told.write(json.dumps(answer.json()) + "\n")
            elif answer.status_code not in {429, 503}:
                raise AssertionError(answer.text)


def outcome(rng: random.Random) -> dict[str, str]:
    number = rng.randrange(IDS)
    time = START + timedelta(hours=number % 96)
    return {"id": f"o{number}", "unit": f"u{number % 500}", "event": "called", "time": time.isoformat()}


def _die_at_commit(database: Database, point: str, count: int) -> None:
    """At the count-th commit: just before it, or after it and before anybody was told."""
    left = [count]

    def dying(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if point == "before commit":
        event.listen(database.engine, "commit", dying)
    else:
        event.listen(database.engine, "checkin", dying)  # the connection goes back once it is committed


def fold(settings: Settings, rng: random.Random, point: str | None) -> None:
    _again_and_again(settings, rng, point, facts.fold)


def compaction(settings: Settings, rng: random.Random, point: str | None) -> None:
    _again_and_again(settings, rng, point, compact)


def _again_and_again(
    settings: Settings,
    rng: random.Random,
    point: str | None,
    work: Callable[[Settings, Database], object],
) -> None:
    if point is not None:
        die_at(point, rng.randrange(1, 6))
    database = Database.open(settings.url)
    while True:
        work(settings, database)
