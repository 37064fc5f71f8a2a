"""The whole way to a verdict on the other database."""

import threading
from datetime import datetime

from service.evidence import job
from service.kit.database import Database
from service.runs.rules import RunKind, RunType
from service.runs.task import Outdated, Task
from service.settings import Settings
from tests.evidence.company import TWO_MECHANISMS, Company


def test_a_true_lever_is_confirmed_on_postgresql(client_for, settings: Settings, postgres_url: str) -> None:
    chosen = settings.model_copy(update={"database_url": postgres_url})
    company = Company(client=client_for(chosen), settings=chosen)
    hypothesis = company.hypothesis()
    run = company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    assert run["snapshot"]
    assert company.verdict(hypothesis)["latest"]["state"] == "confirmed"
    levers = company.client.get("/v1/levers").json()["items"]
    assert [lever["state"] for lever in levers] == ["confirmed"]


def test_two_final_runs_recorded_at_once_do_not_miss_each_other(
    client_for, settings: Settings, postgres_url: str
) -> None:
    """The second waits for the first, sees what it kept, and has to be computed again."""
    chosen = settings.model_copy(update={"database_url": postgres_url})
    company = Company(client=client_for(chosen), settings=chosen)
    hypothesis = company.hypothesis()
    experiments = [company.experiment([hypothesis], TWO_MECHANISMS, n=n) for n in (300, 310)]
    for experiment in experiments:
        company.stop(experiment)
    database = Database.open(chosen.url)
    tasks = [_task(company, experiment) for experiment in experiments]
    outcomes = [job.compute(chosen, database, task, lambda *_: None) for task in tasks]
    overtaken = threading.Event()

    def second() -> None:
        try:
            with database.write() as session:
                job.record(session, tasks[1], outcomes[1])
        except Outdated:
            overtaken.set()

    try:
        with database.write() as session:
            job.record(session, tasks[0], outcomes[0])
            other = threading.Thread(target=second)
            other.start()
            other.join(1)
            assert other.is_alive()  # it waits
        other.join(20)
        assert overtaken.is_set()
    finally:
        database.close()


def _task(company: Company, experiment: str) -> Task:
    asked = company.client.post(f"/v1/experiments/{experiment}/runs", json={}).json()
    return Task(
        id=asked["id"],
        kind=RunKind.ANALYSIS,
        subject=experiment,
        type=RunType.FINAL,
        as_of=datetime.fromisoformat(asked["as_of"]),
        attempt=1,
    )
