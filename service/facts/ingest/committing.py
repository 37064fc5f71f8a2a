"""How do many requests share one commit? They queue, and one thread commits whoever waits, together.

While one group is brought to disk the next one gathers, so that nobody waits for company and the cost of a
commit is shared exactly when there are many. Each work stands alone inside its group: one that fails is
rolled back and told its error, and the others are kept.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Condition, Thread
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.kit.database import Database
from service.kit.errors import Unavailable

LARGEST_GROUP = 64  # works, which bounds how long the first waits for the last

type Work[T] = Callable[[Session], T]


class Committer:
    """One for a process. Its thread starts with the first work and ends by `stop`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[tuple[Work[Any], Future[Any]]] = deque()
        self._changed = Condition()
        self._thread: Thread | None = None
        self._stopped = False

    def commit[T](self, work: Work[T]) -> T:
        """What the work answers, once it is on disk; or the error it ended with; Unavailable once we stop."""
        return self.hand_in(work).result()

    def hand_in[T](self, work: Work[T]) -> Future[T]:
        """The same, for who need not wait in a thread."""
        done: Future[T] = Future()
        with self._changed:
            if self._stopped:  # nobody would ever take it up
                raise Unavailable("The server is stopping; send it again.")
            if self._thread is None:
                self._thread = Thread(target=self._run, name="ingest-commit", daemon=True)
                self._thread.start()
            self._waiting.append((work, done))
            self._changed.notify()
        return done

    def stop(self) -> None:
        """Whatever waits is committed first."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while group := self._next():
            self._answer(group)

    def _next(self) -> list[tuple[Work[Any], Future[Any]]]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopped)
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), LARGEST_GROUP))]

    def _answer(self, group: list[tuple[Work[Any], Future[Any]]]) -> None:
        if len(group) == 1:
            self._alone(*group[0])
            return
        try:
            ended = self._at_once([work for work, _ in group]) or self._together([work for work, _ in group])
        except Exception:  # noqa: BLE001 - the commit failed for all: each is told its own error
            ended = [_AGAIN] * len(group)
        for (work, done), end in zip(group, ended, strict=True):
            end(done) if end is not _AGAIN else self._alone(work, done)

    def _at_once(self, works: list[Work[Any]]) -> list[Callable[[Future[Any]], None]] | None:
        """As nearly always, none fails: then none needs a savepoint. Else nothing is done yet."""
        try:
            with self._database.write() as session:
                answers = [work(session) for work in works]
        except Exception:  # noqa: BLE001 - whose it is, is found out one by one
            return None
        return [partial(_tell, answer) for answer in answers]

    def _together(self, works: list[Work[Any]]) -> list[Callable[[Future[Any]], None]]:
        with self._database.write() as session:
            return [_inside(session, work) for work in works]

    def _alone(self, work: Work[Any], done: Future[Any]) -> None:
        try:
            with self._database.write() as session:
                answer = work(session)
        except Exception as error:  # noqa: BLE001 - it is the caller's, who waits for it
            done.set_exception(error)
        else:
            done.set_result(answer)


def _tell(answer: Any, done: Future[Any]) -> None:
    done.set_result(answer)


def _again(_: Future[Any]) -> None:
    """To be done again, alone: the database refused it, perhaps for what another process did meanwhile."""


_AGAIN = _again


def _inside(session: Session, work: Work[Any]) -> Callable[[Future[Any]], None]:
    """How the work ended, to be told once the group is on disk."""
    try:
        with session.begin_nested():
            answer = work(session)
    except DBAPIError:
        return _AGAIN
    except Exception as error:  # noqa: BLE001 - as above
        ended = error
        return lambda done: done.set_exception(ended)
    return lambda done: done.set_result(answer)
