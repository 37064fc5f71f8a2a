"""Is what workers do by the clock done once at a time, when it is due, and taken over when one is killed?"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event

import duty_jobs
import pytest

from service.runs import duties
from service.runs.duties import Duty, Keeper, daily, every, kept
from service.runs.tables import DutyTurn

PATIENCE = 30


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    monkeypatch.setattr(duties, "LOOK", 0.05)


@pytest.fixture
def keeper(quick, database):
    def make(perform, name: str = "one", due=lambda *_: True) -> Keeper:
        duty = Duty(name="note", due=due, perform=perform)
        return Keeper(settings=quick, database=database, duties=[duty], worker=name, stop=Event())

    return make


def turn(database) -> DutyTurn | None:
    with database.read() as session:
        return session.get(DutyTurn, "note")


def wait_until(there: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < end, "not within 30 s"
        time.sleep(0.02)


def test_what_is_due_is_done_by_one_of_two_workers_and_not_again_until_it_is_due(chosen, database):
    noted = chosen.data_dir / "noted"
    duty = Duty(name="note", due=lambda _settings, _database, last: last is None, perform=duty_jobs.note)
    stop = Event()
    with kept(chosen, database, [duty], "one", stop), kept(chosen, database, [duty], "two", stop):
        wait_until(lambda: (found := turn(database)) and found.done_at)
        time.sleep(0.5)
    assert noted.read_text() == "x"
    found = turn(database)
    assert (found.holder, found.lease_until, found.error) == (None, None, None)


def test_two_workers_take_turns_on_both_databases(each_settings, each_database):
    keepers = [
        Keeper(settings=each_settings, database=each_database, duties=(), worker=name, stop=Event())
        for name in ("one", "two")
    ]
    duty = Duty(name="note", due=lambda *_: True, perform=duty_jobs.note)
    assert [keeper._taken(duty, None) for keeper in keepers] == [True, False]
    assert [keeper._extended(duty) for keeper in keepers] == [True, False]


def test_who_looked_before_another_did_it_does_not_do_it_again(keeper, database):
    one, two = keeper(duty_jobs.note), keeper(duty_jobs.note, "two")
    one._look_after(one.duties[0])
    assert not two._taken(two.duties[0], None)
    assert two._taken(two.duties[0], turn(database).done_at)


def test_one_that_failed_is_told_and_rests(keeper, database):
    one = keeper(duty_jobs.fail)
    one._look_after(one.duties[0])
    found = turn(database)
    assert found.error == "OSError: disk full"
    assert found.done_at is None
    assert found.lease_until > datetime.now(UTC)
    assert not one._taken(one.duties[0], None)


def test_that_of_a_killed_worker_is_taken_over_when_its_lease_ends(quick, keeper, database):
    dead, heir = keeper(duty_jobs.hang_once), keeper(duty_jobs.hang_once, "two")
    (quick.data_dir / "started").touch()
    assert dead._taken(dead.duties[0], None)  # and nothing more is heard of it
    began = time.monotonic()
    with kept(quick, database, heir.duties, "two", Event()):
        wait_until(lambda: turn(database).done_at)
    assert time.monotonic() - began >= quick.lease.total_seconds() * 0.8


def test_a_worker_that_stops_gives_it_up_at_once(quick, keeper, database):
    one, stop = keeper(duty_jobs.hang_once), Event()
    with kept(quick, database, one.duties, "one", stop):
        wait_until((quick.data_dir / "started").exists)
    found = turn(database)
    assert (found.holder, found.done_at) == (None, None)


def test_when_things_are_due():
    assert every(timedelta(hours=1), None)
    assert not every(timedelta(hours=1), datetime.now(UTC))
    moment = datetime.now(UTC)
    at = (moment - timedelta(minutes=1)).time()
    assert daily(at, moment - timedelta(hours=1))
    assert not daily(at, moment)


def test_an_error_of_any_kind_ends_no_duty(quick, keeper, database):
    looks = []

    def due(*_: object) -> bool:
        looks.append(1)
        if len(looks) == 1:
            raise TimeoutError("no connection is free")
        return len(looks) == 2

    one = keeper(duty_jobs.note, due=due)
    with kept(quick, database, one.duties, "one", Event()):
        wait_until(lambda: (found := turn(database)) and found.done_at)


def test_a_child_that_cannot_be_started_is_a_failure_and_the_turn_is_given_back(
    keeper, database, monkeypatch
):
    def none_left(*_: object, **__: object) -> None:
        raise BlockingIOError("no process is left")

    monkeypatch.setattr(duties, "Child", none_left)
    one = keeper(duty_jobs.note)
    one._look_after(one.duties[0])
    found = turn(database)
    assert (found.holder, found.error) == (None, "BlockingIOError: no process is left")
