"""Explorations: for whom did an experiment's lever seem to work, and does the other half agree?"""

from fastapi import Request, Response
from pydantic import JsonValue

from service.access import Editor, require_team
from service.charts.drawing import pictured
from service.evidence.documents import Unanswered
from service.experiments import planned
from service.explorations import service as explorations
from service.explorations.schemas import ExplorationRequest, ExploredDocument
from service.kit.http import ReadSession, WriteSession
from service.kit.languages import ENGLISH
from service.kit.words import Words
from service.metrics import service as metrics
from service.runs.rules import FINISHED
from service.web import exploration_shown
from service.web.experiments import EXPLORING, drawn_experiment
from service.web.registry.form import SAVE, Form, Sent, pressed
from service.web.registry.typed import Document, Shape
from service.web.rendering import page
from service.web.route import pages

exploration_pages = pages()


@exploration_pages.post("/experiments/{experiment_id}/explorations")
def explore_on_page(
    *, experiment_id: str, request: Request, actor: Editor, session: WriteSession, sent: Sent
) -> Response:
    """The button of a stopped experiment; attributes are those of units, beside the plan's own.

    What is refused is told on the experiment's page, beside what was typed.
    """
    form = Form.sent(EXPLORING, Shape(), {**sent, "go": SAVE})

    def keep() -> str:
        experiment = planned.get(session, experiment_id)
        require_team(actor, experiment.team)
        row = explorations.ask(session, experiment, _wanted(form), actor)
        return f"/experiments/{experiment_id}/explorations/{row.id}"

    return pressed(
        request,
        session,
        form,
        draw=lambda form, session: drawn_experiment(request, session, experiment_id, form),
        keep=keep,
    )


def _wanted(form: Form) -> ExplorationRequest:
    typed = form.typed.get("attributes", "").split(",")
    names: list[JsonValue] = list(dict.fromkeys(one.strip() for one in typed if one.strip()))
    return Document(fields={"attributes": names}).read(ExplorationRequest)


@exploration_pages.get("/experiments/{experiment_id}/explorations/{exploration_id}")
def exploration_page(
    experiment_id: str, exploration_id: str, request: Request, session: ReadSession
) -> Response:
    row = explorations.of_experiment(session, experiment_id, exploration_id)
    answer = explorations.answer(session, row)
    words = Words.of(ENGLISH)
    found = answer.found if isinstance(answer.found, ExploredDocument) else None
    chart = None if found is None else exploration_shown.groups_chart(words, found)
    drawn = [] if chart is None else [chart]
    cpi, kpi = (metrics.pinned_by(session, key) for key in (answer.cpi, answer.kpi))
    return page(
        request,
        "exploration.html",
        language=ENGLISH,
        one=answer,
        experiment=planned.get(session, experiment_id),
        cpi=cpi,
        kpi=kpi,
        found=found,
        refused=answer.found if isinstance(answer.found, Unanswered) else None,
        open_still=answer.state not in FINISHED,
        charts=pictured(request.app.state.database, session, drawn),
    )
