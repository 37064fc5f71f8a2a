"""The doors to explorations of an experiment: for whom does its lever work?"""

from fastapi import Response, status

from service.access import CurrentActor, Editor, require_team
from service.experiments import planned as experiments
from service.experiments.stored import ExperimentNotFound
from service.explorations import service
from service.explorations.schemas import ExplorationAnswer, ExplorationRequest, ExplorationSummary
from service.kit.http import Page, PageQuery, ReadSession, WriteSession, router
from service.kit.problems import problems

explorations = router("/v1/experiments", ["explorations"])


@explorations.post(
    "/{experiment_id}/explorations",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(ExperimentNotFound, service.StillRunning),
)
def request_exploration(
    experiment_id: str,
    session: WriteSession,
    actor: Editor,
    response: Response,
    request: ExplorationRequest | None = None,
) -> ExplorationSummary:
    """Ask for whom an arm's effect is another one; a worker looks. It never enters a verdict."""
    experiment = experiments.get(session, experiment_id)
    require_team(actor, experiment.team)
    row = service.ask(session, experiment, request or ExplorationRequest(), actor)
    response.headers["Location"] = f"/v1/experiments/{experiment_id}/explorations/{row.id}"
    response.headers["Retry-After"] = "1"
    return service.summaries(session, [row])[0]


@explorations.get("/{experiment_id}/explorations", responses=problems(ExperimentNotFound))
def list_explorations(
    experiment_id: str, session: ReadSession, _: CurrentActor, query: PageQuery
) -> Page[ExplorationSummary]:
    """Every exploration of an experiment, the newest first, without what it found."""
    experiments.get(session, experiment_id)
    found = service.find(session, experiment_id, query)
    return query.answer(service.summaries(session, found.items), found.next)


@explorations.get(
    "/{experiment_id}/explorations/{exploration_id}", responses=problems(service.ExplorationNotFound)
)
def get_experiment_exploration(
    experiment_id: str, exploration_id: str, session: ReadSession, _: CurrentActor
) -> ExplorationAnswer:
    """One exploration with all that it found: segments in words, both halves, what targeting is worth."""
    return service.answer(session, service.of_experiment(session, experiment_id, exploration_id))
