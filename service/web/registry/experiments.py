"""How does a person plan an experiment, take it from step to step, and have it analysed?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from fastapi import Form as Field
from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import JsonValue
from sqlalchemy.orm import Session

from service.access import Actor, Editor, require_team
from service.access.browsers import require_form_token
from service.experiments import planned
from service.experiments import service as experiments
from service.experiments.schemas import Experiment, PhaseDraft
from service.hypotheses import mechanisms
from service.hypotheses import service as hypotheses
from service.hypotheses.options import options as hypothesis_options
from service.hypotheses.schemas import Hypothesis, Mechanism
from service.kit import paging
from service.kit.errors import Invalid, NotFound
from service.kit.http import ReadSession, WriteSession
from service.kit.revisions import Revised
from service.metrics.options import options as metric_options
from service.runs import service as runs
from service.runs.rules import RunType
from service.runs.schemas import RunRequest
from service.sources import service as sources
from service.sources.schemas import Source
from service.web.registry.form import SAVE, Form, Sent, Step, pressed
from service.web.registry.plans import SHAPE, STEPS, arm_names, draft_of, named_arms, typed_of
from service.web.registry.typed import Document, Shape, number
from service.web.rendering import COOKIE, page
from service.web.route import pages

experiment_forms = pages()
type Take = Callable[[Session, Actor, str, int], Revised[Experiment]]
TAKEN: Mapping[str, Take] = {
    "approve": experiments.approve,
    "start": experiments.start,
    "stop": experiments.stop,
    "conclude": experiments.conclude,
}
Token = Annotated[str, Field(max_length=200)]
WEIGHING = (Step(name="weights", fields=("",)),)
_ON_METRICS = frozenset({"measures", "honesty", "reading"})  # the steps on which metrics are chosen


@experiment_forms.get("/experiments/new")
def new_experiment(request: Request, _: Editor, session: ReadSession, hypothesis: str = "") -> Response:
    """Three arms to begin with: control, a placebo and one that moves the CPI."""
    typed = {"control": "0", "meets": "assignment", "planned_size.per": "arm"}
    if hypothesis:
        typed["hypotheses.0.hypothesis"] = hypothesis[:64]
    return _drawn(request, session, _form(typed))


@experiment_forms.post("/experiments/new")
def draft_experiment_on_page(request: Request, actor: Editor, session: WriteSession, sent: Sent) -> Response:
    form = Form.sent(STEPS, SHAPE, sent, named_arms)
    return pressed(
        request,
        session,
        form,
        draw=lambda form, session: _drawn(request, session, form),
        keep=lambda: f"/experiments/{experiments.create(session, actor, draft_of(form)).value.id}",
    )


@experiment_forms.get("/experiments/{experiment_id}/edit")
def edit_experiment(experiment_id: str, request: Request, _: Editor, session: ReadSession) -> Response:
    found = experiments.show(session, experiment_id)
    form = _form(typed_of(found.value) | {"revision": str(found.revision)})
    return _drawn(request, session, form, experiment_id)


@experiment_forms.post("/experiments/{experiment_id}/edit")
def replace_experiment_on_page(
    *, experiment_id: str, request: Request, actor: Editor, session: WriteSession, sent: Sent
) -> Response:
    """A draft's plan, as a whole; an approved one answers that it stays as it is."""
    form = Form.sent(STEPS, SHAPE, sent, named_arms)

    def keep() -> str:
        kept = experiments.replace(session, actor, experiment_id, form.revision, draft_of(form))
        return f"/experiments/{kept.value.id}"

    return pressed(
        request,
        session,
        form,
        draw=lambda form, session: _drawn(request, session, form, experiment_id),
        keep=keep,
    )


@experiment_forms.post("/experiments/{experiment_id}/steps/{step}")
def take_step(
    *,
    experiment_id: str,
    step: str,
    request: Request,
    actor: Editor,
    session: WriteSession,
    form_token: Token = "",
    revision: Annotated[int, Field()] = 0,
) -> Response:
    """Approve, start, stop or conclude; what does not follow from its state is refused, as over the API."""
    require_form_token(request.cookies.get(COOKIE, ""), form_token)
    take = TAKEN.get(step)
    if take is None:
        raise NotFound("An experiment takes no such step.")
    take(session, actor, experiment_id, revision)
    return RedirectResponse(f"/experiments/{experiment_id}", status_code=303)


