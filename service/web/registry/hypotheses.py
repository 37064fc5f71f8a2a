"""How does a person claim, before the data, that improving a CPI moves a KPI? And name the means for it?"""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Form as Field
from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from service.access import Actor, Editor
from service.access.browsers import require_form_token
from service.hypotheses import mechanisms
from service.hypotheses import service as hypotheses
from service.hypotheses.schemas import (
    Hypothesis,
    HypothesisChange,
    HypothesisDraft,
    HypothesisState,
    MechanismDraft,
)
from service.hypotheses.templates import templates
from service.kit import paging
from service.kit.http import ReadSession, WriteSession
from service.metrics import service as metrics
from service.metrics.options import options
from service.metrics.schemas import MetricKind
from service.web.registry import segments
from service.web.registry.form import Form, Sent, Step, pressed
from service.web.registry.typed import Shape, days, flat
from service.web.rendering import COOKIE, page
from service.web.rights import may_change
from service.web.route import on_this_site, pages

hypothesis_forms = pages()
STEPS = (
    Step(name="which", fields=("cpi", "kpi", "unit_type")),
    Step(name="claim", fields=("direction", "smallest_slope", "window", "rationale")),
    Step(
        name="limits",
        fields=("bound", "direct_effect_bound", "bound_evidence", "segments", "alpha", "prior_scale"),
    ),
    Step(name="review", fields=()),
)
SEGMENTS = "segments"
SHAPE = Shape(
    numbers=frozenset({"smallest_slope", "direct_effect_bound", "alpha", "prior_scale"}),
    lengths=frozenset({"window"}),
) | segments.shape(SEGMENTS)
MEANS = (Step(name="means", fields=("",)),)
MEANS_SHAPE = Shape(numbers=frozenset({"cost.amount"}))
_HELPING = frozenset({"bound", "revision", "template", "next"})


