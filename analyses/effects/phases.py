"""What did each arm do to each metric, over all phases?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analyses.effects.adjust import adjust
from analyses.effects.difference import Difference, difference
from analyses.moments import ArmMeans, Measure, Moments, arm_means, refusal, stratified
from analyses.results import NotEstimable

type Arms = Mapping[str, Moments]
type Phases = Mapping[int, Arms]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmEffect:
    """One arm against control on one metric, raw and, if the plan names covariates, adjusted."""

    metric: str
    arm: str
    raw: Difference | NotEstimable
    adjusted: Difference | NotEstimable | None


def phase_means(
    phases: Phases, arms: Sequence[str], measures: Sequence[Measure], *, adjusted: bool
) -> Mapping[str, ArmMeans] | NotEstimable:
    """The means of every arm, each phase weighted by its share of all units, the same for every arm.

    Only phases in which every arm can be measured contribute: a contrast is formed within a phase.
    """
    found, why = usable_phases(phases, arms, measures)
    if not found:
        return why or NotEstimable(reason="no_units", detail="no unit was exposed and had its window closed")
    sizes = [sum(phase[arm].n for arm in arms) for phase in found]
    shares = [size / sum(sizes) for size in sizes]
    strata: list[Mapping[str, ArmMeans]] = []
    for phase in found:
        means = _means({arm: phase[arm] for arm in arms}, measures, adjusted=adjusted)
        if isinstance(means, NotEstimable):
            return means
        strata.append(means)
    return {arm: stratified([means[arm] for means in strata], shares) for arm in arms}


def usable_phases(
    phases: Phases, arms: Sequence[str], measures: Sequence[Measure]
) -> tuple[list[Arms], NotEstimable | None]:
    """The phases in which every arm has every measure, and why the first of the others has not."""
    found, why = [], None
    for name, phase in phases.items():
        refused = _refused(name, phase, arms, measures)
        if refused is None:
            found.append(phase)
        why = why or refused
    return found, why


def _refused(name: int, phase: Arms, arms: Sequence[str], measures: Sequence[Measure]) -> NotEstimable | None:
    for arm in arms:
        if arm not in phase:
            return NotEstimable(reason="too_few_units", detail=f"arm {arm} has no unit in phase {name}")
        for measure in measures:
            if why := refusal(phase[arm], measure):
                return replace(why, detail=f"{why.detail} (arm {arm})")
    return None


def _means(
    arms: Arms, measures: Sequence[Measure], *, adjusted: bool
) -> Mapping[str, ArmMeans] | NotEstimable:
    if adjusted:
        return adjust(arms, measures)
    return {name: arm_means(moments, measures) for name, moments in arms.items()}


def arm_effects(
    phases: Phases,
    control: str,
    treatments: Sequence[str],
    measures: Sequence[Measure],
    *,
    alpha: float = 0.05,
) -> tuple[ArmEffect, ...]:
    """Every treatment against control on every metric; one metric that fails spoils none of the others."""
    return tuple(
        effect for measure in measures for effect in _effects_on(measure, phases, control, treatments, alpha)
    )


def _effects_on(
    measure: Measure, phases: Phases, control: str, treatments: Sequence[str], alpha: float
) -> Sequence[ArmEffect]:
    """Raw effects look at a pair of arms alone.

    Adjusted ones stand at the covariates of all arms, as the contrasts of a relationship do, or of the pair
    where another arm has no mean.
    """
    everybody = phase_means(phases, [control, *treatments], [measure], adjusted=bool(measure.covariates))
    found = []
    for arm in treatments:
        pair = [control, arm]
        raw = phase_means(phases, pair, [measure], adjusted=False)
        sharper = everybody
        if isinstance(everybody, NotEstimable):
            sharper = phase_means(phases, pair, [measure], adjusted=True)
        found.append(
            ArmEffect(
                metric=measure.name,
                arm=arm,
                raw=_compared(raw, pair, alpha),
                adjusted=_compared(sharper, pair, alpha) if measure.covariates else None,
            )
        )
    return found


def _compared(
    means: Mapping[str, ArmMeans] | NotEstimable, pair: Sequence[str], alpha: float
) -> Difference | NotEstimable:
    if isinstance(means, NotEstimable):
        return means
    control, arm = (means[name] for name in pair)
    return difference(control, arm, alpha=alpha)[0]
