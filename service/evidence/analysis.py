"""What does one experiment's data say? Pure: the plan and the moments in, checks, effects, contrasts out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analyses import (
    CLUSTER_SIZE,
    FEWEST_CLUSTERS,
    Arms,
    Boundary,
    Check,
    EffectInputs,
    ExperimentContrasts,
    LeeBounds,
    Measure,
    NotEstimable,
    PairMeans,
    Phases,
    Reading,
    Signals,
    Standing,
    contrasts_of,
    effects_of,
    first_stage_of,
    lee_bounds_of_phases,
    lee_corners,
    phase_means,
    refusal,
    usable_phases,
)
from service.evidence.checks import experiment_checks, observed_checks, own_recording
from service.evidence.plan import Plan, PlannedHypothesis
from service.evidence.trust import balance, moved_covariate, told_apart
from service.evidence.wanted import (
    circumstances,
    covariates_of,
    measure_in,
    of_plan,
    quantiles_in,
    standing,
    strata,
    wanted,
)
from service.facts import MomentsResult, is_rate, rates
from service.metrics.schemas import MetricKind

FIRST_STAGE = "first_stage"
WINDOW_NOT_COVERED = NotEstimable(
    reason="window_not_covered",
    detail="the hypothesis asks for a longer window than this experiment waits, which was not made for it",
)
NO_BOUNDS_OF_CLUSTERS = NotEstimable(
    reason="clusters_randomised",
    detail="Lee's bounds cut the values of single units, and whole clusters were randomised",
)
NO_BOUNDS = NotEstimable(
    reason="no_bounds",
    detail="too few units are seen in some arm or phase, or the metric is a ratio, or its facts lie in a "
    "warehouse, whose values are not cut at their ends",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """A rival that this experiment could not measure, and why."""

    metric: str
    reason: NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the experiment says on one hypothesis."""

    hypothesis: PlannedHypothesis
    contrasts: ExperimentContrasts | NotEstimable
    unmeasured: tuple[Unmeasured, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """All that one run finds, before any verdict."""

    checks: tuple[Check, ...]
    effects: tuple[Reading, ...]
    signals: Mapping[tuple[str, str], Signals]  # by metric and arm
    standings: Mapping[str, Mapping[str, Standing] | NotEstimable]  # by metric, then arm
    findings: tuple[Finding, ...]
    bounds: Mapping[tuple[str, str], LeeBounds | NotEstimable]  # where arms changed who is seen
    inputs: EffectInputs  # what the effects were made of


def analyse(
    plan: Plan,
    facts: MomentsResult,
    look: Boundary | None = None,
    *,
    running: bool = False,
    withheld: bool = False,
) -> Analysis:
    """Checks first, then every effect, then what each hypothesis may be judged by.

    ``running``: units still come in. ``withheld``: this is not the planned end, so checks of effects look at
    what holds at every look; so it is while running, and where the moment of stopping may have been chosen.
    """
    answered = plan.without(facts.unanswered)
    balanced = balance(plan, facts, strata(plan, facts) if plan.clustered else by_phase(facts))
    inputs = _inputs(plan, facts, look, moved_covariate(balanced))
    found, told = effects_of(inputs)
    means = _means(inputs)
    checks = (*experiment_checks(plan, facts, found, means, running=running, withheld=withheld), balanced)
    observed = observed_checks(answered, inputs.phases)
    findings = tuple(
        _finding(plan, one, inputs, _own(plan, one, checks, observed), facts=facts, observed=observed)
        for one in plan.hypotheses
    )
    return Analysis(
        checks=(*checks, *_first_stages(findings), *observed.values()),
        effects=found,
        signals=told,
        standings={
            one.measure.name: standing(plan, inputs.phases, one, inputs.given) for one in inputs.wanted
        },
        findings=findings,
        bounds=_bounds(plan, facts, observed),
        inputs=inputs,
    )


def _means(inputs: EffectInputs) -> dict[str, Measure]:
    """Every metric that is read off moments."""
    given = {metric for metric, _ in inputs.given}
    return {one.measure.name: one.measure for one in inputs.wanted if one.measure.name not in given}


def _inputs(
    plan: Plan, facts: MomentsResult, look: Boundary | None, moved: NotEstimable | None
) -> EffectInputs:
    """What effects are made of; a metric that the engine did not answer has its reason for an effect."""
    answered = plan.without(facts.unanswered)
    covariates = covariates_of(answered, facts.columns)
    measures = {metric.ref: measure_in(plan, metric, covariates) for metric in plan.metrics}
    silent = {
        (ref, arm): PairMeans(arm=arm, raw=_silent(plan, facts, ref), adjusted=None)
        for ref in facts.unanswered
        for arm in plan.treatments
    }
    return EffectInputs(
        experiment=plan.experiment,
        control=plan.control,
        treatments=plan.treatments,
        phases=strata(plan, facts),
        wanted=wanted(plan, measures, facts.columns, _no_covariates(plan, facts) or moved),
        circumstances=circumstances(plan, facts, look),
        given=quantiles_in(answered, facts) | silent,
        primary=tuple(sorted(plan.primary)),
        secondary=tuple(sorted(plan.secondary)),
    )


def _silent(plan: Plan, facts: MomentsResult, ref: str) -> NotEstimable:
    detail = f"{plan.metric(ref).name} has no answer: {facts.unanswered[ref]}"
    return NotEstimable(reason="not_answered", detail=detail)


def _no_covariates(plan: Plan, facts: MomentsResult) -> NotEstimable | None:
    """The plan's own adjustment or none: what it adjusts by was not answered."""
    return next((_silent(plan, facts, ref) for ref in plan.covariates if ref in facts.unanswered), None)


def _bounds(
    plan: Plan, facts: MomentsResult, observed: Mapping[str, Check]
) -> Mapping[tuple[str, str], LeeBounds | NotEstimable]:
    """Of every metric that arms changed the seeing of; where bounds cannot be had, why."""
    moved = [ref for ref, check in observed.items() if check.passed is False]
    return {
        (ref, arm): lee_bounds_of_phases(facts.trimmed[ref, arm], alpha=plan.analysis.alpha)
        if (ref, arm) in facts.trimmed
        else NO_BOUNDS_OF_CLUSTERS
        if plan.clustered
        else NO_BOUNDS
        for ref in moved
        for arm in plan.treatments
    }


def _corners(
    plan: Plan,
    facts: MomentsResult,
    contrasts: ExperimentContrasts,
    measures: Sequence[Measure],
    observed: Mapping[str, Check],
) -> tuple[ExperimentContrasts, ...]:
    """The contrasts at Lee's bounds, where CPI or KPI is seen for other shares of the arms."""
    moved = [of.name for of in measures[:2] if of.name in observed and observed[of.name].passed is False]
    if not moved or not facts.strata:
        return ()
    arms = [plan.control, *(arm.name for arm in contrasts.arms)]
    _, why = usable_phases({at: one.arms for at, one in enumerate(facts.strata)}, arms, measures)
    return () if why else lee_corners(contrasts, plan.control, facts.strata, measures, moved)


def by_phase(facts: MomentsResult) -> Phases:
    """Moments by phase, then arm."""
    return {
        phase: {arm: moments for (arm, at), moments in facts.moments.items() if at == phase}
        for phase in facts.phases
    }


def _own(
    plan: Plan, hypothesis: PlannedHypothesis, checks: Sequence[Check], observed: Mapping[str, Check]
) -> tuple[Check, ...]:
    """The experiment's checks, as far as they concern this hypothesis."""
    both = (hypothesis.cpi, hypothesis.kpi)
    recording = own_recording(plan, *both)
    general = [recording if check.name == recording.name else check for check in checks]
    return (*general, *(observed[ref] for ref in both if ref in observed))


def _finding(
    plan: Plan,
    hypothesis: PlannedHypothesis,
    inputs: EffectInputs,
    checks: Sequence[Check],
    *,
    facts: MomentsResult,
    observed: Mapping[str, Check],
) -> Finding:
    """Contrasts of the hypothesis' own arms on CPI, KPI and every rival that can be measured."""
    if why := _unasked(plan, hypothesis, facts):
        return Finding(hypothesis=hypothesis, contrasts=why, unmeasured=())
    measures = {one.measure.name: one.measure for one in inputs.wanted}
    pair = [measures[hypothesis.cpi], measures[hypothesis.kpi]]
    rivals, refused = _rivals_of(plan, hypothesis, inputs, measures, facts)
    formed = _contrasts(plan, hypothesis, inputs.phases, [*pair, *rivals], checks)
    return Finding(
        hypothesis=hypothesis,
        contrasts=formed
        if isinstance(formed, NotEstimable)
        else replace(
            formed,
            unmeasured=(*plan.not_measured, *refused),
            segments=_segments(plan, hypothesis, pair, facts),
            corners=_corners(plan, facts, formed, [*pair, *rivals], observed),
        ),
        unmeasured=tuple(Unmeasured(metric=name, reason=why) for name, why in refused.items()),
    )


def _unasked(plan: Plan, hypothesis: PlannedHypothesis, facts: MomentsResult) -> NotEstimable | None:
    """Why it cannot be asked, whatever the data: too short a window, or a metric without an answer."""
    if not hypothesis.covered:
        return WINDOW_NOT_COVERED
    needed = (hypothesis.cpi, hypothesis.kpi, *plan.covariates)
    return next((_silent(plan, facts, ref) for ref in needed if ref in facts.unanswered), None)


def _rivals_of(
    plan: Plan,
    hypothesis: PlannedHypothesis,
    inputs: EffectInputs,
    measures: Mapping[str, Measure],
    facts: MomentsResult,
) -> tuple[list[Measure], dict[str, NotEstimable]]:
    """Those that can be measured wherever CPI and KPI are, and why the others cannot."""
    arms = [plan.control, *(arm.name for arm in hypothesis.arms)]
    pair = [measures[hypothesis.cpi], measures[hypothesis.kpi]]
    judged, _ = usable_phases(inputs.phases, arms, pair)
    asked = _rivals(plan.without(facts.unanswered), hypothesis, measures)
    refused = {rival.name: why for rival in asked if (why := _refusal(judged, arms, rival)) is not None}
    silent = {
        metric.rival: _silent(plan, facts, metric.ref)
        for metric in plan.metrics
        if metric.ref in facts.unanswered and metric.kind is MetricKind.CPI
    }
    return [rival for rival in asked if rival.name not in refused], refused | silent


def _segments(
    plan: Plan, hypothesis: PlannedHypothesis, pair: Sequence[Measure], facts: MomentsResult
) -> Mapping[str, Mapping[str, ExperimentContrasts]]:
    """CPI and KPI among the units of each registered segment; of clusters only where each is of one."""
    found: dict[str, dict[str, ExperimentContrasts]] = {}
    segments = told_apart(facts)[0] if plan.clustered else facts.segments
    for name in hypothesis.segments:
        cells = segments.get(name, {})
        for value in sorted({value for _, _, value in cells}):
            phases = {
                phase: {
                    arm: moments for (arm, at, of), moments in cells.items() if (at, of) == (phase, value)
                }
                for phase in facts.phases
            }
            own = _contrasts(plan, hypothesis, _with_enough(plan, hypothesis, phases), pair, ())
            if isinstance(own, ExperimentContrasts):
                found.setdefault(name, {})[value] = replace(own, checks=())
    return found


def _with_enough(plan: Plan, hypothesis: PlannedHypothesis, phases: Phases) -> Phases:
    """Without phases in which an arm has too few clusters for an error to be trusted."""
    if not plan.clustered:
        return phases
    asked = {plan.control, *(arm.name for arm in hypothesis.arms)}
    return {
        phase: arms
        for phase, arms in phases.items()
        if all(one.n >= FEWEST_CLUSTERS for name, one in arms.items() if name in asked)
    }


def _rivals(plan: Plan, hypothesis: PlannedHypothesis, measures: Mapping[str, Measure]) -> Sequence[Measure]:
    """Every other CPI, and the rates at which units are triggered.

    Two metrics of one definition are one outcome: it is no rival of itself, and none twice.
    """
    tested = plan.metric(hypothesis.cpi)
    own = tested.ref.partition("@")[0]
    others = {
        metric.definition.model_dump_json(): metric
        for metric in reversed(plan.metrics)
        if metric.kind is MetricKind.CPI
        and metric.ref.partition("@")[0] != own
        and metric.definition != tested.definition
    }
    cpis = [replace(measures[metric.ref], name=metric.rival) for metric in reversed(others.values())]
    triggers = {
        name: None
        for metric in plan.metrics
        for name, events in rates(metric.definition).items()
        if not is_rate(tested.definition, events, metric.definition.window)
    }
    return [*cpis, *(of_plan(plan, Measure(name=name, value=name)) for name in triggers)]


def _refusal(judged: Sequence[Arms], arms: Sequence[str], rival: Measure) -> NotEstimable | None:
    """Why a rival cannot be measured wherever CPI and KPI are; one that fails costs no phase."""
    return next((why for phase in judged for arm in arms if (why := refusal(phase[arm], rival))), None)


def _contrasts(
    plan: Plan,
    hypothesis: PlannedHypothesis,
    phases: Phases,
    measures: Sequence[Measure],
    checks: Sequence[Check],
) -> ExperimentContrasts | NotEstimable:
    if not hypothesis.arms:
        return NotEstimable(reason="one_arm", detail="a contrast needs a control and at least one other arm")
    arms = [plan.control, *(arm.name for arm in hypothesis.arms)]
    means = phase_means(phases, arms, measures, adjusted=any(one.covariates for one in measures))
    if isinstance(means, NotEstimable):
        return means
    treatments = [(arm, means[arm.name]) for arm in hypothesis.arms]
    units = None if plan.cluster is None else _units_of(arms, phases, measures)
    contrasts = contrasts_of(plan.experiment, means[plan.control], treatments, units=units)
    name = plan.metric(hypothesis.cpi).name
    return replace(contrasts, checks=(*checks, first_stage_of(name, contrasts)))


def _units_of(arms: Sequence[str], phases: Phases, measures: Sequence[Measure]) -> list[int]:
    """The units inside the clusters that every arm's means are of."""
    used, _ = usable_phases(phases, arms, measures)
    return [
        sum(round(one.n * float(one.mean[one.index(CLUSTER_SIZE)])) for one in (phase[arm] for phase in used))
        for arm in arms
    ]


def _first_stages(findings: Sequence[Finding]) -> Sequence[Check]:
    """One for each CPI under test, however many hypotheses it is part of."""
    checks = [
        check
        for finding in findings
        if isinstance(finding.contrasts, ExperimentContrasts)
        for check in finding.contrasts.checks
        if check.name == FIRST_STAGE
    ]
    return list(dict.fromkeys(checks))
