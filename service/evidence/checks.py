"""Can this experiment be trusted? The plan's declarations and the units' counts, asked one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analyses import (
    ArmMeans,
    Check,
    Measure,
    Moved,
    NotEstimable,
    Observed,
    Phases,
    Reading,
    kpi_up_cpi_down,
    multiple_exposure,
    observed_share,
    observed_share_of_clusters,
    phase_means,
    recording_changed,
)
from service.evidence.plan import Plan, PlannedMetric
from service.evidence.trust import clusters, drift, outliers, sample_ratio
from service.evidence.wanted import of_plan
from service.facts import MomentsResult, NumbersRead, UnitState, measure_of, rates
from service.metrics.definitions import RatioDefinition
from service.metrics.schemas import MetricKind


def own_recording(plan: Plan, *metrics: str) -> Check:
    """Whether an arm changes how any of these metrics is recorded; the others are no matter of theirs."""
    ids = {ref.partition("@")[0] for ref in metrics}
    return recording_changed([arm for arm, metric in plan.records_differently if metric in ids])


def experiment_checks(
    plan: Plan,
    facts: MomentsResult,
    effects: Sequence[Reading],
    means: Mapping[str, Measure],
    *,
    running: bool,
    withheld: bool,
) -> tuple[Check, ...]:
    """What concerns the experiment as a whole; a failed gate blocks every verdict that uses it."""
    return (
        *sample_ratio(plan, facts, running=running, withheld=withheld),
        multiple_exposure(facts.n(UnitState.MULTIPLE_ARMS, UnitState.MERGED_ACROSS_ARMS), facts.everybody),
        recording_changed([arm for arm, _ in plan.records_differently]),
        numbers_read(plan, facts),
        _interference(plan),
        clusters(plan, facts),
        _alarm(plan, effects, withheld=withheld),
        *drift(plan, facts, means),
        outliers(plan, facts, effects, withheld=withheld),
    )


def numbers_read(plan: Plan, facts: MomentsResult) -> Check:
    """Whether outcomes have a number wherever a metric reads one; gates nothing, and is told in words."""
    name = "numbers_read"
    if facts.numbers is None:
        return Check(name=name, passed=None, detail="asked only of the lake, by DuckDB", gates=False)
    asked = [(plan.metric(ref).name, one) for ref, found in facts.numbers.items() for one in found]
    told = [f"{metric}: {lacks}" for metric, one in asked if (lacks := _lacking(one))]
    if told:
        detail = f"{'; '.join(told)}: what has no number is left out, so record it as one"
        return Check(name=name, passed=False, detail=detail, gates=False)
    if not any(one.outcomes for _, one in asked):
        return Check(name=name, passed=None, detail="no metric reads a number of an outcome", gates=False)
    return Check(name=name, passed=True, detail="what metrics read as numbers are numbers", gates=False)


def _lacking(found: NumbersRead) -> str | None:
    """A number that only some outcomes have may be meant so; one that none has, or another thing, is not."""
    name = found.property or "value"
    if found.others:
        return (
            f"{found.others:,} of {found.outcomes:,} outcomes {found.event} say of {name} what is no number"
        )
    if found.outcomes and not found.numbers:
        return f"none of {found.outcomes:,} outcomes {found.event} has a number as {name}"
    return None


def _interference(plan: Plan) -> Check:
    """Shared agents or stock let one arm's gain be another's loss, unless whole clusters are randomised."""
    detail = "arms share a capacity and units are randomised one by one: randomise clusters"
    if not plan.interference_possible:
        detail = "arms share no capacity, or whole clusters are randomised"
    return Check(name="interference_possible", passed=not plan.interference_possible, detail=detail)


def _alarm(plan: Plan, effects: Sequence[Reading], *, withheld: bool) -> Check:
    moved: dict[MetricKind, list[Moved]] = {MetricKind.KPI: [], MetricKind.CPI: []}
    for effect in effects:
        metric = plan.metric(effect.metric)
        if metric.better is None or metric.kind not in moved:
            continue
        shown = effect.raw.at_any_look if withheld else effect.raw.absolute
        moved[metric.kind].append(
            Moved(arm=effect.arm, metric=metric.name, effect=shown, better=metric.better)
        )
    alarm = kpi_up_cpi_down(moved[MetricKind.KPI], moved[MetricKind.CPI])
    unknown = [one.name for one in plan.metrics if one.kind is MetricKind.KPI and one.better is None]
    if alarm.passed is False or not unknown:
        return alarm
    told = f"nobody said whether more or less of {', '.join(unknown)} is better: say it on the metric"
    return replace(alarm, passed=None, detail=told)


def observed_checks(plan: Plan, phases: Phases) -> dict[str, Check]:
    """By metric: did an arm change for whom it is seen? Asked only of metrics that some units lack."""
    found = {}
    for metric in plan.metrics:
        column = _indicator(metric)
        if column is None:
            continue
        if plan.cluster is not None:
            found[metric.ref] = _observed_by_clusters(plan, phases, metric.name, column)
            continue
        shares = [
            {arm: _observed(moments.mean[moments.index(column)], moments.n) for arm, moments in arms.items()}
            for arms in phases.values()
        ]
        found[metric.ref] = observed_share(metric.name, *shares)
    return found


def _observed_by_clusters(plan: Plan, phases: Phases, name: str, column: str) -> Check:
    measure = of_plan(plan, Measure(name=name, value=column))
    means = phase_means(phases, plan.arms, [measure], adjusted=False)
    if isinstance(means, NotEstimable):
        return Check(name="observed_set_moved", passed=None, detail=f"{name}: {means.detail}")
    treated: dict[str, ArmMeans] = {arm: means[arm] for arm in plan.treatments}
    return observed_share_of_clusters(name, means[plan.control], treated)


def _indicator(metric: PlannedMetric) -> str | None:
    """The column that is 1 where the metric was observed; a ratio's denominator itself is none."""
    if isinstance(metric.definition, RatioDefinition):
        return next(reversed(list(rates(metric.definition))), None)
    return measure_of(metric.ref, metric.definition).per


def _observed(share: float, units: int) -> Observed:
    return Observed(observed=round(share * units), units=units)
