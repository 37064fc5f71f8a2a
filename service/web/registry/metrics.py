"""How does a person register a metric? Step by step, told while they type whether it would be a CPI."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import JsonValue, ValidationError
from sqlalchemy.orm import Session

from service.access import Actor, Editor
from service.access.browsers import require_form_token
from service.kit.http import ReadSession, WriteSession
from service.metrics import service as metrics
from service.metrics.customer import Better, CustomerEvidence, Function, Method, ValueKind
from service.metrics.definitions import Aggregation, ValueType
from service.metrics.rules import CRITERIA, Criterion
from service.metrics.schemas import MetricChange, MetricDraft, MetricKind
from service.metrics.service import Qualification
from service.metrics.templates import find_template
from service.web.registry.form import Form, Sent, Step, pressed
from service.web.registry.typed import Shape, days, flat
from service.web.rendering import COOKIE, page
from service.web.route import pages

metric_forms = pages()
STEPS = (
    Step(name="what", fields=("kind", "name", "unit_type", "description", "function", "template", "scale")),
    Step(
        name="why",
        fields=(
            "outcome",
            "value_kind",
            "value_note",
            "increment",
            "expectations",
            "evidence",
            "cost_of_one_increment",
            "value_of_one_unit",
            "better",
            "better_question",
        ),
    ),
    Step(name="how", fields=("definition",)),
    Step(name="review", fields=()),
)
EVIDENCE_STEP = (Step(name="evidence", fields=("",)),)
_LENGTHS = frozenset(
    {"definition.window", "definition.pre_period", "definition.start", "definition.steps.*.within"}
)
_EVENTS = (
    "definition.event",
    "definition.start",
    "definition.end",
    "definition.population.triggered",
    "definition.numerator.event",
    "definition.denominator.event",
    "definition.all_of.*",
    "definition.steps.*.event",
)
SHAPE = Shape(
    numbers=frozenset(
        {
            "increment.amount",
            "expectations.*.level",
            "cost_of_one_increment.amount",
            "value_of_one_unit.amount",
            "definition.cap.lower",
            "definition.cap.upper",
            "definition.quantile",
            "scale.lowest",
            "scale.highest",
        }
    ),
    integers=frozenset({"evidence.*.customers", "customers"}),
    switches=frozenset(
        {"definition.numerator.count", "definition.denominator.count", "definition.steps.*.absent"}
    ),
    lengths=_LENGTHS,
    scalars=frozenset({f"{event}.where.*.value" for event in _EVENTS}),
)
# Fields that are meant for one way of measuring alone; the others' are left out where it is another.
_COMMON = frozenset({"aggregation", "window", "pre_period", "cap", "population"})
_VALUED = frozenset({"event", "value_property", "value_type", "missing"})
_FIELDS: Mapping[str, frozenset[str]] = {
    Aggregation.MEAN: _VALUED,
    Aggregation.SUM: _VALUED,
    Aggregation.LAST: _VALUED,
    Aggregation.COUNT: frozenset({"event"}),
    Aggregation.PROPORTION: frozenset({"all_of"}),
    Aggregation.RATIO: frozenset({"numerator", "denominator", "value_type"}),
    Aggregation.RETENTION: frozenset({"event", "start"}),
    Aggregation.TIME_BETWEEN: frozenset({"start", "end", "unit"}),
    Aggregation.JOURNEY: frozenset({"steps"}),
    Aggregation.DISTINCT: frozenset({"event", "property"}),
    Aggregation.QUANTILE: _VALUED - {"missing"} | {"quantile", "of"},
}
_HELPING = frozenset({"revision", "population"})
_NEUTRAL: JsonValue = {"aggregation": "count", "event": {"event": "-"}, "window": "P1D"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionShown:
    """One of the questions that make a CPI, and what stands against a yes."""

    criterion: Criterion
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the registry would say so far; no criteria where it is to be no CPI."""

    found: Qualification | None
    criteria: tuple[CriterionShown, ...]


