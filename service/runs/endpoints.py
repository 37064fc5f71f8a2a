"""The doors to runs: ask for one, watch it, stop it."""

from typing import Annotated

from fastapi import Query, Response, status

from service.access import CurrentActor, Editor, Role, require_role, require_team
from service.experiments import planned as experiments
from service.experiments.stored import ExperimentNotFound
from service.kit.http import Page, PageQuery, ReadSession, WriteSession, router
from service.kit.problems import problems
from service.runs import service
from service.runs.rules import RunKind, RunState, RunType
from service.runs.schemas import RunRequest, RunSummary, RunView

RETRY_SECONDS = "1"

experiment_runs = router("/v1/experiments", ["runs"])
runs = router("/v1/runs", ["runs"])


@experiment_runs.post(
    "/{experiment_id}/runs",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(ExperimentNotFound, service.NotStarted, service.NotYetStopped),
)
def request_run(
    experiment_id: str,
    session: WriteSession,
    actor: Editor,
    response: Response,
    request: RunRequest | None = None,
) -> RunView:
    """Ask for an analysis; a worker computes it. Look at `Location` until its state is final."""
    experiment = experiments.get(session, experiment_id)
    require_team(actor, experiment.team)
    run = service.ask(session, experiment, request or RunRequest(), author=actor.owner)
    response.headers["Location"] = f"/v1/runs/{run.id}"
    response.headers["Retry-After"] = RETRY_SECONDS
    return RunView.of(run)


@runs.get("")
def list_runs(
    *,
    session: ReadSession,
    _: CurrentActor,
    query: PageQuery,
    experiment: Annotated[str | None, Query(max_length=64)] = None,
    kind: RunKind | None = None,
    state: RunState | None = None,
    run_type: Annotated[RunType | None, Query(alias="type")] = None,
) -> Page[RunSummary]:
    """Runs, the newest first, without their results."""
    wanted = service.Filter(experiment_id=experiment, kind=kind, state=state, type=run_type)
    found = service.find(session, wanted, query)
    return query.answer([RunSummary.of(run) for run in found.items], found.next)


@runs.get("/{run_id}", responses=problems(service.RunNotFound))
def get_run(run_id: str, session: ReadSession, _: CurrentActor, response: Response) -> RunView:
    """One run with all that it found; while it is open, `Retry-After` says when to look again."""
    run = service.get(session, run_id)
    if run.state in (RunState.QUEUED, RunState.RUNNING):
        response.headers["Retry-After"] = RETRY_SECONDS
    return RunView.of(run)


@runs.post("/{run_id}:cancel", responses=problems(service.RunNotFound, service.RunFinished))
def cancel_run(run_id: str, session: WriteSession, actor: Editor) -> RunView:
    """Stop a run for good and kill its computation; cancelling twice is once.

    Takes no `If-Match`: the worker changes the row all the time, and a cancel is meant whatever it holds.
    """
    run = service.get(session, run_id)
    team = run.team if run.experiment_id is None else experiments.get(session, run.experiment_id).team
    require_team(actor, team) if team is not None else require_role(actor, Role.admin)
    return RunView.of(service.cancel(session, run_id))
