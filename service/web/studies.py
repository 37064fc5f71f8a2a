"""Studies: what do unrandomised data say, what must hold, and what speaks against it?"""

from typing import Annotated

from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from service.access import Editor
from service.access.browsers import require_form_token
from service.charts.drawing import pictured
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.kit import paging
from service.kit.canonical import canonical_json
from service.kit.errors import NotFound
from service.kit.http import ReadSession, WriteSession
from service.kit.languages import ENGLISH
from service.kit.words import Words
from service.metrics import service as metrics
from service.runs import service as runs
from service.runs.rules import FINISHED, RunKind, RunState
from service.studies import service as studies
from service.studies.schemas import Design
from service.studies.tables import Study
from service.studies.views import study_views
from service.web import study_shown
from service.web.downloads import json_file
from service.web.rendering import COOKIE, page
from service.web.rights import may_change, may_edit
from service.web.route import pages

study_pages = pages()
MOST_RESULTS = 20


class NoStudyResult(NotFound):
    slug, title = "no-result", "This study has no result yet"


@study_pages.get("/studies")
def studies_page(
    *,
    request: Request,
    session: ReadSession,
    hypothesis: Annotated[str, Query(max_length=64)] = "",
    design: Annotated[str, Query(max_length=30)] = "",
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Response:
    """Every study, the newest first; or those of one hypothesis."""
    known = Design(design) if design in list(Design) else None
    found = studies.find(session, paging.Query(cursor=cursor), hypothesis_id=hypothesis or None, design=known)
    return page(
        request,
        "studies.html",
        language=ENGLISH,
        studies=study_views(session, found.items),
        slope_of=study_shown.told,
        designs=tuple(Design),
        asked={"hypothesis": hypothesis, "design": design},
        following=found.next,
        may_edit=may_edit(request),
    )


@study_pages.get("/studies/{study_id}")
def study_page(study_id: str, request: Request, session: ReadSession) -> Response:
    row = studies.get(session, study_id)
    (view,) = study_views(session, [row])
    hypothesis = _hypothesis(session, row)
    cpi, kpi = (metrics.pinned_by(session, key) for key in (row.cpi, row.kpi))
    words = Words.of(ENGLISH)
    found = None if view.result is None else study_shown.shown(words, row.design, view.result)
    smallest = 0.0 if hypothesis is None else hypothesis.sign * hypothesis.smallest_slope
    chart = None if found is None else study_shown.chart_of(words, found, unit=kpi.name, smallest=smallest)
    drawn = [] if chart is None else [chart]
    latest = runs.latest_about(session, RunKind.STUDY, row.id)
    return page(
        request,
        "study.html",
        language=ENGLISH,
        study=view,
        asked=view.request,
        cpi=cpi,
        kpi=kpi,
        hypothesis=hypothesis,
        result=view.result,
        found=found,
        charts=pictured(request.app.state.database, session, drawn),
        run=latest if latest is not None and latest.state not in FINISHED else None,
        failed=latest if latest is not None and latest.state is RunState.FAILED else None,
        earlier=studies.results(session, row.id, paging.Query(limit=MOST_RESULTS)).items[1:],
        may_change=may_change(request, row.team),
    )


@study_pages.get("/studies/{study_id}/result.json")
def study_result(study_id: str, session: ReadSession) -> Response:
    """The latest result as it is kept, with everything that was computed."""
    row = studies.get(session, study_id)
    (view,) = study_views(session, [row])
    if view.result is None:
        raise NoStudyResult("Its first run has not ended yet.")
    return json_file(canonical_json(view.result.model_dump(mode="json")), view.result.id)


@study_pages.post("/studies/{study_id}/runs")
def ask_study_again_on_page(
    *,
    study_id: str,
    request: Request,
    actor: Editor,
    session: WriteSession,
    form_token: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """The same question of the data as they are now."""
    require_form_token(request.cookies.get(COOKIE, ""), form_token)
    row, _ = studies.again(session, actor, study_id)
    return RedirectResponse(f"/studies/{row.id}", status_code=303)


def _hypothesis(session: Session, row: Study) -> RegisteredHypothesis | None:
    return None if row.hypothesis_id is None else hypotheses.get_registered(session, row.hypothesis_id)
