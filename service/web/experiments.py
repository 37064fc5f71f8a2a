"""Experiments: can this one be trusted, what did it find, and how far has it come?"""

from typing import Annotated

from fastapi import Query, Request, Response
from sqlalchemy.orm import Session

from service.charts.drawing import pictured
from service.evidence.kept import kept
from service.experiments import planned
from service.experiments import service as experiments
from service.experiments.schemas import ExperimentState
from service.explorations import service as explorations
from service.hypotheses import registered as hypotheses
from service.kit import paging
from service.kit.canonical import canonical_json
from service.kit.errors import NotFound
from service.kit.http import ReadSession
from service.runs import service as runs
from service.web import experiment_shown
from service.web.downloads import csv_file, json_file
from service.web.failed import failed
from service.web.names import said_by_name
from service.web.noted import noted
from service.web.registry.form import Form, Step
from service.web.registry.typed import Shape
from service.web.rendering import page, words_of
from service.web.rights import may_change, may_edit
from service.web.route import pages

experiment_pages = pages()
MOST_EXPLORED = 20
EXPLORING = (Step(name="exploration", fields=("attributes",)),)


class NoResult(NotFound):
    slug, title = "no-result", "This experiment has no result yet"


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
    return drawn_experiment(request, session, experiment_id, Form(steps=EXPLORING, shape=Shape(), typed={}))


def drawn_experiment(request: Request, session: Session, experiment_id: str, exploring: Form) -> Response:
    """The page, with the attributes to explore by as far as somebody typed them."""
    plan = planned.get(session, experiment_id)
    found = experiments.show(session, experiment_id)
    run = runs.latest_answered(session, experiment_id)
    result = kept(None if run is None else run.result)
    tested = [hypotheses.get_registered(session, one.hypothesis) for one in plan.hypotheses if plan.sha256]
    drawn = experiment_shown.charts(words_of(request), result, experiment_shown.goals_of(tested))
    progress = experiment_shown.progress(plan, result, None if run is None else run.as_of)
    return page(
        request,
        "experiment.html",
        status=exploring.status,
        exploring=exploring,
        experiment=found.value,
        plan=plan,
        revision=found.revision,
        noted=noted(request, session, experiment_id),
        may_change=may_change(request, found.value.team),
        run=run,
        failed=failed(runs.planned_heads(session, experiment_id), plan.name),
        doubts=[said_by_name(session, f"{one.message} {one.how}") for one in found.value.warnings],
        result=result,
        quality=experiment_shown.quality(result.checks),
        blocked=any(one.gates and one.passed is False for one in result.checks),
        decision=experiment_shown.decision(result, tested, analysed=run is not None),
        groups=experiment_shown.groups(plan, tested, result),
        tested=experiment_shown.concluded(result, tested),
        progress=progress,
        funnel=experiment_shown.funnel(result, progress.analysed),
        charts=pictured(request.app.state.database, session, drawn),
        explored=explorations.summaries(
            session, explorations.find(session, experiment_id, paging.Query(limit=MOST_EXPLORED)).items
        ),
    )


@experiment_pages.get("/experiments/{experiment_id}/result.json")
def experiment_result(experiment_id: str, session: ReadSession) -> Response:
    """The latest result as it is kept."""
    run = runs.latest_answered(session, experiment_id)
    if run is None:
        raise NoResult("No run of it has ended well yet.")
    return json_file(canonical_json(run.result), run.id)


@experiment_pages.get("/experiments/{experiment_id}/effects.csv")
def experiment_effects(experiment_id: str, session: ReadSession) -> Response:
    """The table of effects, in raw units as the API gives them."""
    run = runs.latest_answered(session, experiment_id)
    if run is None:
        raise NoResult("No run of it has ended well yet.")
    return csv_file(experiment_shown.effect_lines(kept(run.result)), run.id)
