"""Can the data of this experiment be trusted? Every check that the moments by arm, day and segment allow."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby

from analyses import (
    CLUSTER_SIZE,
    Allocation,
    Check,
    DayEffect,
    Influence,
    Measure,
    Moments,
    NotEstimable,
    OverDays,
    Reading,
    arm_means,
    clusters_analysed,
    covariate_balance,
    day_effect,
    influence,
    novelty,
    outlier_influence,
    refusal,
    segments_of_clusters,
    sequential_srm,
    srm,
    srm_groups,
    weekday_drift,
)
from service.evidence.plan import Plan
from service.facts import MomentsResult, UnitState
from service.facts.query.answer import SegmentCell

STILL_RUNNING = (
    "said at the planned end: while units come in, the sequential test stands in for it, which may be read "
    "at every look"
)


def sample_ratio(plan: Plan, facts: MomentsResult, *, running: bool, withheld: bool) -> tuple[Check, ...]:
    """On the assigned and, where meeting the difference is an event of its own, on the exposed as well.

    While units come in only the sequential test may gate, at the planned end only the fixed one; of an
    experiment that was stopped at a chosen moment (``withheld``, no longer ``running``) both do.
    """
    assigned = [_allocation(plan, p, {a: facts.assigned(a, p) for a in plan.arms}) for p in facts.phases]
    found = [_fixed("srm", _of_clusters(plan, facts) or assigned, running=running)]
    if plan.clustered and not facts.cluster_days:
        return tuple(found)
    if plan.exposure is not None and not plan.clustered:
        exposed = [_allocation(plan, p, {a: facts.exposed(a, p) for a in plan.arms}) for p in facts.phases]
        found.append(_fixed("srm_exposed", exposed, running=running))
    by_day = _clusters_by_day(plan, facts) if plan.clustered else _by_day(plan, facts)
    batches = [one for allocations in by_day.values() for one in allocations] or assigned
    return (
        *found,
        replace(
            sequential_srm(batches), gates=running or withheld
        ),  # at the planned end the fixed test decides
        srm_groups("srm_by_day", by_day, gates=plan.exposure is None, of=_rows(plan)),
        _by_segments(plan, facts),
    )


def _by_segments(plan: Plan, facts: MomentsResult) -> Check:
    """Of clusters only by what is the same for all units of one."""
    name = "srm_by_segment"
    if not plan.clustered:
        return srm_groups(name, _by_segment(plan, facts.segments))
    apart, refused = told_apart(facts)
    told = "; ".join(f"{one}: {why.detail}" for one, why in refused.items())
    if refused and not apart:
        return Check(name=name, passed=None, detail=told)
    found = srm_groups(name, _by_segment(plan, apart), of="clusters")
    return replace(found, detail=f"{found.detail}; {told}") if refused else found


def told_apart(
    facts: MomentsResult,
) -> tuple[dict[str, Mapping[SegmentCell, Moments]], dict[str, NotEstimable]]:
    """Clusters by the segmentations that nearly all of them are of one segment of; why not by the others."""
    clusters_seen = 0 if facts.cluster_faults is None else facts.cluster_faults.clusters
    apart: dict[str, Mapping[SegmentCell, Moments]] = {}
    refused: dict[str, NotEstimable] = {}
    for name, cells in facts.cluster_segments.items():
        why = segments_of_clusters(varied=facts.cluster_varied.get(name, 0), clusters=clusters_seen)
        if why is None:
            apart[name] = cells
        else:
            refused[name] = why
    return apart, refused


def _fixed(name: str, allocations: Sequence[Allocation], *, running: bool) -> Check:
    found = replace(srm(*allocations), name=name)
    if running and found.passed is not None:
        return replace(found, passed=None, detail=STILL_RUNNING)
    return found


def _allocation(plan: Plan, phase: int, counts: Mapping[str, int]) -> Allocation:
    return Allocation(counts=counts, shares=plan.shares[phase])


def _of_clusters(plan: Plan, facts: MomentsResult) -> list[Allocation]:
    """Where clusters were randomised, the shares are of clusters; units of one come together."""
    if not plan.clustered:
        return []
    found = []
    for phase in facts.phases:
        cells = {arm: facts.clusters.get((arm, phase)) for arm in plan.arms}
        counts = {arm: 0 if moments is None else moments.n for arm, moments in cells.items()}
        found.append(_allocation(plan, phase, counts))
    return found


def _by_day(plan: Plan, facts: MomentsResult) -> dict[str, list[Allocation]]:
    """By UTC day, in order; a day may lie in two phases."""
    found: dict[str, list[Allocation]] = {}
    for phase in facts.phases:
        for day, counts in facts.assigned_on(phase).items():
            of_plan = {arm: counts.get(arm, 0) for arm in plan.arms}
            found.setdefault(day.isoformat(), []).append(_allocation(plan, phase, of_plan))
    return dict(sorted(found.items()))


def _clusters_by_day(plan: Plan, facts: MomentsResult) -> dict[str, list[Allocation]]:
    """By the UTC day of a cluster's first assignment: it comes once, however many units follow."""
    days: dict[tuple[date, int], dict[str, int]] = {}
    for (arm, phase, day), n in facts.cluster_days.items():
        days.setdefault((day, phase), dict.fromkeys(plan.arms, 0))[arm] = n
    found: dict[str, list[Allocation]] = {}
    for (day, phase), counts in sorted(days.items()):
        found.setdefault(day.isoformat(), []).append(_allocation(plan, phase, counts))
    return found


