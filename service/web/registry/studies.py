"""How does a person ask what unrandomised data say: of whom, by which design, under which causes?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import JsonValue
from sqlalchemy.orm import Session

from service.access import Actor, Editor, Role
from service.hypotheses.options import HypothesisOption
from service.hypotheses.options import options as hypothesis_options
from service.kit import paging
from service.kit.errors import Invalid, Violation
from service.kit.http import ReadSession, WriteSession
from service.metrics.options import options
from service.metrics.schemas import MetricKind
from service.sources import service as sources
from service.sources.schemas import Source
from service.studies import service as studies
from service.studies.schemas import (
    Design,
    DifferencesStudy,
    GraphStudy,
    LeadingStudy,
    SeriesStudy,
    StudyDraft,
    SyntheticStudy,
    ThresholdStudy,
)
from service.studies.templates import templates
from service.web.registry.form import Form, Sent, Step, pressed
from service.web.registry.typed import Document, Shape, flat
from service.web.rendering import page
from service.web.route import pages

study_forms = pages()
STEPS = (
    Step(name="question", fields=("design", "name", "hypothesis", "cpi", "kpi", "notes")),
    Step(name="units", fields=("anchor", "period", "every", "source", "most_units")),
    Step(
        name="how",
        fields=(
            "template",
            "covariates",
            "arrows",
            "causes",
            "unmeasured",
            "groups",
            "changes",
            "adopted",
            "group",
            "changed_at",
            "comparison",
            "score",
            "cutoff",
            "horizon",
            "lags",
        ),
    ),
    Step(name="review", fields=()),
)
SHAPE = Shape(
    numbers=frozenset({"cutoff"}),
    integers=frozenset({"most_units", "horizon", "lags"}),
    scalars=frozenset({"anchor.where.*.value"}),
)
type Model = type[
    GraphStudy | DifferencesStudy | SyntheticStudy | SeriesStudy | ThresholdStudy | LeadingStudy
]
MODELS: Mapping[str, Model] = {
    Design.GRAPH: GraphStudy,
    Design.DIFFERENCES: DifferencesStudy,
    Design.SYNTHETIC_CONTROL: SyntheticStudy,
    Design.INTERRUPTED_SERIES: SeriesStudy,
    Design.DISCONTINUITY: ThresholdStudy,
    Design.LEADING_INDICATOR: LeadingStudy,
}
_ALWAYS = ("design", "name", "notes", "hypothesis", "anchor", "period", "source", "most_units")
_OF_DESIGN: Mapping[str, tuple[str, ...]] = {
    Design.GRAPH: ("template", "covariates", "arrows", "unmeasured"),
    Design.DIFFERENCES: ("every", "groups", "changes"),
    Design.SYNTHETIC_CONTROL: ("every", "groups", "group", "changed_at"),
    Design.INTERRUPTED_SERIES: ("every", "changed_at", "comparison"),
    Design.DISCONTINUITY: ("score", "cutoff"),
    Design.LEADING_INDICATOR: ("every", "groups", "horizon", "lags"),
}
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "attribute": ("kind", "name", "attribute"),
    "category": ("kind", "name", "attribute"),
    "before": ("kind", "name", "metric"),
    "calendar": ("kind", "name", "by"),
    "metric": ("kind", "name", "metric"),
}
_DATES = frozenset({"period.from", "period.to", "changed_at"})


@study_forms.get("/studies/new")
def new_study(
    *,
    request: Request,
    _: Editor,
    session: ReadSession,
    hypothesis: Annotated[str, Query(max_length=64)] = "",
    of: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Empty, about a hypothesis, or like a study that was asked before."""
    typed = {"design": Design.GRAPH.value, "hypothesis": hypothesis, "template": templates()[0].slug}
    if of:
        typed = typed_of(studies.get(session, of).document["request"])
    return _drawn(request, session, Form(steps=STEPS, shape=SHAPE, typed=typed, fits=fitting))


