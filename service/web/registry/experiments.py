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
from service.experiments.schemas import DoseKind, Experiment, PhaseDraft
from service.hypotheses import mechanisms
from service.hypotheses import service as hypotheses
from service.hypotheses.schemas import Hypothesis, Mechanism
from service.kit import paging
from service.kit.errors import NotFound
from service.kit.http import ReadSession, WriteSession
from service.kit.revisions import Revised
from service.metrics.schemas import Metric, MetricKind
from service.runs import service as runs
from service.runs.rules import RunType
from service.runs.schemas import RunRequest
from service.sources import service as sources
from service.web.registry.form import Form, Sent, pressed
from service.web.registry.hypotheses import metrics_of
from service.web.registry.plans import SHAPE, STEPS, arm_names, draft_of, named_arms, typed_of
from service.web.registry.typed import Document, number
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
MOST = 1000  # hypotheses or mechanisms in one list to choose from


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
        draw=lambda form: _drawn(request, session, form),
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
        draw=lambda form: _drawn(request, session, form, experiment_id),
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
    require_form_token(request.cookies.get(COOKIE, ""), sent.get("form_token", ""))
    experiment = experiments.show(session, experiment_id).value
    weights: dict[str, JsonValue] = dict(experiment.phases[-1].weights) if experiment.phases else {}
    for place, arm in enumerate(experiment.arms):
        if text := sent.get(f"weight.{place}", "").strip():
            weights[arm.name] = number(text)
    wanted = Document(fields={"weights": weights})
    revision = sent.get("revision", "")
    expected = int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else 0
    experiments.reweigh(session, actor, experiment_id, expected, wanted.read(PhaseDraft))
    return RedirectResponse(f"/experiments/{experiment_id}", status_code=303)


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


def _hypotheses(session: Session) -> Sequence[Hypothesis]:
    found: list[Hypothesis] = []
    cursor = None
    while len(found) < MOST:
        query = paging.Query(limit=paging.LARGEST_LIMIT, cursor=cursor)
        part = hypotheses.find(session, hypotheses.Filter(), query)
        found += part.items
        if (cursor := part.next) is None:
            break
    return sorted(found, key=lambda one: (one.cpi_name.casefold(), one.kpi_name.casefold()))


def _mechanisms(session: Session, tested: Sequence[Hypothesis]) -> Mapping[str, Sequence[Mechanism]]:
    """By the hypothesis that they are to test: those of its CPI."""
    query = paging.Query(limit=paging.LARGEST_LIMIT)
    return {one.id: mechanisms.find(session, query, cpi=one.cpi).items for one in tested}


def _drawn(request: Request, session: Session, form: Form, experiment_id: str | None = None) -> Response:
    known = _hypotheses(session)
    chosen = {text for name, text in form.typed.items() if name.endswith(".hypothesis")}
    tested = [one for one in known if one.id in chosen]
    unit_type = form.typed.get("unit_type") or (tested[0].unit_type if tested else "")
    if tested and not form.typed.get("unit_type"):
        form.typed["unit_type"] = unit_type
    return page(
        request,
        "registry/experiment.html",
        status=form.status,
        form=form,
        experiment_id=experiment_id,
        hypotheses=known,
        tested={one.id: one for one in tested},
        mechanisms=_mechanisms(session, tested),
        metrics=_metrics(session, unit_type),
        arms=arm_names(form),
        dose_kinds=tuple(DoseKind),
        sources=sources.find(session, sources.Filter(), paging.Query(limit=paging.LARGEST_LIMIT)).items,
    )


def _metrics(session: Session, unit_type: str) -> Sequence[Metric]:
    """Those of the unit type, or all of them as long as it is not said."""
    found = [metric for kind in MetricKind for metric in metrics_of(session, kind)]
    return [metric for metric in found if metric.unit_type == unit_type] if unit_type else found
