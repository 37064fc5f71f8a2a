"""One lever: what was claimed, what was concluded and why, contrast by contrast, and how that came about."""

from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse

from service.access import Actor, Role
from service.access.browsers import require_form_token
from service.charts import drawing
from service.evidence import service as evidence
from service.evidence.documents import VerdictDocument
from service.evidence.posterior import views as posteriors
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.http import ReadSession, WriteSession
from service.levers import commitments
from service.levers import service as levers
from service.levers.commitments import CommitmentDraft
from service.metrics import service as metrics
from service.metrics.scale import Scale
from service.web import lever_shown
from service.web.failed import failures
from service.web.forms import read_form
from service.web.lever_words import Told, told
from service.web.noted import noted
from service.web.rendering import COOKIE, page, words_of
from service.web.route import pages
from service.web.strip import strip

relationship = pages()
Text = Annotated[str, Form(max_length=5000)]


@relationship.get("/levers/{hypothesis_id}")
def lever_page(hypothesis_id: str, request: Request, session: ReadSession) -> Response:
    lever = told(levers.show(session, hypothesis_id))
    hypothesis = hypotheses.get_registered(session, hypothesis_id)
    history = evidence.verdicts(session, hypothesis_id)
    latest = history[0] if history else None
    rows = [] if latest is None else lever_shown.rows(session, latest, hypothesis)
    missing = evidence.unreported(session, hypothesis)
    charts = lever_shown.charts(words_of(request), lever, hypothesis, history, rows)
    drawing.want(request.app.state.database, charts)
    drawn = drawing.drawn(session, charts)
    return page(
        request,
        "lever.html",
        row=lever,
        drawn_strip=strip(lever),
        hypothesis=hypothesis,
        latest=latest,
        verdict=None if latest is None else VerdictDocument.model_validate(latest.verdict),
        contrasts=rows,
        history=[(one, VerdictDocument.model_validate(one.verdict)) for one in history],
        missing=missing,
        failures=failures(session, [row.experiment_id for row in rows] + [m.experiment_id for m in missing]),
        posterior=posteriors.answer(session, hypothesis_id).latest,
        breakdown=None if latest is None else lever_shown.breakdown_of(latest, lever.scale.factor),
        charts=[(chart, chart.sha256 in drawn) for chart in charts],
        commitments=commitments.history(session, hypothesis_id),
        noted=noted(request, session, hypothesis_id),
        expectations=metrics.get(session, hypothesis.cpi.id).expectations,
        may_commit=_may_commit(request, lever, hypothesis),
        cpi_scale=Scale.of(hypothesis.cpi.definition),
        kpi_scale=Scale.of(hypothesis.kpi.definition),
    )


@relationship.post("/levers/{hypothesis_id}/commitments")
def commit_on_page(
    *,
    hypothesis_id: str,
    request: Request,
    session: WriteSession,
    form_token: Text,
    team: Text = "",
    person: Text = "",
    target: Text = "",
    by: Text = "",
    note: Text = "",
) -> Response:
    """The same decision as over the API, from a form; a field left empty says nothing."""
    require_form_token(request.cookies.get(COOKIE, ""), form_token)
    typed = {"team": team, "person": person, "target": target, "by": by, "note": note}
    draft = read_form(CommitmentDraft, typed, numbers=("target",))
    levers.commit(session, request.state.caller, hypothesis_id, draft)
    return RedirectResponse(f"/levers/{hypothesis_id}", status_code=303)


def _may_commit(request: Request, lever: Told, hypothesis: RegisteredHypothesis) -> bool:
    actor: Actor = request.state.caller
    own = actor.team == hypothesis.team or actor.role is Role.admin
    return lever.standing == "proven" and own and actor.role.reaches(Role.editor)
