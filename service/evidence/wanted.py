"""In which ways is each metric read? From the registered plan to what the estimators are asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analyses import (
    Boundary,
    Circumstances,
    Margin,
    Measure,
    NotEstimable,
    Phases,
    Standing,
    Wanted,
    phase_means,
    standings,
    usable_phases,
)
from service.evidence.plan import Plan, PlannedMetric
from service.experiments.analysis import Sides
from service.facts import MomentsResult, UnitState, measure_of
from service.metrics.definitions import ProportionDefinition


def covariates_of(plan: Plan) -> tuple[str, ...]:
    """The columns known before exposure that the plan adjusts every estimate by."""
    chosen = [
        measure_of(metric.ref, metric.definition) for metric in plan.metrics if metric.ref in plan.covariates
    ]
    return tuple(column for measure in chosen for column in measure.covariates)


def measure_in(metric: PlannedMetric, covariates: tuple[str, ...]) -> Measure:
    """How the metric is read off the columns, with the plan's covariates instead of its own."""
    return replace(measure_of(metric.ref, metric.definition), covariates=covariates)


def wanted(plan: Plan, measures: Mapping[str, Measure], columns: Sequence[str]) -> tuple[Wanted, ...]:
    """Every metric with all that was registered about it."""
    said = plan.analysis
    margins = {one.metric: Margin(amount=one.amount, relative=one.relative) for one in said.margins}
    negligible = {one.metric: one.amount for one in said.negligible}
    return tuple(
        Wanted(
            measure=measures[metric.ref],
            better=metric.better,
            one_sided=said.sides is Sides.ONE,
            uncapped=_uncapped(measures[metric.ref], columns),
            rate=_is_rate(metric, measures[metric.ref]),
            margin=margins.get(metric.id),
            negligible=negligible.get(metric.id),
            prior=plan.priors.get(metric.ref),
        )
        for metric in plan.metrics
    )


def _uncapped(measure: Measure, columns: Sequence[str]) -> Measure | None:
    """The same metric without its cap, where the query brought that column."""
    column = f"{measure.value}/uncapped"
    return replace(measure, value=column) if column in columns else None


def _is_rate(metric: PlannedMetric, measure: Measure) -> bool:
    return isinstance(metric.definition, ProportionDefinition) and measure.per is None


def circumstances(plan: Plan, facts: MomentsResult, look: Boundary | None) -> Circumstances:
    """What has been seen of what was planned, all arms together."""
    return Circumstances(
        units=max(facts.n(UnitState.ANALYSED), 1),
        planned_units=plan.planned_units,
        look=look,
        alpha=plan.analysis.alpha,
    )


def standing(plan: Plan, phases: Phases, one: Wanted) -> Mapping[str, Standing] | NotEstimable:
    """Each arm's chance to be the best in a metric: adjusted where the plan names covariates."""
    if one.better is None:
        return standings({}, better=None)
    means = phase_means(phases, plan.arms, [one.measure], adjusted=bool(one.measure.covariates))
    if isinstance(means, NotEstimable):
        return means
    single = len(usable_phases(phases, plan.arms, [one.measure])[0]) == 1
    return standings(means, better=one.better, rate=one.rate and single and not one.measure.covariates)
