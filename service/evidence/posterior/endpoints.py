"""The doors to what evidence says in probabilities, and to the ladder that no probability climbs."""

from fastapi import Response, status

from analyses import LADDER
from service.access import CurrentActor, Editor
from service.evidence.posterior import service, views
from service.evidence.posterior.schemas import PosteriorAnswer, PosteriorRequest
from service.evidence.posterior.service import NoVerdictYet
from service.evidence.rungs import RungView
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import HypothesisNotRegistered
from service.hypotheses.stored import HypothesisNotFound
from service.kit.http import ReadSession, WriteSession, router
from service.kit.problems import problems
from service.runs.schemas import RunView

posterior = router("/v1", ["evidence"])
_MISSING = problems(HypothesisNotFound, HypothesisNotRegistered)


@posterior.get("/hypotheses/{hypothesis_id}/posterior", responses=_MISSING)
def get_posterior(hypothesis_id: str, session: ReadSession, _: CurrentActor) -> PosteriorAnswer:
    """How probable the lever is, given all experiments of the latest verdict; it never lifts the verdict."""
    return views.answer(session, hypotheses.get_registered(session, hypothesis_id).id)


@posterior.post(
    "/hypotheses/{hypothesis_id}/posterior",
    status_code=status.HTTP_202_ACCEPTED,
    responses=_MISSING | problems(NoVerdictYet),
)
def ask_for_posterior(
    hypothesis_id: str, request: PosteriorRequest, session: WriteSession, actor: Editor, response: Response
) -> RunView:
    """Compute it anew, by NUTS too where `audit` is asked for; a run does that."""
    run = service.ask(session, actor, hypothesis_id, audit=request.audit)
    response.headers["Location"] = f"/v1/runs/{run.id}"
    return RunView.of(run)


@posterior.get("/evidence-ladder")
def get_evidence_ladder(_: CurrentActor) -> list[RungView]:
    """The kinds of evidence from the weakest to the strongest, and what may be concluded from each."""
    return [RungView.of(step) for step in LADDER]
