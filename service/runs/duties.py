"""What do workers do by the clock, without anybody asking: whose turn is it, and since when is it done?

A duty is a row, as a run is: whichever worker finds it due takes it by a lease, has a child perform it beside
the runs, and extends the lease meanwhile. When a worker is killed, its lease ends and another takes over.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from threading import Event, Thread

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from service.kit.clock import now
from service.kit.database import Database
from service.kit.languages import ENGLISH
from service.kit.numbers import duration
from service.runs.child import Child
from service.runs.tables import DutyTurn
from service.runs.task import Failure, Perform, Performed
from service.settings import Settings

LOOK = 1.0  # seconds between looks at whether a duty is due
LONGEST = timedelta(hours=12)
PAUSE_AFTER_FAILURE = timedelta(seconds=30)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Something to do whenever `due`, which is given when it was last done, says so; it is asked often."""

    name: str
    due: Callable[[Settings, Database, datetime | None], bool]
    perform: Perform


def every(length: timedelta, last: datetime | None) -> bool:
    """Whether so much time has passed since."""
    return last is None or now() - last >= length


def daily(at: time, last: datetime | None) -> bool:
    """Whether this time of the day, in UTC, has come since; at once where it was never done."""
    today = now().replace(hour=at.hour, minute=at.minute, second=at.second, microsecond=0)
    latest = today if today <= now() else today - timedelta(days=1)
    return last is None or last < latest


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """One worker's part in the duties: a thread for each, so that a long one delays no other."""

    settings: Settings
    database: Database
    duties: Sequence[Duty]
    worker: str
    stop: Event

    def threads(self) -> Sequence[Thread]:
        return [Thread(target=self._keep, args=(duty,), name=f"duty {duty.name}") for duty in self.duties]

    def _keep(self, duty: Duty) -> None:
        while not self.stop.wait(LOOK):
            try:
                self._look_after(duty)
            except OperationalError:  # the database is away: whoever comes next finds the duty due
                log.exception("duty.database_unreachable", duty=duty.name)
            except Exception:  # this thread is the worker's only one for the duty: it outlives every error
                log.exception("duty.not_looked_after", duty=duty.name)

    def _look_after(self, duty: Duty) -> None:
        with self.database.read() as session:
            turn = session.get(DutyTurn, duty.name)
        if turn is not None and not _free(turn):
            return
        last = turn.done_at if turn else None
        if duty.due(self.settings, self.database, last) and self._taken(duty, last):
            self._record(duty, self._attempt(duty))

    def _taken(self, duty: Duty, last: datetime | None) -> bool:
        with suppress(IntegrityError), self.database.write() as session:  # two workers, and no row yet
            return _take(session, duty.name, self.worker, self.settings.lease, last)
        return False

    def _attempt(self, duty: Duty) -> Performed | Failure | None:
        """What became of it; a child that could not be started, or watched, is a failure like any other."""
        try:
            return self._perform(duty)
        except OperationalError:  # nor could it be given back: its lease ends by itself
            raise
        except Exception as error:
            log.exception("duty.broke", duty=duty.name)
            return Failure(type=type(error).__name__, message=str(error))

    def _perform(self, duty: Duty) -> Performed | Failure | None:
        """None if the worker was told to stop, or the duty was taken over."""
        log.debug("duty.started", duty=duty.name)
        deadline, beaten = now() + LONGEST, now()
        with Child(duty.perform, self.settings, None, name=f"duty {duty.name}") as child:
            while now() < deadline:
                answer = child.message(LOOK)
                if isinstance(answer, Performed | Failure):
                    return answer
                if self.stop.is_set():
                    return None
                if now() - beaten >= self.settings.heartbeat:
                    if not self._extended(duty):
                        return None
                    beaten = now()
        return Failure(
            type="time_limit", message=f"It took longer than {duration(LONGEST, ENGLISH)} and was stopped."
        )

    def _extended(self, duty: Duty) -> bool:
        until = now() + self.settings.lease
        ours = (DutyTurn.name == duty.name, DutyTurn.holder == self.worker)
        with self.database.write() as session:
            found = session.scalar(select(DutyTurn.name).where(*ours).with_for_update())
            session.execute(update(DutyTurn).where(*ours).values(lease_until=until))
        return found is not None

    def _record(self, duty: Duty, answer: Performed | Failure | None) -> None:
        if isinstance(answer, Failure):
            log.warning("duty.failed", duty=duty.name, type=answer.type, message=answer.message)
        elif answer is not None:
            log.info("duty.done", duty=duty.name, **answer.told)
        with self.database.write() as session:
            _give_back(session, duty.name, self.worker, answer)


@contextmanager
def kept(
    settings: Settings, database: Database, duties: Sequence[Duty], worker: str, stop: Event
) -> Iterator[None]:
    """Look after the duties beside other work; at its end they are given up, for others to take over."""
    keeper = Keeper(settings=settings, database=database, duties=duties, worker=worker, stop=stop)
    threads = keeper.threads()
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _free(turn: DutyTurn) -> bool:
    return turn.lease_until is None or turn.lease_until < now()


def _take(session: Session, name: str, worker: str, length: timedelta, last: datetime | None) -> bool:
    """Whether it is ours now: nobody holds it, or its holder fell silent, and nobody did it after `last`."""
    turn = session.scalar(select(DutyTurn).where(DutyTurn.name == name).with_for_update())
    if turn is None:
        turn = DutyTurn(name=name)
        session.add(turn)
    elif not _free(turn) or turn.done_at != last:
        return False
    turn.holder, turn.lease_until, turn.started_at = worker, now() + length, now()
    session.flush()
    return True


def _give_back(session: Session, name: str, worker: str, answer: Performed | Failure | None) -> None:
    """Say how it ended; one that failed rests for a moment, by a lease that nobody holds."""
    turn = session.scalar(select(DutyTurn).where(DutyTurn.name == name).with_for_update())
    if turn is None or turn.holder != worker:
        return
    turn.holder = turn.lease_until = None
    if isinstance(answer, Performed):
        turn.done_at, turn.error = now(), None
    elif isinstance(answer, Failure):
        turn.lease_until, turn.error = now() + PAUSE_AFTER_FAILURE, f"{answer.type}: {answer.message}"
