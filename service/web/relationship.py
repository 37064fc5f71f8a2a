"""One lever: what was claimed, what was concluded and why, contrast by contrast, and how that came about."""

from collections.abc import Sequence

from fastapi import Request, Response
from sqlalchemy.orm import Session

from service.access import Actor, Editor, Role
from service.charts.drawing import pictured
from service.evidence import service as evidence
from service.evidence.documents import VerdictDocument
from service.evidence.posterior import views as posteriors
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.http import ReadSession, WriteSession
from service.levers import commitments
from service.levers import service as levers
from service.levers.commitments import CommitmentDraft, CommitmentView
from service.metrics import service as metrics
from service.metrics.customer import Expectation
from service.metrics.scale import Scale
from service.web import lever_shown
from service.web.failed import failures
from service.web.lever_words import Told, told
from service.web.noted import noted
from service.web.registry.form import SAVE, Form, Sent, Step, pressed
from service.web.registry.typed import Shape, flat
from service.web.rendering import page, words_of
from service.web.rights import may_change, may_edit
from service.web.rival_shown import rivals
from service.web.route import pages
from service.web.strip import strip

relationship = pages()
DECIDING = (Step(name="decision", fields=("",)),)
DECISION = Shape(numbers=frozenset({"target"}))


@relationship.get("/levers/{hypothesis_id}")
def lever_page(hypothesis_id: str, request: Request, session: ReadSession) -> Response:
    return _drawn(request, session, hypothesis_id, None)


def _drawn(request: Request, session: Session, hypothesis_id: str, sent: Form | None) -> Response:
    """The page, with the decision about its lever as far as somebody typed it."""
    lever = told(levers.show(session, hypothesis_id))
    hypothesis = hypotheses.get_registered(session, hypothesis_id)
    history = evidence.verdicts(session, hypothesis_id)
    latest = history[0] if history else None
    rows = [] if latest is None else lever_shown.rows(session, latest, hypothesis)
    missing = evidence.unreported(session, hypothesis)
    charts = lever_shown.charts(words_of(request), lever, hypothesis, history, rows)
    expectations = metrics.get(session, hypothesis.cpi.id).expectations
    decided = commitments.history(session, hypothesis_id)
    form = _decision(request, expectations, decided) if sent is None else sent
    return page(
        request,
        "lever.html",
        status=form.status,
        form=form,
        row=lever,
        drawn_strip=strip(lever),
        hypothesis=hypothesis,
        verdict=None if latest is None else VerdictDocument.model_validate(latest.verdict),
        contrasts=rows,
        history=lever_shown.past(history, hypothesis),
        rivals=[] if latest is None else rivals(session, latest, hypothesis),
        missing=missing,
        failures=failures(session, [row.experiment_id for row in rows] + [m.experiment_id for m in missing]),
        posterior=posteriors.answer(session, hypothesis_id).latest,
        breakdown=None if latest is None else lever_shown.breakdown_of(latest, lever.scale.factor),
        charts=pictured(request.app.state.database, session, charts),
        commitments=decided,
        noted=noted(request, session, hypothesis_id),
        expectations=expectations,
        may_commit=_may_commit(request, lever, hypothesis),
        may_change=may_change(request, hypothesis.team),
        may_edit=may_edit(request),
        cpi_scale=Scale.of(hypothesis.cpi.definition),
        kpi_scale=Scale.of(hypothesis.kpi.definition),
    )


@relationship.post("/levers/{hypothesis_id}/commitments")
def commit_on_page(
    *, hypothesis_id: str, request: Request, actor: Editor, session: WriteSession, sent: Sent
) -> Response:
    """The same decision as over the API, from a form; what is refused is told beside what was typed."""
    form = Form.sent(DECIDING, DECISION, {**sent, "go": SAVE})

    def keep() -> str:
        levers.commit(session, actor, hypothesis_id, form.document.read(CommitmentDraft))
        return f"/levers/{hypothesis_id}"

    return pressed(
        request,
        session,
        form,
        draw=lambda form, session: _drawn(request, session, hypothesis_id, form),
        keep=keep,
    )


def _decision(
    request: Request, expectations: Sequence[Expectation], decided: Sequence[CommitmentView]
) -> Form:
    """As it was decided last; to begin with, one's own team and the level that customers expect."""
    actor: Actor = request.state.caller
    typed = {"team": actor.team, "target": f"{expectations[0].level:.15g}" if expectations else ""}
    if decided:
        kept = decided[0].model_dump(mode="json", include={"team", "person", "target", "by"})
        typed = flat({name: value for name, value in kept.items() if value is not None})
    return Form(steps=DECIDING, shape=DECISION, typed=typed)


def _may_commit(request: Request, lever: Told, hypothesis: RegisteredHypothesis) -> bool:
    actor: Actor = request.state.caller
    own = actor.team == hypothesis.team or actor.role is Role.admin
    return lever.standing == "proven" and own and actor.role.reaches(Role.editor)
