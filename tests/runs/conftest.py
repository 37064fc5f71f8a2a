"""A queue to work on: a database with the schema, quick settings, and runs asked for without the API."""

import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from service.kit.clock import now
from service.kit.database import Database
from service.runs import service
from service.runs.loop import Worker, worker
from service.runs.origins import Need
from service.runs.rules import RunType
from service.runs.task import Compute
from service.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))  # the children import the jobs by name

import run_jobs


@pytest.fixture
def chosen(settings: Settings) -> Settings:
    """SQLite, unless a module chooses both databases."""
    return settings


@pytest.fixture
def quick(chosen: Settings) -> Settings:
    return chosen.model_copy(update={"lease": timedelta(seconds=1), "heartbeat": timedelta(seconds=0.3)})


@pytest.fixture
def queued(database: Database) -> Callable[[], str]:
    def put() -> str:
        with database.write() as session:
            run = service.queued("exp_1", RunType.FINAL, now())
            run.created_by = "ada@example.com"
            session.add(run)
            return run.id

    return put


@pytest.fixture
def stop() -> Iterator[Event]:
    event = Event()
    yield event
    event.set()


@pytest.fixture
def hire(quick: Settings, database: Database, stop: Event) -> Callable[..., Worker]:
    def make(compute: Compute, need: Need = Need.ORDINARY, **changes: object) -> Worker:
        return worker(quick.model_copy(update=changes), database, run_jobs.jobs(compute, need), stop)

    return make
