"""Which runs are planned looks, and can two of them take the same one?"""

import threading
import time
from dataclasses import replace
from datetime import date, datetime

import pytest

from analyses import boundaries, moments_of
from service.evidence import job
from service.evidence.looks import due, newest_share, taken
from service.experiments.analysis import AnalysisPlan, PlannedLooks
from service.facts import MomentsResult
from service.kit.database import Database
from service.runs.rules import RunKind, RunType
from service.runs.task import Outdated, Task
from service.settings import Settings
from tests.evidence.cells import FAST, plan
from tests.evidence.company import TWO_MECHANISMS, WINDOW, Company

LOOKS = PlannedLooks(fractions=(0.5, 1.0))


def planned():
    base = plan(FAST)
    return replace(base, planned_units=1000, analysis=AnalysisPlan(looks=LOOKS))


@pytest.mark.parametrize(
    ("analysed", "newest", "number"),
    [
        (490, 0.2, None),  # the share was not reached
        (520, 0.1, 1),  # it was, on the last day
        (620, 0.1, None),  # it had been the day before: this moment was picked
        (620, 0.3, 1),
    ],
)
def test_only_the_day_that_reached_a_planned_share_is_its_look(analysed, newest, number):
    look = due(planned(), [], analysed, RunType.INTERIM, newest=newest)
    assert (None if look is None else look.number) == number


def test_the_planned_end_is_a_look_whenever_it_is_asked_for():
    look = due(planned(), [0.52], 1080, RunType.FINAL, newest=0.01)
    assert (look.number, look.boundary.fraction) == (2, 1.08)
    assert due(planned(), [0.52], 1080, RunType.EXPLORATORY, newest=0.01) is None


@pytest.mark.parametrize("restated", [497, 503, 530])
def test_later_data_that_restate_a_look_make_no_look_of_it(restated):
    """Units erased or found late move the share: what was decided stays, and nothing is spent anew."""
    again = due(planned(), [0.5], 500, RunType.INTERIM, newest=0.3)
    assert (again.number, again.boundary) == (1, boundaries([0.5])[0])
    assert due(planned(), [0.5], restated, RunType.INTERIM, newest=0.3) is None


@pytest.mark.parametrize("now", [980, 1020])
def test_the_next_look_stands_on_the_looks_as_they_were_taken(now):
    end = due(planned(), [0.5], now, RunType.FINAL, newest=0.3)
    if now < 1000:  # restated to less than was planned: nothing is due, and nothing is spent
        assert end is None
        return
    assert end.boundary == boundaries([0.5, 1.02])[-1]
    assert end.boundary.spent == pytest.approx(0.05)
    assert end.boundary.quantile > 1.96  # what the first look spent is not had again


def test_the_newest_day_is_the_last_on_which_an_analysed_unit_came():
    days = {date(2026, 11, 1): 30, date(2026, 11, 2): 10}
    facts = MomentsResult(
        columns=("y",),
        moments={},
        counts=(),
        fingerprint="",
        days={("control", 1, day): moments_of(["y"], [[0.0]] * n) for day, n in days.items()},
    )
    assert newest_share(facts) == 0.25
    assert newest_share(replace(facts, days={})) == 0.0


def test_two_runs_that_take_one_look_at_once_keep_it_once(
    client_for, settings: Settings, postgres_url: str
) -> None:
    """The second waits for the first, finds the look taken, and has to be computed again."""
    chosen = settings.model_copy(update={"database_url": postgres_url})
    company = Company(client=client_for(chosen), settings=chosen)
    halfway = {"planned_size": {"units": 500, "per": "arm"}, "analysis": {"looks": {"fractions": [0.5, 1.0]}}}
    experiment = company.experiment([company.hypothesis()], TWO_MECHANISMS, n=300, **halfway)
    database = Database.open(chosen.url)
    time.sleep(2 * WINDOW.total_seconds())  # or nobody's window has closed, and there is no look to take
    tasks = [_interim(company, experiment) for _ in range(2)]
    outcomes = [job.compute(chosen, database, task, lambda *_: None) for task in tasks]
    assert [one.result["looks"]["this"]["number"] for one in outcomes] == [1, 1]
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
        with database.read() as session:
            assert taken(session, experiment) == (pytest.approx(0.6),)
    finally:
        database.close()


def _interim(company: Company, experiment: str) -> Task:
    asked = company.client.post(f"/v1/experiments/{experiment}/runs", json={"type": "interim"}).json()
    return Task(
        id=asked["id"],
        kind=RunKind.ANALYSIS,
        subject=experiment,
        type=RunType.INTERIM,
        as_of=datetime.fromisoformat(asked["as_of"]),
        attempt=1,
    )