@metric_forms.get("/metrics/new")
def new_metric(
    request: Request,
    _: Editor,
    session: ReadSession,
    template: Annotated[str, Query(max_length=64)] = "",
    kind: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Empty, or filled from the library."""
    start = find_template(template)
    typed = {"kind": kind} if start is None else typed_of(start.metric)
    return _drawn(request, session, _form(typed))


@metric_forms.post("/metrics/new")
def register_metric_on_page(request: Request, actor: Editor, session: WriteSession, sent: Sent) -> Response:
    form = Form.sent(STEPS, SHAPE, sent, _fitting)
    return pressed(
        request,
        session,
        form,
        draw=lambda form, session: _drawn(request, session, form),
        keep=lambda: f"/metrics/{metrics.create(session, actor, form.document.read(MetricDraft)).id}",
    )


@metric_forms.post("/metrics/check")
def check_metric(request: Request, _: Editor, sent: Sent) -> Response:
    """Would what is typed so far be a CPI? Nothing is kept."""
    form = Form.sent(STEPS, SHAPE, sent, _fitting)
    require_form_token(request.cookies.get(COOKIE, ""), form.token)
    return page(request, "registry/qualification.html", judged=_judged(form))


@metric_forms.get("/metrics/{metric_id}/edit")
def edit_metric(metric_id: str, request: Request, _: Editor, session: ReadSession) -> Response:
    metric = metrics.get(session, metric_id)
    typed = typed_of(MetricDraft.model_validate(metric.model_dump(include=set(MetricDraft.model_fields))))
    form = _form(typed | {"revision": str(metric.version)})
    return _drawn(request, session, form, metric_id)


@metric_forms.post("/metrics/{metric_id}/edit")
def change_metric_on_page(
    *, metric_id: str, request: Request, actor: Editor, session: WriteSession, sent: Sent
) -> Response:
    """A new version; hypotheses keep the one that they pinned."""
    form = Form.sent(STEPS, SHAPE, sent, _fitting)
    return pressed(
        request,
        session,
        form,
        draw=lambda form, session: _drawn(request, session, form, metric_id),
        keep=lambda: _changed(session, actor, metric_id, form),
    )


@metric_forms.get("/metrics/{metric_id}/evidence/new")
def new_evidence(metric_id: str, request: Request, _: Editor, session: ReadSession) -> Response:
    metric = metrics.get(session, metric_id)
    form = Form(steps=EVIDENCE_STEP, shape=SHAPE, typed={"revision": str(metric.version)})
    return _drawn_evidence(request, session, form, metric_id)


@metric_forms.post("/metrics/{metric_id}/evidence/new")
def attach_evidence_on_page(
    *, metric_id: str, request: Request, actor: Editor, session: WriteSession, sent: Sent
) -> Response:
    """A contextual inquiry qualifies a provisional CPI."""
    form = Form.sent(EVIDENCE_STEP, SHAPE, sent, _own)

    def keep() -> str:
        evidence = form.document.read(CustomerEvidence)
        return f"/metrics/{metrics.attach_evidence(session, actor, metric_id, form.revision, evidence).id}"

    return pressed(
        request,
        session,
        form,
        draw=lambda form, session: _drawn_evidence(request, session, form, metric_id),
        keep=keep,
    )


def typed_of(draft: MetricDraft) -> dict[str, str]:
    """A draft as it would have been typed."""
    found = flat(draft.model_dump(mode="json", exclude_defaults=True) | {"kind": draft.kind.value})
    found = {name: days(text) if _is_length(name) else text for name, text in found.items()}
    if draft.definition.population != "all":
        found["population"] = "triggered"
    return found


def _is_length(name: str) -> bool:
    return name.rpartition(".")[2] in ("window", "pre_period", "within") or name == "definition.start"


def _form(typed: dict[str, str]) -> Form:
    return Form(steps=STEPS, shape=SHAPE, typed=typed, fits=_fitting)


def _own(typed: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in typed.items() if name not in _HELPING}


def _fitting(typed: dict[str, str]) -> dict[str, str]:
    """Without what belongs to another kind of metric or another way of measuring."""
    aggregation = typed.get("definition.aggregation", "")
    wanted = _COMMON | _FIELDS.get(aggregation, frozenset())
    everybody = typed.get("population") != "triggered"
    kept = {}
    for name, text in _own(typed).items():
        first, _, rest = name.partition(".")
        part = rest.split(".")[0]
        of_others = first == "definition" and aggregation in _FIELDS and part not in wanted
        if not of_others and not (everybody and name.startswith("definition.population.")):
            kept[name] = text
    if aggregation == Aggregation.RETENTION:
        return {name: text for name, text in kept.items() if not name.startswith("definition.start.")}
    return kept if aggregation != Aggregation.TIME_BETWEEN else _without(kept, "definition.start")


def _without(typed: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: text for key, text in typed.items() if key != name}


def _changed(session: Session, actor: Actor, metric_id: str, form: Form) -> str:
    """Every field as it is typed; kind, unit type and template stay as they were."""
    draft = form.document.read(MetricDraft)
    change = MetricChange.model_validate({name: getattr(draft, name) for name in MetricChange.model_fields})
    return f"/metrics/{metrics.change(session, actor, metric_id, form.revision, change).id}"


def _judged(form: Form) -> Judged:
    """The panel beside the form: the criteria, what stands against each, and what evidence is worth."""
    draft = _as_far_as_typed(form)
    found = None if draft is None else metrics.qualify(draft)
    cpi = draft is not None and draft.kind is MetricKind.CPI
    return Judged(found=found, criteria=_criteria(found) if cpi else ())


def _criteria(found: Qualification | None) -> tuple[CriterionShown, ...]:
    refused = () if found is None else found.refusals
    return tuple(
        CriterionShown(
            criterion=criterion,
            against=tuple(one["message"] for one in refused if one.get("rule") in rules),
        )
        for criterion, rules in CRITERIA.items()
    )


def _as_far_as_typed(form: Form) -> MetricDraft | None:
    """What can be judged already: parts that cannot be read yet are left out, never guessed."""
    fields = dict(form.document.fields)
    spare: dict[str, JsonValue] = {"name": "-", "unit_type": "-", "definition": _NEUTRAL}
    for _ in range(len(fields) + 1):
        try:
            return MetricDraft.model_validate(spare | fields)
        except ValidationError as error:
            broken = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
            if not broken & set(fields):
                return None
            fields = {name: value for name, value in fields.items() if name not in broken}
    return None


def _drawn(request: Request, session: Session, form: Form, metric_id: str | None = None) -> Response:
    return page(
        request,
        "registry/metric.html",
        status=form.status,
        form=form,
        metric=None if metric_id is None else metrics.get(session, metric_id),
        kinds=tuple(MetricKind),
        functions=tuple(Function),
        value_kinds=tuple(ValueKind),
        value_types=tuple(ValueType),
        methods=tuple(Method),
        betters=tuple(Better),
        aggregations=tuple(Aggregation),
        judged=_judged(form),
    )


def _drawn_evidence(request: Request, session: Session, form: Form, metric_id: str) -> Response:
    return page(
        request,
        "registry/evidence.html",
        status=form.status,
        form=form,
        metric=metrics.get(session, metric_id),
        methods=tuple(Method),
    )