@study_forms.post("/studies/new")
def ask_study_on_page(request: Request, actor: Editor, session: WriteSession, sent: Sent) -> Response:
    form = Form.sent(STEPS, SHAPE, sent, fitting)
    return pressed(
        request,
        session,
        form,
        draw=lambda form, session: _drawn(request, session, form),
        keep=lambda: f"/studies/{studies.ask(session, actor, draft_of(form))[0].id}",
    )


def fitting(typed: dict[str, str]) -> dict[str, str]:
    """The fields of the chosen design; days begin at midnight, UTC."""
    chosen = (*_ALWAYS, *_OF_DESIGN.get(typed.get("design", ""), ()))
    ends = () if typed.get("hypothesis", "").strip() else ("cpi", "kpi")
    return {
        name: _moment(text) if name in _DATES or _is_change(name) else text
        for name, text in typed.items()
        if name.split(".")[0] in (*chosen, *ends) and _of_its_kind(name, typed)
    }


def _is_change(name: str) -> bool:
    return name.startswith("changes.") and name.endswith(".at")


def _of_its_kind(name: str, typed: Mapping[str, str]) -> bool:
    """A covariate's fields that its kind has; a kind that was unchosen leaves what was typed unused."""
    first, *rest = name.split(".")
    if first == "score" and rest:
        return rest[0] in _OF_KIND.get(typed.get("score.kind", ""), ())
    if first != "covariates" or len(rest) != 2:
        return True
    return rest[1] in _OF_KIND.get(typed.get(f"covariates.{rest[0]}.kind", ""), ())


def _moment(text: str) -> str:
    day = text.strip()
    return f"{day}T00:00:00Z" if len(day) == len("2026-01-01") else day


def draft_of(form: Form) -> StudyDraft:
    """The question as the API would have been sent it."""
    document = form.document
    model = MODELS.get(str(document.fields.get("design", "")))
    if model is None:
        raise Invalid(errors=[{"field": "design", "rule": "missing", "message": "This is needed."}])
    if not document.fields.get("hypothesis") and not {"cpi", "kpi"} <= document.fields.keys():
        message = "Name a hypothesis, or a CPI and a KPI."
        raise Invalid(errors=[{"field": "hypothesis", "rule": "names_its_ends", "message": message}])
    _told_by_rows(document)
    _listed(document.fields, "unmeasured")
    comparison = document.fields.get("comparison")
    if isinstance(comparison, dict):
        _listed(comparison, "values")
    draft: StudyDraft = document.read(model)
    return draft


def _told_by_rows(document: Document) -> None:
    """Arrows and dates are typed in rows, and sent by the node or the group that they are of.

    Several rows of one node add up; a group changes once.
    """
    arrows, changes = (_rows(document.fields.pop(name, None)) for name in ("arrows", "changes"))
    needed = (("arrows", "node", arrows), ("changes", "group", changes), ("changes", "at", changes))
    broken = [one for rows, key, found in needed for one in _missing(rows, key, found)]
    if broken := [*broken, *_doubled(changes)]:
        raise Invalid(errors=broken)
    causes: dict[str, list[JsonValue]] = {}
    for row in arrows:
        of = causes.setdefault(str(row["node"]), [])
        of += [name for name in _names(row.get("of")) if name not in of]
    if causes:
        document.fields["causes"] = dict(causes)
    if changes:
        document.fields["adopted"] = {str(row["group"]): row["at"] for row in changes}


def _missing(rows: str, key: str, found: Sequence[dict[str, JsonValue]]) -> Iterator[Violation]:
    for place, row in enumerate(found):
        if not row.get(key):
            yield Violation(field=f"{rows}.{place}.{key}", rule="missing", message="This is needed.")


def _doubled(changes: Sequence[dict[str, JsonValue]]) -> Iterator[Violation]:
    """Two dates of one group: only whoever typed them knows which is right."""
    seen: set[JsonValue] = set()
    for place, row in enumerate(changes):
        group = row.get("group")
        if group and group in seen:
            message = f"“{group}” has a row already."
            how = "A group changes once: leave one of its rows."
            yield Violation(field=f"changes.{place}.group", rule="once", message=message, how=how)
        seen.add(group)


