"""What does the registry say about one experiment? The plan of its analysis, read in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from analyses import ContrastArm, Question
from service.evidence.plan import Plan, PlannedHypothesis, PlannedMetric
from service.evidence.priors import priors_of
from service.experiments import planned as experiments
from service.experiments.planned import PlannedExperiment
from service.experiments.schemas import DoseKind, Placebo, RandomisedBy, Treatment
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.metrics import service as metrics
from service.metrics.schemas import MetricKind
from service.metrics.segments import Segmentation, named
from service.metrics.service import PinnedMetric


def plan_of(session: Session, experiment_id: str) -> Plan:
    """Its own metrics, every other CPI that its horizon covers, and the hypotheses it is evidence on."""
    experiment = experiments.get(session, experiment_id)
    named = [hypotheses.get_registered(session, test.hypothesis) for test in experiment.hypotheses]
    own = experiments.measured(session, experiment.id)
    horizon = max([metric.definition.window for metric in own] + [one.window for one in named])
    tested = (*named, *_unnamed(session, experiment, own))
    measured = _measured(own, tested, horizon)
    rivals = _rivals(session, experiment, tuple(measured.values()))
    covered = {cpi.key: cpi for cpi in rivals if cpi.definition.window <= horizon}
    return Plan(
        experiment=experiment.id,
        name=experiment.name,
        control=experiment.control.name,
        treatments=tuple(arm.name for arm in experiment.treatments),
        shares=experiment.shares(),
        metrics=tuple(_planned(metric, named) for metric in (*measured.values(), *covered.values())),
        not_measured=tuple(cpi.name for cpi in rivals if cpi.key not in covered),
        hypotheses=tuple(_tested(experiment, one, horizon) for one in tested),
        horizon=horizon,
        covariates=tuple(metric.key for metric in own if metric.id in experiment.covariates),
        records_differently=tuple((entry.arm, entry.metric) for entry in experiment.records_differently),
        interference_possible=experiment.interference_possible,
        clustered=experiment.randomised_by is RandomisedBy.CLUSTER,
        exposure=experiment.exposure,
        source=experiment.source,
        planned_units=experiment.planned_units,
        started_at=experiment.started_at,
        stopped_at=experiment.stopped_at,
        digest=experiment.sha256 or "",
        analysis=experiment.analysis,
        cluster=experiment.cluster,
        segments=_segments(experiment, named),
        primary=_primary(experiment, named),
        secondary=frozenset(metric.key for metric in own),
        priors=priors_of(session, experiment.analysis, own, experiment.started_at),
    )


def _segments(
    experiment: PlannedExperiment, named: Sequence[RegisteredHypothesis]
) -> tuple[Segmentation, ...]:
    """By what units are told apart: the blocks of the design, what the plan and the hypotheses name."""
    blocks = () if experiment.analysis.blocks is None else (experiment.analysis.blocks,)
    claimed = (segment for one in named for segment in one.segments)
    return tuple(dict.fromkeys((*blocks, *experiment.analysis.segments, *claimed)))


def _primary(experiment: PlannedExperiment, named: Sequence[RegisteredHypothesis]) -> frozenset[str]:
    """As the plan says, else CPI and KPI of the hypotheses under test."""
    tested = [metric for one in named for metric in (one.cpi, one.kpi)]
    said = set(experiment.analysis.primary)
    named_metrics = (*tested, *experiment.secondary, *experiment.guardrails)
    return frozenset(
        metric.key for metric in (named_metrics if said else tested) if not said or metric.id in said
    )


def _rivals(
    session: Session, experiment: PlannedExperiment, measured: Sequence[PinnedMetric]
) -> Sequence[PinnedMetric]:
    """CPIs that were known when it started, and are not measured anyway under any version or name."""
    if experiment.started_at is None:
        return ()
    ids, definitions = {metric.id for metric in measured}, [metric.definition for metric in measured]
    active = metrics.active_cpis(session, experiment.unit_type, experiment.started_at)
    return [cpi for cpi in active if cpi.id not in ids and cpi.definition not in definitions]


def planned_shift(counted: Iterable[PlannedExperiment], hypothesis_id: str) -> float | None:
    """The largest change of the CPI that any arm was to bring, in the CPI's own unit; None if none says."""
    roles = [role for experiment in counted for role in experiment.roles(hypothesis_id)]
    doses = [role.dose for role in roles if isinstance(role, Treatment)]
    return max((abs(dose.amount) for dose in doses if dose.kind is DoseKind.CHANGE), default=None)


