"""What does a worker do all day? Claim a run, have a child compute it, record what came of it."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Event

import structlog
from sqlalchemy.exc import OperationalError

from service.kit.clock import now
from service.kit.database import Database
from service.kit.ids import new_id
from service.kit.languages import ENGLISH
from service.kit.numbers import duration
from service.runs import queue
from service.runs.child import Child, Message, Stage
from service.runs.origins import ORIGINS, Need, end_unused
from service.runs.queue import Lease, LeaseLost
from service.runs.rules import RunKind
from service.runs.task import Failure, Job, Outcome, Outdated
from service.settings import Settings

TICK = 0.2  # seconds between looks at the queue and at whether a run was cancelled
SLOWEST_POLL = 0.5
LOADING = Stage(name="loading libraries", progress=0.0)

log = structlog.get_logger(__name__)


class Stopping(Exception):
    """The worker was told to stop while a run was being computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker of any number; ``stop`` may be set from a signal handler or another thread."""

    settings: Settings
    database: Database
    jobs: Mapping[RunKind, Job]
    stop: Event
    id: str

    def work(self, *, until_idle: bool = False) -> int:
        """Work until told to stop or, if so asked, until no run is left; how many attempts were made."""
        ORIGINS[Need.ORDINARY].warm_up().join()
        ahead = Need.SAMPLERS if self.settings.warm_samplers and not until_idle else None
        if ahead is not None:
            ORIGINS[ahead].warm_up()
        done, pause, beaten = 0, TICK, None
        while not self.stop.is_set():
            end_unused(self.settings.keep_warm, kept=ahead)
            try:
                beaten = self._beat(beaten)
                worked = self._work_once()
                finished = until_idle and not worked and self._idle()
            except OperationalError:  # the database is away: what was claimed is taken over later
                log.exception("worker.database_unreachable")
                worked, finished = False, False
            done += worked
            if finished:
                break
            pause = TICK if worked else min(pause * 1.25, SLOWEST_POLL)
            self.stop.wait(0 if worked else pause)
        self._leave()
        return done

    def _work_once(self) -> bool:
        lease = self._claim()
        if lease is not None:
            self._attempt(lease)
        return lease is not None

    def _claim(self) -> Lease | None:
        with self.database.read() as session:
            if not queue.has_work(session, now()):
                return None
        with self.database.write() as session:
            return queue.claim(session, self.id, now(), self.settings.lease)

    def _idle(self) -> bool:
        with self.database.read() as session:
            return queue.idle(session)

    def _leave(self) -> None:
        with suppress(OperationalError), self.database.write() as session:
            queue.leave(session, self.id)

    def _beat(self, last: datetime | None) -> datetime:
        if last is not None and now() - last < self.settings.heartbeat:
            return last
        with self.database.write() as session:
            queue.beat(session, self.id, now())
        return now()

    def _attempt(self, lease: Lease) -> None:
        told = log.bind(run=lease.task.id, attempt=lease.task.attempt)
        told.info("run.started", kind=lease.task.kind)
        try:
            self._finish(lease, self._compute(lease))
        except LeaseLost:
            told.info("run.dropped", why="cancelled or taken over")
        except (Stopping, Outdated) as why:
            self._release(lease)
            told.info("run.released", why=type(why).__name__)

    def _compute(self, lease: Lease) -> Outcome | Failure:
        """Watch over the child until it answers, is overdue, or must be killed."""
        deadline = now() + self.settings.run_time_limit
        self._load(lease, deadline)
        started = self._start(lease) if now() < deadline else self._overdue()
        if isinstance(started, Failure):
            return started
        with started as child:
            beaten = now()
            while now() < deadline:
                message = child.message(TICK)
                if isinstance(message, Outcome | Failure):
                    return message
                beaten = self._keep(lease, message, beaten)
        return self._overdue()

    def _load(self, lease: Lease, deadline: datetime) -> None:
        """Wait for the process that the child is forked from: the lease is kept, a cancelled run dropped."""
        origin, beaten = ORIGINS[self.jobs[lease.task.kind].need], now()
        message: Message | None = LOADING
        while now() < deadline and not origin.ready(TICK):
            beaten, message = self._keep(lease, message, beaten), None

    def _overdue(self) -> Failure:
        limit = duration(self.settings.run_time_limit, ENGLISH)
        return Failure(type="time_limit", message=f"The run took longer than {limit} and was stopped.")

    def _start(self, lease: Lease) -> Child | Failure:
        """A machine without room for one more process fails the attempt, not the worker."""
        try:
            job = self.jobs[lease.task.kind]
            name = f"run {lease.task.id}"
            return Child(job.compute, self.settings, lease.task, name=name, need=job.need)
        except Exception as error:  # whatever keeps a process from starting
            log.exception("run.child_not_started", run=lease.task.id)
            return Failure(type="child_not_started", message=f"{type(error).__name__}: {error}")

    def _keep(self, lease: Lease, message: Message | None, beaten: datetime) -> datetime:
        """Between two messages: stop if told so, drop a lost run, extend the lease when it is time."""
        if self.stop.is_set():
            raise Stopping
        if isinstance(message, Stage):
            with self.database.write() as session:
                queue.report(session, lease, message.name, message.progress)
        if now() - beaten >= self.settings.heartbeat:
            with self.database.write() as session:
                queue.extend(session, lease, now(), self.settings.lease)
                queue.beat(session, self.id, now())
            return now()
        with self.database.read() as session:
            if not queue.holds(session, lease):
                raise LeaseLost(lease.task.id)
        return beaten

    def _finish(self, lease: Lease, answer: Outcome | Failure) -> None:
        if isinstance(answer, Failure):
            self._fail(lease, answer)
            return
        try:
            with self.database.write() as session:
                queue.succeed(session, lease, answer, now())
                self.jobs[lease.task.kind].record(session, lease.task, answer)
        except (LeaseLost, Outdated):
            raise
        except Exception as error:  # a record step that breaks is a failed attempt, not a dead worker
            log.exception("run.record_failed", run=lease.task.id)
            self._fail(lease, Failure(type=type(error).__name__, message=str(error)))
        else:
            log.info("run.succeeded", run=lease.task.id)

    def _fail(self, lease: Lease, failure: Failure) -> None:
        log.warning("run.attempt_failed", run=lease.task.id, type=failure.type, message=failure.message)
        with self.database.write() as session:
            queue.fail(session, lease, failure, now())

    def _release(self, lease: Lease) -> None:
        with suppress(LeaseLost), self.database.write() as session:
            queue.release(session, lease, now())


def worker(settings: Settings, database: Database, jobs: Mapping[RunKind, Job], stop: Event) -> Worker:
    """A worker with a name that no other has."""
    name = f"{socket.gethostname()}:{os.getpid()}:{new_id('wrk')}"
    return Worker(settings=settings, database=database, jobs=jobs, stop=stop, id=name)