def _rows(plan: Plan) -> str:
    return "clusters" if plan.clustered else "units"


def _by_segment(
    plan: Plan, segments: Mapping[str, Mapping[SegmentCell, Moments]]
) -> dict[str, list[Allocation]]:
    found: dict[str, list[Allocation]] = {}
    for name, cells in segments.items():
        ordered = sorted(cells, key=lambda cell: (cell[2], cell[1]))
        for (value, phase), members in groupby(ordered, key=lambda cell: (cell[2], cell[1])):
            counts = dict.fromkeys(plan.arms, 0) | {cell[0]: cells[cell].n for cell in members}
            found.setdefault(f"{name} {value}", []).append(_allocation(plan, phase, counts))
    return found


def balance(plan: Plan, facts: MomentsResult, phases: Mapping[int, Mapping[str, Moments]]) -> Check:
    """Whatever was known before exposure must be alike, adjusted by or not.

    Of the rows that were randomised: units, or clusters, whose totals are compared and their sizes beside
    them. Units of one cluster are alike, so that tested one by one they differ though nothing is wrong.
    """
    known = [name for name in facts.columns if "/pre" in name or name.startswith("attribute:")]
    if plan.clustered and not facts.clusters:
        return Check(name="covariate_balance", passed=None, detail="clusters were randomised: none is known")
    if plan.clustered and known:
        known.append(CLUSTER_SIZE)
    usable = [arms for arms in phases.values() if all(moments.n > 1 for moments in arms.values())]
    return covariate_balance(known, *usable)


def clusters(plan: Plan, facts: MomentsResult) -> Check:
    """Units of one cluster are alike, so as many as they are, they tell less than as many single ones."""
    if not plan.clustered:
        return Check(name="clusters", passed=True, detail="units were randomised one by one")
    faults = facts.cluster_faults
    if faults is None:
        return Check(
            name="clusters",
            passed=False,
            detail="whole clusters were randomised, and their units are analysed one by one: the intervals "
            "are too narrow to decide by",
        )
    counts = dict.fromkeys(plan.arms, 0)
    for (arm, _), moments in facts.clusters.items():
        counts[arm] += moments.n
    return clusters_analysed(
        counts,
        units=facts.n(UnitState.ANALYSED),
        units_without=faults.units_without,
        clusters=faults.clusters,
        in_several_arms=faults.in_several_arms,
    )