def _unnamed(
    session: Session, experiment: PlannedExperiment, own: Sequence[PinnedMetric]
) -> tuple[RegisteredHypothesis, ...]:
    """What it counts for without naming it: the rule of experiments.service.linked, seen from this side."""
    started, ids = experiment.started_at, {metric.id for metric in own}
    named = {test.hypothesis for test in experiment.hypotheses}
    return tuple(
        one
        for one in hypotheses.registered(session)
        if one.id not in named
        and one.unit_type == experiment.unit_type
        and started is not None
        and one.registered_at <= started
        and {one.cpi.id, one.kpi.id} <= ids
    )


def _measured(
    own: Sequence[PinnedMetric], tested: Sequence[RegisteredHypothesis], horizon: timedelta
) -> Mapping[str, PinnedMetric]:
    """Each pinned version once: any version of a metric is computed from the same outcomes."""
    wanted = [metric for one in tested for metric in (one.cpi, one.kpi)]
    return {metric.key: metric for metric in (*own, *wanted) if metric.definition.window <= horizon}


def _tested(
    experiment: PlannedExperiment, hypothesis: RegisteredHypothesis, horizon: timedelta
) -> PlannedHypothesis:
    return PlannedHypothesis(
        id=hypothesis.id,
        named=any(test.hypothesis == hypothesis.id for test in experiment.hypotheses),
        cpi=hypothesis.cpi.key,
        kpi=hypothesis.kpi.key,
        arms=_arms(experiment, hypothesis.id),
        covered=hypothesis.window <= horizon,
        question=_question(hypothesis),
        segments=tuple(map(named, hypothesis.segments)),
    )


def _question(hypothesis: RegisteredHypothesis) -> Question:
    return Question(
        cpi_step=hypothesis.cpi.valued.step,
        kpi_sign=hypothesis.sign,
        smallest_slope=hypothesis.smallest_slope,
        bound=hypothesis.direct_effect_bound,
        alpha=hypothesis.alpha,
    )


def _arms(experiment: PlannedExperiment, hypothesis_id: str) -> tuple[ContrastArm, ...]:
    """Every arm but the control; those without a role share one unnamed mechanism.

    A placebo moves nothing; the mechanism it may name is the one whose side effects it carries.
    """
    roles = {role.arm: role for role in experiment.roles(hypothesis_id)}
    return tuple(
        ContrastArm(
            name=arm.name,
            mechanism=roles[arm.name].mechanism if arm.name in roles else None,
            placebo=isinstance(roles.get(arm.name), Placebo),
        )
        for arm in experiment.treatments
    )


def _planned(metric: PinnedMetric, tested: Iterable[RegisteredHypothesis]) -> PlannedMetric:
    return PlannedMetric(
        ref=metric.key,
        name=metric.name,
        kind=metric.kind,
        definition=metric.definition,
        better=_better(metric, tested),
        step=_step(metric),
    )


def _better(metric: PinnedMetric, tested: Iterable[RegisteredHypothesis]) -> int | None:
    """A CPI says it itself, and a KPI may; else it is to go where a hypothesis under test wants it."""
    if metric.increment is not None:
        return metric.increment.better.sign
    if metric.kind is not MetricKind.KPI:
        return None
    if metric.better is not None:
        return metric.better.sign
    return next((one.sign for one in tested if one.kpi.id == metric.id), None)


def _step(metric: PinnedMetric) -> float | None:
    increment = metric.increment
    return None if increment is None else increment.step
