"""The doors to studies of unrandomised data."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from service.access import CurrentActor, Editor
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import HypothesisNotRegistered
from service.hypotheses.stored import HypothesisNotFound
from service.kit.http import Page, PageQuery, ReadSession, WriteSession, router
from service.kit.problems import problems
from service.metrics.service import MetricNotFound
from service.sources.service import SourceNotFound
from service.studies import service
from service.studies.schemas import (
    Design,
    GraphTemplate,
    StudyAsked,
    StudyDraft,
    StudyResultView,
    StudyView,
)
from service.studies.service import StudyNotFound, StudyRefused
from service.studies.templates import templates
from service.studies.views import asked_view, result_view, study_views

studies: APIRouter = router("/v1", ["studies"])
_MISSING = problems(StudyNotFound)
_HYPOTHESIS = problems(HypothesisNotFound, HypothesisNotRegistered)
_LATER = "1"


@studies.post(
    "/studies",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(
        HypothesisNotFound, HypothesisNotRegistered, MetricNotFound, SourceNotFound, StudyRefused
    ),
)
def ask_study(draft: StudyDraft, session: WriteSession, actor: Editor, response: Response) -> StudyAsked:
    """Ask unrandomised data a causal question; a worker answers. No verdict ever counts what it finds."""
    study, run = service.ask(session, actor, draft)
    response.headers["Location"], response.headers["Retry-After"] = f"/v1/studies/{study.id}", _LATER
    return asked_view(session, study, run.id)


@studies.get("/studies")
def list_studies(
    *,
    session: ReadSession,
    _: CurrentActor,
    pages: PageQuery,
    hypothesis: Annotated[str | None, Query(max_length=64)] = None,
    design: Design | None = None,
) -> Page[StudyView]:
    """Studies, the newest first, each with its latest result."""
    found = service.find(session, pages, hypothesis_id=hypothesis, design=design)
    return pages.answer(study_views(session, found.items), found.next)


@studies.get("/studies/templates")
def list_graph_templates(_: CurrentActor) -> list[GraphTemplate]:
    """Graphs that many CPIs and KPIs share, with their usual common causes."""
    return list(templates())


@studies.get("/studies/{study_id}", responses=_MISSING)
def get_study(study_id: str, session: ReadSession, _: CurrentActor) -> StudyView:
    """One study with its latest result; it is null until the first run has ended."""
    (view,) = study_views(session, [service.get(session, study_id)])
    return view


@studies.post("/studies/{study_id}/runs", status_code=status.HTTP_202_ACCEPTED, responses=_MISSING)
def ask_study_again(study_id: str, session: WriteSession, actor: Editor, response: Response) -> StudyAsked:
    """The same question of the data as they are now; earlier results stay."""
    study, run = service.again(session, actor, study_id)
    response.headers["Location"], response.headers["Retry-After"] = f"/v1/runs/{run.id}", _LATER
    return asked_view(session, study, run.id)


@studies.get("/studies/{study_id}/results", responses=_MISSING)
def list_study_results(
    study_id: str, session: ReadSession, _: CurrentActor, pages: PageQuery
) -> Page[StudyResultView]:
    """Everything that was ever found of it, the newest first."""
    study = service.get(session, study_id)
    found = service.results(session, study.id, pages)
    return pages.answer([result_view(row) for row in found.items], found.next)


@studies.get("/hypotheses/{hypothesis_id}/studies", responses=_HYPOTHESIS)
def list_studies_of_hypothesis(
    hypothesis_id: str, session: ReadSession, _: CurrentActor, pages: PageQuery
) -> Page[StudyView]:
    """What unrandomised data say of a hypothesis, the newest first; apart from its verdict."""
    hypothesis = hypotheses.get_registered(session, hypothesis_id)
    found = service.find(session, pages, hypothesis_id=hypothesis.id)
    return pages.answer(study_views(session, found.items), found.next)
