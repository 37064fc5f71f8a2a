"""How does an exploration come about, and how is it looked at?"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from analyses import Question
from service.access import Actor
from service.evidence.plan import Plan, PlannedHypothesis, PlannedMetric
from service.evidence.plans import plan_of
from service.experiments.planned import PlannedExperiment
from service.explorations.rules import ALPHA, Asked, of_no_unit
from service.explorations.schemas import NOTE, ExplorationAnswer, ExplorationRequest, ExplorationSummary
from service.explorations.tables import Exploration
from service.kit.clock import now
from service.kit.errors import Conflict, Invalid, NotFound, Violation, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, page
from service.metrics.schemas import MetricKind
from service.runs import service as runs
from service.runs.rules import RunKind, RunState
from service.runs.tables import Run

INSTEAD = {
    "quantile": "Name one that each unit has a value of: the mean, or the share of units beyond a level.",
    "ratio": "Name one that each unit has a value of: what the ratio sums, or a mean.",
}
"""What of a metric that no single unit has can be asked of units."""


class ExplorationNotFound(NotFound):
    """No exploration of this experiment has this id."""

    slug, title = "exploration-not-found", "There is no such exploration"


class StillRunning(Conflict):
    """Intervals that hold for one look are shown at the end alone, whatever they are of."""

    slug, title = "experiment-still-running", "An experiment is explored once it has stopped"


def ask(
    session: Session, experiment: PlannedExperiment, request: ExplorationRequest, actor: Actor
) -> Exploration:
    """Put an exploration of a stopped experiment into the queue."""
    if not experiment.stopped:
        raise StillRunning(f"It is {experiment.state.value}. Stop it first.")
    plan = plan_of(session, experiment.id)
    hypothesis = None if request.cpi else _hypothesis(plan, request)
    asked = asked_of(plan, request)
    _of_units(asked, by="hypothesis" if request.cpi is None else None)
    row = Exploration(
        id=new_id("xpl"),
        experiment_id=experiment.id,
        hypothesis_id=None if hypothesis is None else hypothesis.id,
        cpi=asked.cpi.ref,
        kpi=asked.kpi.ref,
        arm=asked.arm,
        asked=request.model_dump(mode="json"),
        run_id="",
        created_by=actor.owner,
        created_at=now(),
    )
    run = runs.ask_other(
        session, RunKind.EXPLORATION, subject=row.id, team=experiment.team, author=actor.owner
    )
    row.run_id = run.id
    session.add(row)
    session.flush()
    return row


def asked_of(plan: Plan, request: ExplorationRequest) -> Asked:
    """What the request means for this plan; Invalid where the plan knows nothing of what it names."""
    hypothesis = None if request.cpi else _hypothesis(plan, request)
    if hypothesis is None:
        cpi = _metric(plan, request.cpi or "", "cpi", MetricKind.CPI)
        kpi = _metric(plan, request.kpi or "", "kpi", MetricKind.KPI)
        question = Question(
            cpi_step=cpi.step or 1.0, kpi_sign=kpi.better or 1, smallest_slope=None, bound=None, alpha=ALPHA
        )
    else:
        cpi, kpi = plan.metric(hypothesis.cpi), plan.metric(hypothesis.kpi)
        question = replace(hypothesis.question, alpha=ALPHA)
    return Asked(
        cpi=cpi,
        kpi=kpi,
        arm=_arm(plan, hypothesis, request),
        attributes=request.attributes,
        seed=request.seed,
        question=question,
    )


def _of_units(asked: Asked, by: str | None) -> None:
    """Invalid where no data could give single units a value; the field is what named the metric."""
    found = {"cpi": of_no_unit(asked.cpi), "kpi": of_no_unit(asked.kpi)}
    errors = [
        Violation(
            field=by or end,
            rule=f"no_{why.reason}",
            message=f"{why.detail}: an exploration reads units one by one.",
            how=INSTEAD[why.reason],
        )
        for end, why in found.items()
        if why is not None
    ]
    if errors:
        raise Invalid(errors=errors)


def _hypothesis(plan: Plan, request: ExplorationRequest) -> PlannedHypothesis:
    covered = [one for one in plan.hypotheses if one.covered]
    found = [one for one in covered if request.hypothesis in (None, one.id)]
    if not found:
        raise _refused(
            "hypothesis", request.hypothesis, "one that the experiment is evidence on", len(covered)
        )
    return found[0]


def _metric(plan: Plan, name: str, field: str, kind: MetricKind) -> PlannedMetric:
    of_kind = [one for one in plan.metrics if one.kind is kind]
    found = [one for one in of_kind if name in (one.id, one.ref)]
    if not found:
        raise _refused(field, name, f"a {kind.value} that the experiment measures", len(of_kind))
    return found[0]


def _arm(plan: Plan, hypothesis: PlannedHypothesis | None, request: ExplorationRequest) -> str:
    if request.arm is not None:
        if request.arm not in plan.treatments:
            raise _refused("arm", request.arm, f"one of {', '.join(plan.treatments)}", len(plan.treatments))
        return request.arm
    placebos = {one.name for one in hypothesis.arms if one.placebo} if hypothesis else set()
    return next((one for one in plan.treatments if one not in placebos), plan.treatments[0])


def _refused(field: str, got: object, expected: str, known: int) -> Invalid:
    told = f"expected {expected}, got {excerpt(got)}; it has {known}"
    return Invalid(errors=[{"field": field, "message": told, "rule": f"{field}_of_the_experiment"}])


def get(session: Session, exploration_id: str) -> Exploration:
    """The exploration of this id."""
    row = session.get(Exploration, exploration_id)
    if row is None:
        raise ExplorationNotFound(f"There is no exploration {excerpt(exploration_id)}.")
    return row


def of_experiment(session: Session, experiment_id: str, exploration_id: str) -> Exploration:
    """The same, if it is this experiment's."""
    row = get(session, exploration_id)
    if row.experiment_id != experiment_id:
        raise ExplorationNotFound(f"{experiment_id} has no exploration {excerpt(exploration_id)}.")
    return row


def find(session: Session, experiment_id: str, query: Query) -> Found[Exploration]:
    """Explorations of an experiment, the newest first."""
    statement = select(Exploration).where(Exploration.experiment_id == experiment_id)
    return page(session, statement, Exploration.id, query, newest_first=True)


def summaries(session: Session, rows: Sequence[Exploration]) -> list[ExplorationSummary]:
    """Where each stands; of its run nothing is read but the state and why it gave no answer."""
    ids = [row.run_id for row in rows]
    why = Run.result[("explored", "not_estimable", "detail")].as_string()
    asked = select(Run.id, Run.state, why).where(Run.id.in_(ids))
    found = {run: (state, told) for run, state, told in session.execute(asked)}
    return [ExplorationSummary.model_validate(_fields(row, *found[row.run_id])) for row in rows]


def answer(session: Session, row: Exploration) -> ExplorationAnswer:
    """With what its run found."""
    run = runs.get(session, row.run_id)
    found = (run.result or {}).get("explored") if run.state is RunState.SUCCEEDED else None
    more = {"note": NOTE, "asked": row.asked, "found": found, "provenance": run.provenance}
    refused = found.get("not_estimable") if isinstance(found, dict) else None
    why = refused.get("detail") if isinstance(refused, dict) else None
    return ExplorationAnswer.model_validate(_fields(row, run.state, why) | more)


def _fields(row: Exploration, state: RunState, no_answer: object) -> dict[str, object]:
    own = {"status": "exploratory", "state": state, "no_answer": no_answer}
    return own | {name: getattr(row, name) for name in ExplorationSummary.model_fields if name not in own}