@experiment_forms.post("/experiments/{experiment_id}/phases")
def open_phase_on_page(
    *, experiment_id: str, request: Request, actor: Editor, session: WriteSession, sent: Sent
) -> Response:
    """New weights; an arm whose field was left empty keeps its own."""
    form = Form.sent(WEIGHING, Shape(), {**sent, "go": SAVE})
    experiment = experiments.show(session, experiment_id).value

    def keep() -> str:
        experiments.reweigh(session, actor, experiment_id, form.revision, _weights(form, experiment))
        return f"/experiments/{experiment_id}"

    return pressed(
        request,
        session,
        form,
        draw=lambda form, _: page(
            request, "registry/phase.html", status=form.status, form=form, experiment=experiment
        ),
        keep=keep,
    )


def _weights(form: Form, experiment: Experiment) -> PhaseDraft:
    """By the arms' names; what is wrong with one is told beside its field."""
    weights: dict[str, JsonValue] = dict(experiment.phases[-1].weights) if experiment.phases else {}
    places = {f"weights.{arm.name}": f"weight.{place}" for place, arm in enumerate(experiment.arms)}
    for arm in experiment.arms:
        if text := form.typed.get(places[f"weights.{arm.name}"], "").strip():
            weights[arm.name] = number(text)
    try:
        return Document(fields={"weights": weights}).read(PhaseDraft)
    except Invalid as refused:
        for fault in refused.extra["errors"]:
            fault["field"] = places.get(fault["field"], "weight.0")
        raise


@experiment_forms.post("/experiments/{experiment_id}/runs")
def ask_for_run(
    *,
    experiment_id: str,
    request: Request,
    actor: Editor,
    session: WriteSession,
    form_token: Token = "",
    exploratory: Annotated[str, Field(max_length=10)] = "",
) -> Response:
    """Put an analysis into the queue: final once the experiment has stopped, else interim."""
    require_form_token(request.cookies.get(COOKIE, ""), form_token)
    experiment = planned.get(session, experiment_id)
    require_team(actor, experiment.team)
    wanted = RunRequest(type=RunType.EXPLORATORY if exploratory else None)
    run = runs.ask(session, experiment, wanted, author=actor.owner)
    return RedirectResponse(f"/runs/{run.id}", status_code=303)


def _form(typed: dict[str, str]) -> Form:
    return Form(steps=STEPS, shape=SHAPE, typed=typed, fits=named_arms)


def _tested(session: Session, form: Form) -> Sequence[Hypothesis]:
    """Those that are chosen so far, each once."""
    chosen = {text: None for name, text in form.typed.items() if name.endswith(".hypothesis")}
    found = [hypotheses.look_up_hypothesis(session, one) for one in chosen]
    return [one for one in found if one is not None]


def _mechanisms(session: Session, tested: Sequence[Hypothesis]) -> Mapping[str, Sequence[Mechanism]]:
    """By the hypothesis that they are to test: those of its CPI."""

    def of(cpi: str) -> Sequence[Mechanism]:
        return [*paging.everything(lambda query: mechanisms.find(session, query, cpi=cpi))]

    return {one.id: of(one.cpi) for one in tested}


def _drawn(request: Request, session: Session, form: Form, experiment_id: str | None = None) -> Response:
    tested = _tested(session, form)
    unit_type = form.typed.get("unit_type") or (tested[0].unit_type if tested else "")
    if tested and not form.typed.get("unit_type"):
        form.typed["unit_type"] = unit_type
    step, arms = form.step.name, arm_names(form)
    return page(
        request,
        "registry/experiment.html",
        status=form.status,
        form=form,
        experiment_id=experiment_id,
        hypotheses=hypothesis_options(session) if step == "tests" else (),
        tested={one.id: one for one in tested},
        mechanisms=_mechanisms(session, tested) if step == "tests" else {},
        metrics=metric_options(session, unit_type=unit_type or None) if step in _ON_METRICS else (),
        arms=arms,
        arm_options=[(name, name) for _, name in arms],
        sources=_sources(session) if step == "size" else (),
    )


def _sources(session: Session) -> Sequence[Source]:
    return [*paging.everything(lambda query: sources.find(session, sources.Filter(), query))]
