"""How are experiments reached over HTTP? Each step from one state to the next is a call of its own."""

from typing import Annotated

from fastapi import Query, Response

from service.access import CurrentActor, Editor
from service.experiments import service
from service.experiments.schemas import Experiment, ExperimentDraft, ExperimentState, PhaseDraft
from service.experiments.service import (
    ExperimentFrozen,
    ExperimentNotReady,
    ExperimentRefused,
    Filter,
    IllegalTransition,
)
from service.experiments.stored import ExperimentNotFound
from service.kit.errors import PreconditionFailed, PreconditionRequired
from service.kit.http import IfMatch, Page, PageQuery, ReadSession, WriteSession, router, tagged
from service.kit.problems import problems

experiments = router("/v1/experiments", ["experiments"])

_STALE = (PreconditionRequired, PreconditionFailed)
_STEPPING = problems(ExperimentNotFound, IllegalTransition, *_STALE)


@experiments.post("", status_code=201, responses=problems(ExperimentRefused))
def draft_experiment(
    draft: ExperimentDraft, actor: Editor, session: WriteSession, response: Response
) -> Experiment:
    """Draft a plan; its hypotheses may still be drafts too."""
    made = service.create(session, actor, draft)
    response.headers["Location"] = f"/v1/experiments/{made.value.id}"
    return tagged(response, made)


@experiments.get("")
def list_experiments(
    *,
    _: CurrentActor,
    session: ReadSession,
    pages: PageQuery,
    state: ExperimentState | None = None,
    team: Annotated[str | None, Query(max_length=200)] = None,
    unit_type: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[Experiment]:
    """Oldest first."""
    found = service.find(session, Filter(state=state, team=team, unit_type=unit_type), pages)
    return pages.answer(found.items, found.next)


@experiments.get("/{experiment_id}", responses=problems(ExperimentNotFound))
def get_experiment(
    experiment_id: str, _: CurrentActor, session: ReadSession, response: Response
) -> Experiment:
    """As it stands, with its phases and who took which step."""
    return tagged(response, service.show(session, experiment_id))


@experiments.put(
    "/{experiment_id}",
    responses=problems(ExperimentNotFound, ExperimentRefused, ExperimentFrozen, *_STALE),
)
def replace_experiment(
    *,
    experiment_id: str,
    draft: ExperimentDraft,
    expected: IfMatch,
    actor: Editor,
    session: WriteSession,
    response: Response,
) -> Experiment:
    """Replace a draft's plan as a whole; an approved plan stays as it is."""
    return tagged(response, service.replace(session, actor, experiment_id, expected, draft))


@experiments.post(
    "/{experiment_id}:approve",
    responses=problems(ExperimentNotFound, ExperimentRefused, IllegalTransition, ExperimentNotReady, *_STALE),
)
def approve_experiment(
    experiment_id: str, expected: IfMatch, actor: Editor, session: WriteSession, response: Response
) -> Experiment:
    """Freeze the plan: canonical JSON, SHA-256; every hypothesis under test must be registered."""
    return tagged(response, service.approve(session, actor, experiment_id, expected))


@experiments.post("/{experiment_id}:start", responses=_STEPPING)
def start_experiment(
    experiment_id: str, expected: IfMatch, actor: Editor, session: WriteSession, response: Response
) -> Experiment:
    """Begin with phase 1; the mechanisms in use are fixed from now on."""
    return tagged(response, service.start(session, actor, experiment_id, expected))


@experiments.post("/{experiment_id}:stop", responses=_STEPPING)
def stop_experiment(
    experiment_id: str, expected: IfMatch, actor: Editor, session: WriteSession, response: Response
) -> Experiment:
    """Assign nobody any more."""
    return tagged(response, service.stop(session, actor, experiment_id, expected))


@experiments.post("/{experiment_id}:conclude", responses=_STEPPING)
def conclude_experiment(
    experiment_id: str, expected: IfMatch, actor: Editor, session: WriteSession, response: Response
) -> Experiment:
    """Close it: the team has drawn its conclusion."""
    return tagged(response, service.conclude(session, actor, experiment_id, expected))


@experiments.post(
    "/{experiment_id}/phases",
    status_code=201,
    responses=problems(ExperimentNotFound, ExperimentRefused, IllegalTransition, *_STALE),
)
def open_phase(
    *,
    experiment_id: str,
    phase: PhaseDraft,
    expected: IfMatch,
    actor: Editor,
    session: WriteSession,
    response: Response,
) -> Experiment:
    """Begin a phase with other weights; contrasts are formed within a phase and then combined."""
    found = service.reweigh(session, actor, experiment_id, expected, phase)
    response.headers["Location"] = f"/v1/experiments/{found.value.id}"
    return tagged(response, found)
