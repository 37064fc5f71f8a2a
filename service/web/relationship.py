"""One lever: what was claimed, what was concluded and why, contrast by contrast, and how that came about."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from service.access import Actor, Role
from service.access.browsers import require_form_token
from service.charts import drawing
from service.charts.relationship import Contrast, Judged, Slopes, contrasts_chart, history_chart
from service.evidence import service as evidence
from service.evidence.documents import SlopeDocument, VerdictDocument
from service.evidence.tables import Verdict
from service.experiments import planned as experiments
from service.hypotheses import mechanisms
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.http import ReadSession, WriteSession
from service.levers import commitments
from service.levers import service as levers
from service.levers.commitments import CommitmentDraft
from service.metrics import service as metrics
from service.metrics.customer import Better
from service.metrics.scale import Scale
from service.metrics.service import PinnedMetric
from service.web.forms import read_form
from service.web.lever_words import Told, told
from service.web.noted import noted
from service.web.rendering import COOKIE, page
from service.web.route import pages
from service.web.strip import strip

relationship = pages()
Text = Annotated[str, Form(max_length=5000)]
_MECHANISM = re.compile(r"mec_[0-9a-z]+")


class ContrastShown(BaseModel):
    """One contrast of a verdict's relationship, as it is kept; fields that a page does not show may come."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    experiment: str
    arm: str
    mechanism: str | None
    placebo: bool
    cpi_effect: float
    kpi_effect: float
    var_cpi: float
    var_kpi: float
    cov: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One contrast with the names that people know it by."""

    experiment_id: str
    experiment: str
    contrast: Contrast


@relationship.get("/levers/{hypothesis_id}")
def lever_page(hypothesis_id: str, request: Request, session: ReadSession) -> Response:
    lever = told(levers.show(session, hypothesis_id))
    hypothesis = hypotheses.get_registered(session, hypothesis_id)
    history = evidence.verdicts(session, hypothesis_id)
    latest = history[0] if history else None
    rows = [] if latest is None else _rows(session, latest, hypothesis)
    charts = []
    if rows:
        charts.append(
            contrasts_chart(
                _unit(hypothesis.cpi),
                _unit(hypothesis.kpi),
                [row.contrast for row in rows],
                _raw(lever, hypothesis),
            )
        )
    if len(history) > 1:
        charts.append(history_chart(_slope_unit(lever), lever.smallest, _judged(history, lever.scale)))
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
        missing=evidence.unreported(session, hypothesis),
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


def _rows(session: Session, verdict: Verdict, hypothesis: RegisteredHypothesis) -> list[Row]:
    """The contrasts in the units that people read; a relationship that could not be estimated has none."""
    kept = verdict.relationship.get("contrasts")
    shown = [ContrastShown.model_validate(one) for one in kept] if isinstance(kept, list) else []
    names = {one.experiment: experiments.get(session, one.experiment).name for one in shown}
    named = _mechanisms(session, shown)
    cpi, kpi = Scale.of(hypothesis.cpi.definition).factor, Scale.of(hypothesis.kpi.definition).factor
    return [
        Row(
            experiment_id=one.experiment,
            experiment=names[one.experiment],
            contrast=Contrast(
                name=f"{names[one.experiment]}: {one.arm}",
                mechanism=named.get(one.mechanism or "", one.mechanism or "unnamed"),
                placebo=one.placebo,
                cpi=one.cpi_effect * cpi,
                kpi=one.kpi_effect * kpi,
                var_cpi=one.var_cpi * cpi**2,
                var_kpi=one.var_kpi * kpi**2,
                cov=one.cov * cpi * kpi,
            ),
        )
        for one in shown
    ]


def _mechanisms(session: Session, shown: Sequence[ContrastShown]) -> Mapping[str, str]:
    ids = {one.mechanism for one in shown if one.mechanism and _MECHANISM.fullmatch(one.mechanism)}
    return {one: mechanisms.get(session, one).value.name for one in ids}


def _raw(lever: Told, hypothesis: RegisteredHypothesis) -> Slopes:
    """The lever's slope per unit of the CPI as it is measured, where it was per step of improvement."""
    increment = hypothesis.cpi.increment
    if increment is None or not lever.sized:
        return Slopes(estimate=None, low=None, high=None)
    step = increment.amount * (-1 if increment.better is Better.LOWER else 1)
    per = Scale.of(hypothesis.cpi.definition).factor * step
    ends = sorted(x / per for x in (lever.low, lever.high) if x is not None)
    closed = len(ends) == 2
    return Slopes(
        estimate=None if lever.estimate is None else lever.estimate / per,
        low=ends[0] if closed else None,
        high=ends[1] if closed else None,
    )


def _judged(history: Sequence[Verdict], scale: Scale) -> list[Judged]:
    """Oldest first."""
    told_of = [(one, VerdictDocument.model_validate(one.verdict)) for one in reversed(history)]
    found = []
    for row, verdict in told_of:
        slope = verdict.slope if isinstance(verdict.slope, SlopeDocument) else None
        low, high = (None, None) if slope is None else slope.interval
        estimate = None if slope is None else slope.estimate
        found.append(
            Judged(
                at=row.created_at,
                state=verdict.state.value,
                estimate=_times(estimate, scale),
                low=_times(low, scale),
                high=_times(high, scale),
            )
        )
    return found


def _times(value: float | None, scale: Scale) -> float | None:
    return None if value is None else value * scale.factor


def _unit(metric: PinnedMetric) -> str:
    """“Quick quote (minute)”; a share is told in points."""
    if Scale.of(metric.definition).points:
        return f"{metric.name} (points)"
    return f"{metric.name} ({metric.increment.unit})" if metric.increment else metric.name


def _slope_unit(lever: Told) -> str:
    points = " (points)" if lever.scale.points else ""
    return f"{lever.lever.kpi.name}{points} per {lever.lever.increment}"
