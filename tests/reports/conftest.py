"""A company with a proven lever, and the report of its experiment, made as a worker makes it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from service.access.rules import Role
from service.access.service import create_key
from service.app import create_app
from service.kit.clock import now
from service.kit.database import Database
from service.runs import queue
from service.runs.rules import RunKind, RunState
from service.runs.tables import Run
from service.runs.task import Failure
from service.settings import Settings
from service.worker import JOBS
from tests.evidence.company import TWO_MECHANISMS
from tests.evidence.company import Company as WithWorker
from tests.reports.listeners import Heard, web_receiver
from tests.reports.outbox import Sending


@dataclass(slots=True, kw_only=True)
class Company(WithWorker):
    """Its runs are computed in this process: the libraries that read and draw load once, and no child starts.

    Posteriors are nobody's business here, and take long.
    """

    def drain(self) -> None:
        database = Database.open(self.settings.url)
        try:
            while (lease := _claimed(database)) is not None:
                _carried_out(self.settings, database, lease)
        finally:
            database.close()

    def drain_with_worker(self) -> None:
        """As it is done in earnest: a worker, with a child process for each run."""
        WithWorker.drain(self)


def _claimed(database: Database) -> queue.Lease | None:
    with database.write() as session:
        idle = update(Run).where(Run.kind == RunKind.POSTERIOR, Run.state == RunState.QUEUED)
        session.execute(idle.values(state=RunState.CANCELLED))
        return queue.claim(session, "here", now(), timedelta(minutes=5))


def _carried_out(settings: Settings, database: Database, lease: queue.Lease) -> None:
    own = JOBS[lease.task.kind]
    try:
        outcome = own.compute(settings, database, lease.task, lambda *_: None)
        with database.write() as session:
            queue.succeed(session, lease, outcome, now())
            own.record(session, lease.task, outcome)
    except Exception as error:  # noqa: BLE001 - as the worker does
        failure = Failure(type=type(error).__name__, message=str(error), final=True)
        with database.write() as session:
            queue.fail(session, lease, failure, now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What the company knows after its first experiment."""

    company: Company
    hypothesis: str
    experiment: str
    run: dict[str, Any]

    def report(self, subject: str, **more: Any) -> dict[str, Any]:
        """Asked for over HTTP and made; the run must succeed."""
        asked = self.company.client.post("/v1/reports", json={"subject": subject, **more})
        assert asked.status_code == 202, asked.text
        self.write()
        run = self.company.client.get(asked.headers["Location"]).json()
        assert run["state"] == "succeeded", run
        return self.company.client.get(f"/v1/reports/{run['result']['report']}").json()

    def write(self) -> None:
        """Let everything that waits be done."""
        self.company.drain()

    def form(self, report: dict[str, Any], form: str, **query: str) -> Any:
        return self.company.client.get(f"/v1/reports/{report['sha256']}/report.{form}", params=query)


@contextmanager
def proven_company(folder: Path, template: Path) -> Iterator[Proven]:
    """A company of its own in a folder, whose first experiment has confirmed its hypothesis."""
    folder.mkdir()
    shutil.copy(template, folder / "leverboard.db")
    settings = Settings(data_dir=folder)
    database = Database.open(settings.url)
    with database.write() as session:
        _, key = create_key(session, owner="ada@example.com", team="growth", role=Role.editor)
    database.close()
    with TestClient(create_app(settings), headers={"Authorization": f"Bearer {key}"}) as client:
        company = Company(client=client, settings=settings)
        hypothesis = company.hypothesis()
        experiment = company.experiment([hypothesis], TWO_MECHANISMS)
        run = company.finish(experiment)
        yield Proven(company=company, hypothesis=hypothesis, experiment=experiment, run=run)


@pytest.fixture(scope="session")
def proven(tmp_path_factory, sqlite_template) -> Iterator[Proven]:
    """One for all tests that only look: they may add to it, and change nothing that was concluded."""
    with proven_company(tmp_path_factory.mktemp("reports") / "data", sqlite_template) as company:
        yield company


@pytest.fixture
def kept(proven) -> Iterator[Database]:
    """The proven company's own database."""
    database = Database.open(proven.company.settings.url)
    yield database
    database.close()


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Who listens on the loopback."""
    with web_receiver() as heard:
        yield heard


@pytest.fixture
def sending(proven, kept, heard) -> Sending:
    """The outbox, with a worker that may reach who listens."""
    hosts = (f"127.0.0.1:{heard.port}",)
    return Sending(proven, kept, webhook_hosts=hosts, public_url="https://levers.example")
