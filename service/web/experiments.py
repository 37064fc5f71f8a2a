"""Experiments: can this one be trusted, what did it find, and how far has it come?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, JsonValue
from sqlalchemy.orm import Session

from service.experiments import planned
from service.experiments import service as experiments
from service.experiments.planned import PlannedExperiment
from service.experiments.schemas import ExperimentState
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.kit import paging
from service.kit.canonical import canonical_json
from service.kit.errors import NotFound
from service.kit.http import ReadSession
from service.metrics.scale import Scale
from service.metrics.service import PinnedMetric
from service.runs import service as runs
from service.runs.rules import RunState
from service.runs.tables import Run
from service.web.rendering import page
from service.web.rights import may_change, may_edit
from service.web.route import pages

experiment_pages = pages()


class NoResult(NotFound):
    slug, title = "no-result", "This experiment has no result yet"


class Lenient(BaseModel):
    """A part of a kept result; what a page does not show may be there too."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class CheckShown(Lenient):
    name: str
    passed: bool | None
    detail: str
    gates: bool


class ArmShown(Lenient):
    experiment: str
    arm: str
    n: int


class EffectShown(Lenient):
    metric: str
    arm: str
    estimate: float | None = None
    interval: tuple[float | None, float | None] | None = None
    not_estimable: dict[str, JsonValue] | None = None


class JudgementShown(Lenient):
    verdict: dict[str, JsonValue]


class FindingShown(Lenient):
    hypothesis_id: str
    judgement: JudgementShown | None


class ResultShown(Lenient):
    arms: tuple[ArmShown, ...] = ()
    checks: tuple[CheckShown, ...] = ()
    effects: tuple[EffectShown, ...] = ()
    hypotheses: tuple[FindingShown, ...] = ()
    units: dict[str, int] = {}
    why_not_final: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRows:
    """One metric and what each arm did to it, in the units that people read."""

    metric: PinnedMetric
    scale: Scale
    effects: tuple[EffectShown, ...]


@experiment_pages.get("/experiments")
def experiments_page(
    request: Request,
    session: ReadSession,
    state: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Response:
    known = ExperimentState(state) if state in list(ExperimentState) else None
    wanted = experiments.Filter(state=known)
    found = experiments.find(session, wanted, paging.Query(cursor=cursor))
    return page(
        request,
        "experiments.html",
        experiments=found.items,
        states=tuple(ExperimentState),
        state=state,
        following=found.next,
        may_edit=may_edit(request),
    )


@experiment_pages.get("/experiments/{experiment_id}")
def experiment_page(experiment_id: str, request: Request, session: ReadSession) -> Response:
    plan = planned.get(session, experiment_id)
    found = experiments.show(session, experiment_id)
    shown = found.value
    run = _latest(session, experiment_id)
    result = ResultShown() if run is None else ResultShown.model_validate(run.result)
    tested = [hypotheses.get_registered(session, one.hypothesis) for one in plan.hypotheses if plan.sha256]
    failed = [check for check in result.checks if check.passed is False]
    return page(
        request,
        "experiment.html",
        experiment=shown,
        revision=found.revision,
        may_change=may_change(request, shown.team),
        run=run,
        result=result,
        failed=failed,
        blocked=any(check.gates for check in failed),
        groups=_groups(plan, tested, result),
        tested=[(one, _verdict(result, one.id)) for one in tested],
        analysed=sum(arm.n for arm in result.arms if arm.experiment == experiment_id),
    )


@experiment_pages.get("/experiments/{experiment_id}/result.json")
def experiment_result(experiment_id: str, session: ReadSession) -> Response:
    """The latest result as it is kept."""
    run = _latest(session, experiment_id)
    if run is None:
        raise NoResult("No run of it has ended well yet.")
    name = f'attachment; filename="{run.id}.json"'
    return Response(
        canonical_json(run.result), media_type="application/json", headers={"Content-Disposition": name}
    )


def _latest(session: Session, experiment_id: str) -> Run | None:
    """The newest planned run that ended well; exploratory ones are no answer."""
    found = runs.planned_of(session, experiment_id)
    return next((run for run in found if run.state is RunState.SUCCEEDED), None)


def _groups(
    plan: PlannedExperiment, tested: Sequence[RegisteredHypothesis], result: ResultShown
) -> tuple[tuple[str, tuple[MetricRows, ...]], ...]:
    """Goals, secondary metrics, guardrails: each metric once, where it matters most."""
    goals = {metric.key: metric for one in tested for metric in (one.cpi, one.kpi)}
    secondary = {one.key: one for one in plan.secondary if one.key not in goals}
    guardrails = {one.key: one for one in plan.guardrails if one.key not in goals | secondary}
    groups = (("goal", goals), ("secondary", secondary), ("guardrail", guardrails))
    return tuple((name, tuple(_rows(one, result) for one in of.values())) for name, of in groups if of)


def _rows(metric: PinnedMetric, result: ResultShown) -> MetricRows:
    scale = Scale.of(metric.definition)
    effects = tuple(_scaled(one, scale) for one in result.effects if one.metric == metric.key)
    return MetricRows(metric=metric, scale=scale, effects=effects)


def _scaled(effect: EffectShown, scale: Scale) -> EffectShown:
    if effect.estimate is None or effect.interval is None:
        return effect
    low, high = (None if end is None else end * scale.factor for end in effect.interval)
    return effect.model_copy(update={"estimate": effect.estimate * scale.factor, "interval": (low, high)})


def _verdict(result: ResultShown, hypothesis_id: str) -> dict[str, JsonValue] | None:
    found = (one.judgement for one in result.hypotheses if one.hypothesis_id == hypothesis_id)
    judged = next(found, None)
    return None if judged is None else judged.verdict