def _rows(found: JsonValue) -> list[dict[str, JsonValue]]:
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _names(text: JsonValue) -> list[JsonValue]:
    """Names with commas between them."""
    return [name.strip() for name in str(text or "").split(",") if name.strip()]


def _listed(fields: dict[str, JsonValue], name: str) -> None:
    if isinstance(fields.get(name), str):
        fields[name] = _names(fields[name])


def typed_of(request: JsonValue) -> dict[str, str]:
    """A kept question as it would have been typed."""
    fields = dict(request) if isinstance(request, dict) else {}
    causes, adopted = fields.pop("causes", None), fields.pop("adopted", None)
    if isinstance(causes, dict):
        fields["arrows"] = [{"node": node, "of": _joined(of)} for node, of in causes.items()]
    if isinstance(adopted, dict):
        fields["changes"] = [{"group": group, "at": at} for group, at in adopted.items()]
    fields["unmeasured"] = _joined(fields.get("unmeasured"))
    comparison = fields.get("comparison")
    if isinstance(comparison, dict):
        fields["comparison"] = comparison | {"values": _joined(comparison.get("values"))}
    typed = flat({name: fields[name] for name in fields if name not in ("alpha", "seed", "related")})
    return {name: _day(text) if name in _DATES or _is_change(name) else text for name, text in typed.items()}


def _joined(names: JsonValue) -> str:
    return ", ".join(map(str, names)) if isinstance(names, list) else ""


def _day(text: str) -> str:
    """Midnight is the day alone."""
    return text[:10] if text[10:] in ("T00:00:00Z", "T00:00:00+00:00") else text


def _readable(request: Request, session: Session) -> list[Source]:
    """Whoever is of another team does not read through a source."""
    actor: Actor = request.state.caller
    wanted = sources.Filter(team=None if actor.role is Role.admin else actor.team)
    return list(paging.everything(lambda query: sources.find(session, wanted, query)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What the answer will be about, as people call it; empty where it was not chosen yet."""

    hypothesis: str = ""
    cpi: str = ""
    kpi: str = ""


def _ends(typed: Mapping[str, str], claims: Sequence[HypothesisOption], names: Mapping[str, str]) -> Ends:
    """A hypothesis names both; else the two that were chosen."""
    wanted = typed.get("hypothesis", "").strip()
    if not wanted:
        return Ends(**{end: names.get(typed.get(end, ""), "") for end in ("cpi", "kpi")})
    claim = next((one for one in claims if one.id == wanted), None)
    if claim is None:
        return Ends(hypothesis=wanted)
    return Ends(hypothesis=f"{claim.cpi} → {claim.kpi}", cpi=claim.cpi, kpi=claim.kpi)


def _covariates(form: Form) -> list[tuple[str, str]]:
    """Name and kind of what is known of each unit, as far as it was typed."""
    found = (f"covariates.{row}" for row in form.rows("covariates", 0))
    told = ((form.typed.get(f"{at}.name", "").strip(), form.typed.get(f"{at}.kind", "")) for at in found)
    return [(name or "–", kind) for name, kind in told if kind in _OF_KIND]


def _drawn(request: Request, session: Session, form: Form) -> Response:
    cpis, kpis = (options(session, kind=kind) for kind in (MetricKind.CPI, MetricKind.KPI))
    claims = hypothesis_options(session)
    slug = form.typed.get("template")
    return page(
        request,
        "registry/study.html",
        status=form.status,
        form=form,
        designs=tuple(Design),
        hypotheses=[one for one in claims if one.registered],
        cpis=cpis,
        kpis=kpis,
        sources=_readable(request, session),
        ends=_ends(form.typed, claims, {one.id: one.name for one in (*cpis, *kpis)}),
        covariates=_covariates(form),
        templates=templates(),
        chosen=next((one for one in templates() if one.slug == slug), None),
    )