@hypothesis_forms.get("/hypotheses")
def hypotheses_page(
    request: Request,
    session: ReadSession,
    state: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Response:
    known = HypothesisState(state) if state in list(HypothesisState) else None
    found = hypotheses.find(session, hypotheses.Filter(state=known), paging.Query(cursor=cursor))
    return page(
        request,
        "registry/hypotheses.html",
        hypotheses=found.items,
        states=tuple(HypothesisState),
        state=state,
        following=found.next,
    )


@hypothesis_forms.get("/hypotheses/new")
def new_hypothesis(
    *,
    request: Request,
    _: Editor,
    session: ReadSession,
    template: Annotated[str, Query(max_length=100)] = "",
    cpi: Annotated[str, Query(max_length=64)] = "",
    kpi: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Empty, or from a pair that the examples of others suggest."""
    typed = {"cpi": cpi, "kpi": kpi, "bound": "unknown"} | _suggested(session, template)
    return _drawn(request, session, Form(steps=STEPS, shape=SHAPE, typed=typed))


@hypothesis_forms.post("/hypotheses/new")
def draft_hypothesis_on_page(request: Request, actor: Editor, session: WriteSession, sent: Sent) -> Response:
    form = _sent(session, sent)
    return pressed(
        request,
        session,
        form,
        draw=lambda form, session: _drawn(request, session, form),
        keep=lambda: (
            f"/hypotheses/{hypotheses.create(session, actor, form.document.read(HypothesisDraft)).value.id}"
        ),
    )


@hypothesis_forms.get("/hypotheses/{hypothesis_id}")
def hypothesis_page(hypothesis_id: str, request: Request, session: ReadSession) -> Response:
    """A draft, and what it waits for; what is registered is a lever."""
    found = hypotheses.get(session, hypothesis_id)
    if found.value.state is HypothesisState.REGISTERED:
        return RedirectResponse(f"/levers/{found.value.id}", status_code=303)
    means = mechanisms.find(session, paging.Query(limit=paging.LARGEST_LIMIT), cpi=found.value.cpi)
    return page(
        request,
        "registry/hypothesis_draft.html",
        hypothesis=found.value,
        revision=found.revision,
        mechanisms=means.items,
        may_change=may_change(request, found.value.team),
    )


@hypothesis_forms.post("/hypotheses/{hypothesis_id}/register")
def register_hypothesis_on_page(
    *,
    hypothesis_id: str,
    request: Request,
    actor: Editor,
    session: WriteSession,
    form_token: Annotated[str, Field(max_length=200)] = "",
    revision: Annotated[int, Field()] = 0,
) -> Response:
    """Freeze it: from now on a change is an amendment that is shown beside it."""
    require_form_token(request.cookies.get(COOKIE, ""), form_token)
    hypotheses.register(session, actor, hypothesis_id, revision)
    return RedirectResponse(f"/levers/{hypothesis_id}", status_code=303)


@hypothesis_forms.get("/hypotheses/{hypothesis_id}/edit")
def edit_hypothesis(hypothesis_id: str, request: Request, _: Editor, session: ReadSession) -> Response:
    found = hypotheses.get(session, hypothesis_id)
    form = Form(steps=STEPS, shape=SHAPE, typed=typed_of(found.value) | {"revision": str(found.revision)})
    return _drawn(request, session, form, hypothesis_id)


@hypothesis_forms.post("/hypotheses/{hypothesis_id}/edit")
def change_hypothesis_on_page(
    *, hypothesis_id: str, request: Request, actor: Editor, session: WriteSession, sent: Sent
) -> Response:
    """Change a draft; what is registered answers that it is."""
    form = _sent(session, sent)
    return pressed(
        request,
        session,
        form,
        draw=lambda form, session: _drawn(request, session, form, hypothesis_id),
        keep=lambda: _changed(session, actor, hypothesis_id, form),
    )


@hypothesis_forms.get("/mechanisms/new")
def new_mechanism(
    *,
    request: Request,
    _: Editor,
    session: ReadSession,
    cpi: Annotated[str, Query(max_length=64)] = "",
    following: Annotated[str, Query(max_length=500, alias="next")] = "",
) -> Response:
    typed = {"cpi": cpi, "next": following}
    return _drawn_means(request, session, Form(steps=MEANS, shape=MEANS_SHAPE, typed=typed))


@hypothesis_forms.post("/mechanisms/new")
def register_mechanism_on_page(
    request: Request, actor: Editor, session: WriteSession, sent: Sent
) -> Response:
    form = Form.sent(MEANS, MEANS_SHAPE, sent, fitting)

    def keep() -> str:
        made = mechanisms.create(session, actor, form.document.read(MechanismDraft)).value
        return on_this_site(form.typed.get("next") or f"/metrics/{made.cpi}")

    return pressed(
        request, session, form, draw=lambda form, session: _drawn_means(request, session, form), keep=keep
    )


def typed_of(hypothesis: Hypothesis) -> dict[str, str]:
    """A draft as it would have been typed."""
    fields = hypothesis.model_dump(mode="json", include=set(HypothesisDraft.model_fields), exclude_none=True)
    known = hypothesis.direct_effect_bound != "unknown"
    typed = segments.typed_of(SEGMENTS, flat(fields)) | {"bound": "known" if known else "unknown"}
    if not known:
        del typed["direct_effect_bound"]  # a choice says it, and no field
    return typed | {"window": days(typed["window"])}


def _sent(session: Session, sent: Mapping[str, str]) -> Form:
    """The unit type is the CPI's, unless somebody typed another."""
    form = Form.sent(STEPS, SHAPE, sent, fitting)
    cpi = metrics.look_up(session, form.typed.get("cpi", ""))
    if cpi is not None and not form.typed.get("unit_type"):
        form.typed["unit_type"] = cpi.unit_type
    return form


def fitting(typed: dict[str, str]) -> dict[str, str]:
    """The fields of the document, without those that only help to fill them in."""
    kept = {name: text for name, text in typed.items() if name not in _HELPING}
    return segments.fitting(SEGMENTS, kept) | (
        {"direct_effect_bound": "unknown"} if typed.get("bound") == "unknown" else {}
    )


def _changed(session: Session, actor: Actor, hypothesis_id: str, form: Form) -> str:
    draft = form.document.read(HypothesisDraft)
    fields = {
        name: getattr(draft, name)
        for name in HypothesisChange.model_fields
        if name not in ("cpi_version", "kpi_version")
    }
    hypotheses.change(session, actor, hypothesis_id, form.revision, HypothesisChange.model_validate(fields))
    return f"/hypotheses/{hypothesis_id}"


def _suggested(session: Session, slug: str) -> dict[str, str]:
    """A pair of the library, with the metrics here that were taken from its templates."""
    pair = next((one for one in templates() if one.slug == slug), None)
    if pair is None:
        return {}
    found = {"direction": pair.direction.value, "rationale": pair.rationale, "template": slug}
    for field, kind, template in (
        ("cpi", MetricKind.CPI, pair.cpi_template),
        ("kpi", MetricKind.KPI, pair.kpi_template),
    ):
        taken = next((one.id for one in options(session, kind=kind) if one.template == template), None)
        if taken is not None:
            found[field] = taken
    return found


def _drawn(request: Request, session: Session, form: Form, hypothesis_id: str | None = None) -> Response:
    return page(
        request,
        "registry/hypothesis.html",
        status=form.status,
        form=form,
        hypothesis_id=hypothesis_id,
        cpis=options(session, kind=MetricKind.CPI),
        kpis=options(session, kind=MetricKind.KPI),
        cpi=metrics.look_up(session, form.typed.get("cpi", "")),
        kpi=metrics.look_up(session, form.typed.get("kpi", "")),
        pair=next((one for one in templates() if one.slug == form.typed.get("template")), None),
    )


def _drawn_means(request: Request, session: Session, form: Form) -> Response:
    return page(
        request,
        "registry/mechanism.html",
        status=form.status,
        form=form,
        cpis=options(session, kind=MetricKind.CPI),
    )
