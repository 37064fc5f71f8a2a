"""In which ways is each metric read? From the registered plan to what the estimators are asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analyses import (
    Boundary,
    Circumstances,
    Margin,
    Measure,
    Moments,
    NotEstimable,
    OrderStatistics,
    Pair,
    PairMeans,
    Phases,
    Standing,
    Wanted,
    arm_means,
    of_clusters,
    phase_means,
    quantile_pair,
    refusal,
    standings,
    usable_phases,
)
from service.evidence.plan import Plan, PlannedMetric
from service.experiments.analysis import Sides
from service.facts import MomentsResult, UnitState, measure_of
from service.metrics.definitions import ProportionDefinition, QuantileDefinition


def strata(plan: Plan, facts: MomentsResult) -> Phases:
    """Arms within which contrasts are formed: phases, and blocks inside each where the plan randomised so.

    Where clusters were randomised, the moments are those of clusters, and none where no cluster is known.
    """
    if plan.cluster is not None:
        return _by_phase(facts, facts.clusters)
    blocks = None if plan.analysis.blocks is None else facts.segments.get(plan.analysis.blocks)
    if not blocks:
        return _by_phase(facts, facts.moments)
    places = sorted({(phase, value) for _, phase, value in blocks})
    return {
        number: {arm: moments for (arm, *place), moments in blocks.items() if tuple(place) == at}
        for number, at in enumerate(places, start=1)
    }


def _by_phase(facts: MomentsResult, cells: Mapping[tuple[str, int], Moments]) -> Phases:
    return {
        phase: {arm: moments for (arm, at), moments in cells.items() if at == phase} for phase in facts.phases
    }


def covariates_of(plan: Plan, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns known before exposure that the plan adjusts every estimate by.

    Where a unit has no value, 0 stands for it and a second column says so: both are adjusted by.
    """
    attributes = [f"attribute:{name}{part}" for name in plan.analysis.attributes for part in ("", "/known")]
    chosen = [
        measure_of(metric.ref, metric.definition) for metric in plan.metrics if metric.ref in plan.covariates
    ]
    metrics = [column for measure in chosen for column in measure.covariates]
    return (*metrics, *(column for column in attributes if column in columns))


def measure_in(plan: Plan, metric: PlannedMetric, covariates: tuple[str, ...]) -> Measure:
    """How the metric is read off the columns, with the plan's covariates instead of its own."""
    measure = replace(measure_of(metric.ref, metric.definition), covariates=covariates)
    return of_plan(plan, measure)


def of_plan(plan: Plan, measure: Measure) -> Measure:
    """A measure as it is read off the rows that were randomised: units, or clusters."""
    return of_clusters(measure) if plan.cluster is not None else measure


def wanted(
    plan: Plan,
    measures: Mapping[str, Measure],
    columns: Sequence[str],
    refused: NotEstimable | None = None,
) -> tuple[Wanted, ...]:
    """Every metric with all that was registered about it; ``refused`` says why none may be adjusted."""
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
            refused=refused,
        )
        for metric in plan.metrics
    )


def _uncapped(measure: Measure, columns: Sequence[str]) -> Measure | None:
    """The same metric without its cap, where the query brought that column."""
    column = f"{measure.value}/uncapped"
    return replace(measure, value=column) if column in columns else None


def _is_rate(metric: PlannedMetric, measure: Measure) -> bool:
    return isinstance(metric.definition, ProportionDefinition) and measure.per is None


def quantiles_in(plan: Plan, facts: MomentsResult) -> dict[tuple[str, str], PairMeans]:
    """Metrics that are quantiles: their pairs come from order statistics, not from moments."""
    found = {}
    for metric in plan.metrics:
        if not isinstance(metric.definition, QuantileDefinition):
            continue
        by_arm: dict[str, dict[int, OrderStatistics]] = {arm: {} for arm in plan.arms}
        for (ref, arm, phase), statistics in facts.quantiles.items():
            if ref == metric.ref and arm in by_arm:
                by_arm[arm][phase] = statistics
        widened = _design_effect(plan, facts, measure_of(metric.ref, metric.definition))
        for arm in plan.treatments:
            raw = quantile_pair(metric.ref, by_arm[plan.control], by_arm[arm], design_effect=widened)
            found[metric.ref, arm] = PairMeans(arm=arm, raw=raw, adjusted=None)
    return found


def _design_effect(plan: Plan, facts: MomentsResult, measure: Measure) -> float:
    """What clusters multiply the variance of the metric's own mean by; never below 1."""
    if plan.cluster is None:
        return 1.0
    ratios = [
        variances[1] / variances[0]
        for cell, clusters in facts.clusters.items()
        if (variances := _variances(facts.moments.get(cell), clusters, measure)) is not None
    ]
    return max([1.0, *ratios])


def _variances(units: Moments | None, clusters: Moments, measure: Measure) -> tuple[float, float] | None:
    """Of the mean, by units and by clusters."""
    if units is None or refusal(units, measure) or refusal(clusters, of_clusters(measure)):
        return None
    single = float(arm_means(units, [measure]).covariance[0, 0])
    whole = float(arm_means(clusters, [of_clusters(measure)]).covariance[0, 0])
    return (single, whole) if single > 0 else None


def circumstances(plan: Plan, facts: MomentsResult, look: Boundary | None) -> Circumstances:
    """What has been seen of what was planned, all arms together.

    Only the share of the plan matters, so that clusters may be counted by their units.
    """
    return Circumstances(
        units=max(facts.n(UnitState.ANALYSED), 1),
        planned_units=plan.planned_units,
        look=look,
        alpha=plan.analysis.alpha,
    )


def standing(
    plan: Plan, phases: Phases, one: Wanted, given: Mapping[tuple[str, str], PairMeans]
) -> Mapping[str, Standing] | NotEstimable:
    """Each arm's chance to be the best in a metric: adjusted where the plan names covariates."""
    if one.better is None:
        return standings({}, better=None)
    pairs = [
        (arm, given[one.measure.name, arm].raw) for arm in plan.treatments if (one.measure.name, arm) in given
    ]
    if pairs:
        return _among(plan, pairs, one.better)
    means = phase_means(phases, plan.arms, [one.measure], adjusted=bool(one.measure.covariates))
    if isinstance(means, NotEstimable):
        return means
    single = len(usable_phases(phases, plan.arms, [one.measure])[0]) == 1
    return standings(means, better=one.better, rate=one.rate and single and not one.measure.covariates)


def _among(
    plan: Plan, pairs: Sequence[tuple[str, Pair | NotEstimable]], better: int
) -> Mapping[str, Standing] | NotEstimable:
    means = {}
    for arm, pair in pairs:
        if isinstance(pair, NotEstimable):
            return pair
        means[plan.control], means[arm] = pair
    return standings(means, better=better)
