"""What did each arm do to each metric, over all phases? Pure: moments in, arm means and effects out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analyses import (
    ArmMeans,
    Difference,
    Measure,
    Moments,
    NotEstimable,
    adjust,
    arm_means,
    difference,
    refusal,
    stratified,
)

type Arms = Mapping[str, Moments]
type Phases = Mapping[int, Arms]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One arm against control on one metric, raw and, if the plan names covariates, adjusted."""

    metric: str
    arm: str
    raw: Difference | NotEstimable
    adjusted: Difference | NotEstimable | None


def estimates(
    phases: Phases, arms: Sequence[str], measures: Sequence[Measure], *, adjusted: bool
) -> Mapping[str, ArmMeans] | NotEstimable:
    """The means of every arm, each phase weighted by its share of all units, the same for every arm.

    Only phases in which every arm can be measured contribute: a contrast is formed within a phase.
    """
    found, why = usable(phases, arms, measures)
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


def usable(
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
                return why
    return None


def _means(
    arms: Arms, measures: Sequence[Measure], *, adjusted: bool
) -> Mapping[str, ArmMeans] | NotEstimable:
    if adjusted:
        return adjust(arms, measures)
    return {name: arm_means(moments, measures) for name, moments in arms.items()}


def effects(
    phases: Phases, control: str, treatments: Sequence[str], measures: Sequence[Measure]
) -> tuple[Effect, ...]:
    """Every treatment against control on every metric; one metric that fails spoils none of the others."""
    return tuple(
        Effect(
            metric=measure.name,
            arm=arm,
            raw=_compared(phases, control, arm, measure, adjusted=False),
            adjusted=_compared(phases, control, arm, measure, adjusted=True) if measure.covariates else None,
        )
        for measure in measures
        for arm in treatments
    )


def _compared(
    phases: Phases, control: str, arm: str, measure: Measure, *, adjusted: bool
) -> Difference | NotEstimable:
    means = estimates(phases, [control, arm], [measure], adjusted=adjusted)
    if isinstance(means, NotEstimable):
        return means
    return difference(means[control], means[arm])[0]