def drift(plan: Plan, facts: MomentsResult, measures: Mapping[str, Measure]) -> tuple[Check, ...]:
    """Of the primary metrics: days of all arms and metrics are one family."""
    of = _over_days if plan.clustered else _daily
    effects = {
        f"{plan.metric(ref).name} in {arm}": found
        for ref in sorted(plan.primary & measures.keys())
        for arm in plan.treatments
        if (found := of(plan, facts, replace(measures[ref], covariates=()), arm))
    }
    return novelty(effects), weekday_drift(effects)


def _over_days(plan: Plan, facts: MomentsResult, measure: Measure, arm: str) -> list[OverDays]:
    """Clusters' totals over days, phase by phase; days of one cluster are not independent."""
    found = []
    for phase in facts.phases:
        pair = [facts.over_days.get((measure.name, name, phase)) for name in (plan.control, arm)]
        days = sorted({day for name, at, day in facts.days if at == phase and name == arm})
        if days and pair[0] is not None and pair[1] is not None:
            first, last = (float((day - facts.over_days_from).days) for day in (days[0], days[-1]))
            found.append(OverDays(control=pair[0], arm=pair[1], days=len(days), span=(first, last)))
    return found


def _daily(plan: Plan, facts: MomentsResult, measure: Measure, arm: str) -> list[DayEffect]:
    found: dict[object, DayEffect] = {}
    for phase, day in sorted({(phase, day) for _, phase, day in facts.days}):
        pair = [facts.days.get((name, phase, day)) for name in (plan.control, arm)]
        means = [_mean(of, measure) for of in pair if of is not None]
        if len(means) < 2 or means[0] is None or means[1] is None:
            continue
        effect = day_effect(day, means[0], means[1])
        if effect is not None:
            found[phase, day] = effect
    return list(found.values())


def _mean(moments: Moments, measure: Measure) -> tuple[float, float] | None:
    if moments.n < FEWEST_OF_A_DAY or refusal(moments, measure) is not None:
        return None
    found = arm_means(moments, [measure])
    return float(found.mean[0]), float(found.covariance[0, 0])


FEWEST_OF_A_DAY = 30
"""Units of an arm below which a day's own variance is too rough to weigh it by."""


def outliers(plan: Plan, facts: MomentsResult, readings: Sequence[Reading], *, withheld: bool) -> Check:
    """Of metrics that every unit has, in single phases or many: each phase's largest units add up."""
    found = [
        one
        for reading in readings
        if (one := _influence(plan, facts, reading, withheld=withheld)) is not None
    ]
    return outlier_influence(found)


def _influence(plan: Plan, facts: MomentsResult, reading: Reading, *, withheld: bool) -> Influence | None:
    """Only where a mean is over all units: a ratio's largest numerators say little about the ratio.

    Phases in which some arm has too few units for an effect are no part of it.
    """
    ref = reading.metric
    rows = facts.clusters if plan.clustered else facts.moments
    sizes = {p: [rows[arm, p].n if (arm, p) in rows else 0 for arm in plan.arms] for p in facts.phases}
    used = [p for p in facts.phases if min(sizes[p]) > 1]
    cells = {p: [(name, p) for name in (plan.control, reading.arm)] for p in used}
    unseen = any((ref, *cell) not in facts.largest for pair in cells.values() for cell in pair)
    if not used or unseen or f"{ref}/per" in facts.columns:
        return None
    units = sum(sum(sizes[p]) for p in used)
    pairs = [[(facts.moments[cell], facts.largest[(ref, *cell)]) for cell in cells[p]] for p in used]
    return influence(
        f"{plan.metric(ref).name} in {reading.arm}",
        reading.raw.at_any_look if withheld else reading.raw.absolute,
        [(control, arm) for control, arm in pairs],
        ref,
        shares=[sum(sizes[p]) / units for p in used],
    )


def moved_covariate(check: Check) -> NotEstimable | None:
    """What an arm moved is no covariate: adjusting by it would take part of the effect away."""
    if check.passed is not False:
        return None
    return NotEstimable(
        reason="covariates_moved",
        detail=f"adjusted by what the arms differ in before exposure: {check.detail}",
    )
