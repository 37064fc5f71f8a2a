"""How does a run come about, and how is it looked at or stopped?"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from service.experiments.planned import PlannedExperiment
from service.kit.clock import now
from service.kit.errors import Conflict, Invalid, NotFound, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, matching, page
from service.runs.rules import FINISHED, RunKind, RunState, RunType, planned_type
from service.runs.schemas import RunRequest
from service.runs.tables import Run


class RunNotFound(NotFound):
    """No run has this id."""

    slug, title = "run-not-found", "There is no such run"


class NotStarted(Conflict):
    """An analysis of an experiment that nobody has been assigned to."""

    slug, title = "experiment-not-started", "The experiment has not started yet"


class NotYetStopped(Conflict):
    """A final run was asked for while the experiment still runs."""

    slug, title = "experiment-not-stopped", "A final run needs an experiment that has stopped"


class RunFinished(Conflict):
    """A run that succeeded or failed cannot be cancelled any more."""

    slug, title = "run-finished", "The run has already finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which runs a list shows; None leaves a question open."""

    experiment_id: str | None = None
    kind: RunKind | None = None
    state: RunState | None = None
    type: RunType | None = None


def ask(session: Session, experiment: PlannedExperiment, request: RunRequest, *, author: str) -> Run:
    """Put an analysis of an experiment into the queue."""
    moment = now()
    if experiment.started_at is None:
        raise NotStarted(f"It is {experiment.state.value}; nobody has been assigned yet.")
    if request.as_of is not None and request.as_of > moment:
        raise Invalid(
            errors=[
                {
                    "field": "as_of",
                    "message": f"expected a time that has passed, got {request.as_of.isoformat()}",
                    "rule": "as_of_past",
                    "how": "Leave it out to analyse what is known now.",
                }
            ]
        )
    if request.type is RunType.FINAL and not experiment.stopped:
        raise NotYetStopped("Stop the experiment first, or ask for an interim or exploratory run.")
    kind = planned_type(request.type, stopped=experiment.stopped)
    run = queued(experiment.id, kind, request.as_of or moment)
    run.created_by = author
    session.add(run)
    session.flush()
    return run


def queued(experiment_id: str, kind: RunType, as_of: datetime) -> Run:
    """An analysis that waits for a worker."""
    run = _waiting(RunKind.ANALYSIS, kind, as_of)
    run.experiment_id = experiment_id
    return run


def ask_other(session: Session, kind: RunKind, *, subject: str | None, team: str | None, author: str) -> Run:
    """Put a run that is no analysis of an experiment into the queue; it never enters a verdict."""
    run = _waiting(kind, RunType.EXPLORATORY, now())
    run.subject, run.team, run.created_by = subject, team, author
    session.add(run)
    session.flush()
    return run


def _waiting(what: RunKind, kind: RunType, as_of: datetime) -> Run:
    return Run(
        id=new_id("run"),
        kind=what,
        state=RunState.QUEUED,
        type=kind,
        as_of=as_of,
        progress=0.0,
        attempts=0,
        available_at=now(),
        created_at=now(),
    )


def get(session: Session, run_id: str) -> Run:
    """The run of this id."""
    run = session.get(Run, run_id)
    if run is None:
        raise RunNotFound(f"There is no run {excerpt(run_id)}.")
    return run


def find(session: Session, wanted: Filter, query: Query) -> Found[Run]:
    """Runs, the newest first."""
    statement = matching(
        select(Run),
        (Run.experiment_id, wanted.experiment_id),
        (Run.kind, wanted.kind),
        (Run.state, wanted.state),
        (Run.type, wanted.type),
    )
    return page(session, statement, Run.id, query, newest_first=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHead:
    """How a run of an experiment stands, without what it found."""

    id: str
    experiment_id: str | None
    state: RunState
    as_of: datetime
    error_type: str | None
    error_message: str | None
    created_at: datetime
    finished_at: datetime | None


def planned_heads(session: Session, experiment_id: str) -> Sequence[RunHead]:
    """How the latest runs of an experiment stand that were not exploratory, the newest first."""
    columns = [getattr(Run, one.name) for one in fields(RunHead)]
    rows = session.execute(_planned(select(*columns), experiment_id).limit(20))
    return [RunHead(**row) for row in rows.mappings()]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """As what a run of an experiment ended, and why it is not final where it says so."""

    id: str
    state: RunState
    type: RunType
    why_not_final: str | None
    why_not_final_code: str | None


def planned_ends(session: Session, experiment_id: str) -> Sequence[RunEnd]:
    """Of the latest runs of an experiment that were not exploratory, the newest first."""
    told = ("why_not_final", "why_not_final_code")
    said = [Run.result[name].as_string().label(name) for name in told]
    asked = select(Run.id, Run.state, Run.type, *said)
    rows = session.execute(_planned(asked, experiment_id).limit(20))
    return [RunEnd(**row) for row in rows.mappings()]


def latest_answered(session: Session, experiment_id: str) -> Run | None:
    """The newest run of an experiment that ended well; exploratory ones are no answer."""
    statement = _planned(select(Run), experiment_id).where(Run.state == RunState.SUCCEEDED)
    return session.scalars(statement.limit(1)).first()


def _planned[*Columns](asked: Select[*Columns], experiment_id: str) -> Select[*Columns]:
    """Of the runs of an experiment that were not exploratory, the newest first."""
    own = (Run.experiment_id == experiment_id, Run.type != RunType.EXPLORATORY)
    return asked.where(*own).order_by(Run.id.desc())


def latest_about(session: Session, kind: RunKind, subject: str) -> Run | None:
    """The newest run of another kind about one thing."""
    statement = select(Run).where(Run.kind == kind, Run.subject == subject)
    return session.scalars(statement.order_by(Run.id.desc()).limit(1)).first()


def cancel(session: Session, run_id: str) -> Run:
    """Stop a run for good; its worker sees that the lease is gone and kills the child."""
    run = session.scalars(select(Run).where(Run.id == run_id).with_for_update()).first()
    if run is None:
        raise RunNotFound(f"There is no run {excerpt(run_id)}.")
    if run.state is RunState.CANCELLED:
        return run
    if run.state in FINISHED:
        raise RunFinished(f"It is {run.state}; what it found stays as it is.")
    run.state, run.finished_at = RunState.CANCELLED, now()
    run.stage = run.lease_token = run.lease_until = None
    session.flush()
    return run
