"""A company with a proven lever, and the report of its experiment, made as a worker makes it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.access.rules import Role
from service.access.service import create_key
from service.app import create_app
from service.kit.database import Database
from service.settings import Settings
from tests.evidence.company import TWO_MECHANISMS, Company


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
        self.company.drain()
        run = self.company.client.get(asked.headers["Location"]).json()
        assert run["state"] == "succeeded", run
        return self.company.client.get(f"/v1/reports/{run['result']['report']}").json()

    def form(self, report: dict[str, Any], form: str, **query: str) -> Any:
        return self.company.client.get(f"/v1/reports/{report['sha256']}/report.{form}", params=query)


@pytest.fixture(scope="session")
def proven(tmp_path_factory, sqlite_template) -> Iterator[Proven]:
    """One company for all that only look: its tests add to it, and change nothing of what is there."""
    folder = tmp_path_factory.mktemp("reports") / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "leverboard.db")
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


@pytest.fixture
def kept(proven) -> Iterator[Database]:
    """The proven company's own database."""
    database = Database.open(proven.company.settings.url)
    yield database
    database.close()
