"""Explorations: for whom did an experiment's lever seem to work, and does the other half agree?"""

from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import JsonValue

from service.access import Editor, require_team
from service.access.browsers import require_form_token
from service.charts import drawing
from service.evidence.documents import Unanswered
from service.experiments import planned
from service.explorations import service as explorations
from service.explorations.schemas import ExplorationRequest, ExploredDocument
from service.kit.http import ReadSession, WriteSession
from service.metrics import service as metrics
from service.metrics.service import PinnedMetric
from service.runs.rules import FINISHED
from service.web import exploration_shown
from service.web.registry.typed import Document
from service.web.rendering import COOKIE, page, words_of
from service.web.route import pages

exploration_pages = pages()


@exploration_pages.post("/experiments/{experiment_id}/explorations")
def explore_on_page(
    *,
    experiment_id: str,
    request: Request,
    actor: Editor,
    session: WriteSession,
    form_token: Annotated[str, Form(max_length=200)] = "",
    attributes: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """The button of a stopped experiment; attributes are those of units, beside the plan's own."""
    require_form_token(request.cookies.get(COOKIE, ""), form_token)
    experiment = planned.get(session, experiment_id)
    require_team(actor, experiment.team)
    names: list[JsonValue] = list(dict.fromkeys(one.strip() for one in attributes.split(",") if one.strip()))
    wanted = Document(fields={"attributes": names}).read(ExplorationRequest)
    row = explorations.ask(session, experiment, wanted, actor)
    return RedirectResponse(f"/experiments/{experiment_id}/explorations/{row.id}", status_code=303)


@exploration_pages.get("/experiments/{experiment_id}/explorations/{exploration_id}")
def exploration_page(
    experiment_id: str, exploration_id: str, request: Request, session: ReadSession
) -> Response:
    row = explorations.of_experiment(session, experiment_id, exploration_id)
    answer = explorations.answer(session, row)
    words = words_of(request)
    found = answer.found if isinstance(answer.found, ExploredDocument) else None
    chart = None if found is None else exploration_shown.groups_chart(words, found)
    drawn = [] if chart is None else [chart]
    drawing.want(request.app.state.database, drawn)
    ready = drawing.drawn(session, drawn)
    cpi, kpi = (_pinned(session, key) for key in (answer.cpi, answer.kpi))
    return page(
        request,
        "exploration.html",
        one=answer,
        experiment=planned.get(session, experiment_id),
        cpi=cpi,
        kpi=kpi,
        found=found,
        refused=answer.found if isinstance(answer.found, Unanswered) else None,
        models=[] if found is None else exploration_shown.models(found),
        open_still=answer.state not in FINISHED,
        charts=[(one, one.sha256 in ready) for one in drawn],
    )


def _pinned(session: ReadSession, key: str) -> PinnedMetric:
    metric, _, version = key.partition("@")
    return metrics.pinned(session, metric, int(version))
