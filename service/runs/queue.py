"""Who works on which run, and until when?

The run row is the queue entry. A worker holds it by a lease with a token of its own; every later write of the
worker names that token, so that one whose lease was taken over can record nothing (fencing). The same
statements serve both databases: SQLite's write transactions are serial, PostgreSQL skips locked rows.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from service.kit.ids import new_id
from service.runs.rules import MOST_ATTEMPTS, RunState, after_failure, pause_before
from service.runs.tables import Run, WorkerBeat
from service.runs.task import Failure, Outcome, Task

ABANDONED = Failure(type="worker_lost", message="The worker that computed this run stopped without a word.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on one run, as long as the row still carries this token."""

    task: Task
    token: str


class LeaseLost(Exception):
    """The run was cancelled or another worker took it over: whatever was computed is dropped."""


def _claimable(now: datetime) -> ColumnElement[bool]:
    waiting = and_(Run.state == RunState.QUEUED, Run.available_at <= now)
    silent = and_(Run.state == RunState.RUNNING, Run.lease_until < now)
    return or_(waiting, silent)


def has_work(session: Session, now: datetime) -> bool:
    """Whether a claim is worth its write transaction."""
    return session.scalar(select(Run.id).where(_claimable(now)).limit(1)) is not None


def claim(session: Session, worker: str, now: datetime, length: timedelta) -> Lease | None:
    """Take the oldest run that waits or whose worker fell silent; None when there is nothing to do."""
    query = select(Run).where(_claimable(now)).order_by(Run.id).limit(1)
    run = session.scalars(query.with_for_update(skip_locked=True)).first()
    if run is None:
        return None
    if run.state is RunState.RUNNING and run.attempts >= MOST_ATTEMPTS:
        _end_attempt(run, RunState.FAILED, now, ABANDONED)
        session.flush()
        return claim(session, worker, now, length)
    return _lease(run, worker, now, length)


def _lease(run: Run, worker: str, now: datetime, length: timedelta) -> Lease:
    if run.state is RunState.RUNNING:
        _keep_error(run, ABANDONED)
    run.state = RunState.RUNNING
    run.attempts += 1
    run.lease_owner, run.lease_token = worker, new_id("lease")
    run.lease_until, run.heartbeat_at = now + length, now
    run.started_at = run.started_at or now
    run.stage, run.progress = "starting", 0.0
    return Lease(task=_task(run), token=run.lease_token)


def _task(run: Run) -> Task:
    return Task(
        id=run.id,
        kind=run.kind,
        subject=run.experiment_id or run.subject,
        type=run.type,
        as_of=run.as_of,
        attempt=run.attempts,
    )


def _ours(lease: Lease) -> ColumnElement[bool]:
    return and_(Run.id == lease.task.id, Run.lease_token == lease.token, Run.state == RunState.RUNNING)


def holds(session: Session, lease: Lease) -> bool:
    """Whether the run is still this worker's: not cancelled, not taken over."""
    return session.scalar(select(Run.id).where(_ours(lease))) is not None


def extend(session: Session, lease: Lease, now: datetime, length: timedelta) -> None:
    """Say that the worker lives; LeaseLost if the run is no longer its own."""
    _change(session, lease, {"lease_until": now + length, "heartbeat_at": now})


def report(session: Session, lease: Lease, stage: str, progress: float) -> None:
    """Show how far the run has come; LeaseLost if it is no longer ours."""
    _change(session, lease, {"stage": stage, "progress": progress})


def succeed(session: Session, lease: Lease, outcome: Outcome, now: datetime) -> None:
    """Keep what was computed; LeaseLost, and nothing kept, if the run is no longer ours."""
    _change(
        session,
        lease,
        {
            "state": RunState.SUCCEEDED,
            "type": outcome.type,
            "result": outcome.result,
            "provenance": outcome.provenance,
            "snapshot": outcome.snapshot,
            "stage": None,
            "progress": 1.0,
            "finished_at": now,
            "lease_token": None,
            "lease_until": None,
        },
    )


def _change(session: Session, lease: Lease, values: dict[str, object]) -> None:
    done = session.execute(update(Run).where(_ours(lease)).values(values))
    if not isinstance(done, CursorResult) or done.rowcount != 1:
        raise LeaseLost(lease.task.id)


def fail(session: Session, lease: Lease, failure: Failure, now: datetime) -> None:
    """End a failed attempt: the run waits for the next one or, after the third or a final one, has failed."""
    run = _locked(session, lease)
    _end_attempt(run, after_failure(run.attempts, final=failure.final), now, failure)


def release(session: Session, lease: Lease, now: datetime) -> None:
    """Give a run back unharmed, as if it had never been claimed: the worker stops, or must start over."""
    run = _locked(session, lease)
    run.attempts -= 1
    _end_attempt(run, RunState.QUEUED, now, None)
    run.available_at = now


def _locked(session: Session, lease: Lease) -> Run:
    run = session.scalars(select(Run).where(_ours(lease)).with_for_update()).first()
    if run is None:
        raise LeaseLost(lease.task.id)
    return run


def _end_attempt(run: Run, state: RunState, now: datetime, failure: Failure | None) -> None:
    run.state, run.stage, run.progress = state, None, 0.0
    run.lease_token = run.lease_until = run.lease_owner = None
    if failure is not None:
        _keep_error(run, failure)
    if state is RunState.QUEUED:
        run.available_at = now + pause_before(max(run.attempts, 1))
    else:
        run.finished_at = now


def _keep_error(run: Run, failure: Failure) -> None:
    run.error_type, run.error_message, run.error_trace = failure.type, failure.message, failure.trace


def idle(session: Session) -> bool:
    """Whether no run waits, not even one that pauses after a failure, and none is being worked on."""
    open_states = (RunState.QUEUED, RunState.RUNNING)
    return session.scalar(select(Run.id).where(Run.state.in_(open_states)).limit(1)) is None


def beat(session: Session, worker: str, now: datetime) -> None:
    """Say that a worker lives, and forget those that have been silent for a day."""
    session.execute(delete(WorkerBeat).where(WorkerBeat.beat_at < now - timedelta(days=1)))
    row = session.get(WorkerBeat, worker)
    if row is None:
        session.add(WorkerBeat(id=worker, started_at=now, beat_at=now))
    else:
        row.beat_at = now


def leave(session: Session, worker: str) -> None:
    """A worker that stops in good order is no longer counted."""
    session.execute(delete(WorkerBeat).where(WorkerBeat.id == worker))


def latest_beat(session: Session) -> datetime | None:
    """When any worker last said that it lives; None if none ever did."""
    return session.scalar(select(func.max(WorkerBeat.beat_at)))
