"""What does a report quote from the registry? Metrics, hypotheses and plans, as they were frozen."""

from pydantic import TypeAdapter

from service.experiments.planned import PlannedExperiment
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.text import Duration
from service.metrics.scale import Scale
from service.metrics.service import PinnedMetric
from service.reports.bundles import ArmPart, HypothesisPart, MetricPart, PhasePart, PlanPart

_DURATION: TypeAdapter[object] = TypeAdapter(Duration)


def metric_part(metric: PinnedMetric) -> MetricPart:
    return MetricPart(
        ref=metric.key,
        id=metric.id,
        version=metric.version,
        name=metric.name,
        kind=metric.kind.value,
        state=None if metric.state is None else metric.state.value,
        share=Scale.of(metric.definition).points,
        unit=None if metric.increment is None else metric.increment.unit,
    )


def hypothesis_part(hypothesis: RegisteredHypothesis) -> HypothesisPart:
    increment = hypothesis.cpi.valued
    same = ("id", "version", "sha256", "statement", "smallest_slope", "direct_effect_bound", "alpha")
    told = ("unit_type", "rationale", "owner", "team", "registered_at", "registered_by", "amendments")
    return HypothesisPart(
        **{name: getattr(hypothesis, name) for name in (*same, *told)},
        cpi=metric_part(hypothesis.cpi),
        kpi=metric_part(hypothesis.kpi),
        increment=increment.words,
        step=increment.step,
        direction=hypothesis.direction.value,
        window=str(_DURATION.dump_python(hypothesis.window, mode="json")),
    )


def plan_part(plan: PlannedExperiment) -> PlanPart:
    same = ("id", "name", "team", "owner", "unit_type", "planned_units", "planned_looks", "cluster")
    times = ("sha256", "approved_at", "started_at", "stopped_at")
    return PlanPart(
        **{name: getattr(plan, name) for name in (*same, *times)},
        state=plan.state.value,
        arms=tuple(
            ArmPart(name=one.name, control=one.control, weight=one.weight, description=one.description)
            for one in plan.arms
        ),
        randomised_by=plan.randomised_by.value,
        analysis=plan.analysis.model_dump(mode="json"),
        phases=tuple(
            PhasePart(number=one.number, started_at=one.started_at, weights=dict(one.weights))
            for one in plan.phases
        ),
    )
