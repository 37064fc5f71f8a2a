"""What did each arm do to each metric, over all phases?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analyses.effects.adjust import adjust
from analyses.effects.difference import Difference, differences
from analyses.moments import ArmMeans, Measure, Moments, arm_means, refusal, stratified
from analyses.results import NotEstimable

type Arms = Mapping[str, Moments]
type Phases = Mapping[int, Arms]
type Pair = tuple[ArmMeans, ArmMeans]
"""Control, then the arm."""


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
                return replace(why, detail=f"arm {arm}: {why.detail}")
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
    pairs = pair_means(measures, phases, control, treatments)
    raw = _compared([one.raw for one in pairs.values()], alpha)
    adjusted = _compared([one.adjusted for one in pairs.values()], alpha)
    found = dict(zip(pairs, zip(raw, adjusted, strict=True), strict=True))
    return tuple(
        ArmEffect(metric=measure.name, arm=arm, raw=plain, adjusted=sharper)
        for measure in measures
        for arm in treatments
        for plain, sharper in [found[measure.name, arm]]
    )


def _compared[Rest](pairs: Sequence[Pair | Rest], alpha: float) -> list[Difference | Rest]:
    """All pairs that there are, side by side."""
    known = [one for one in pairs if isinstance(one, tuple)]
    found = iter(differences(*zip(*known, strict=True), alpha=alpha) if known else ())
    return [next(found) if isinstance(one, tuple) else one for one in pairs]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairMeans:
    """Means of control and of one arm, raw and, where covariates were named, adjusted."""

    arm: str
    raw: Pair | NotEstimable
    adjusted: Pair | NotEstimable | None


def pair_means(
    measures: Sequence[Measure], phases: Phases, control: str, treatments: Sequence[str]
) -> dict[tuple[str, str], PairMeans]:
    """Each treatment beside control, by measure and arm.

    Raw means look at a pair of arms alone, which in a single phase are those of all arms. Adjusted ones stand
    at the covariates of all arms, as the contrasts of a relationship do, or of the pair where another arm has
    no mean.
    """
    adjusted = [measure for measure in measures if measure.covariates]
    everybody = [control, *treatments]
    plain = _each(phases, everybody, measures, adjusted=False) if len(phases) == 1 else {}
    sharp = _each(phases, everybody, adjusted, adjusted=True)
    found = {}
    for arm in treatments:
        pair = [control, arm]
        raw = plain | _each(phases, pair, _lacking(measures, plain), adjusted=False)
        sharper = sharp | _each(phases, pair, _lacking(adjusted, sharp), adjusted=True)
        for measure in measures:
            found[measure.name, arm] = PairMeans(
                arm=arm,
                raw=_pair(raw[measure.name], control, arm),
                adjusted=_pair(sharper[measure.name], control, arm) if measure.covariates else None,
            )
    return found


type Means = Mapping[str, ArmMeans] | NotEstimable


def _lacking(measures: Sequence[Measure], known: Mapping[str, Means]) -> list[Measure]:
    return [one for one in measures if not isinstance(known.get(one.name), Mapping)]


def _pair(means: Means, control: str, arm: str) -> Pair | NotEstimable:
    return means if isinstance(means, NotEstimable) else (means[control], means[arm])


def _each(
    phases: Phases, arms: Sequence[str], measures: Sequence[Measure], *, adjusted: bool
) -> dict[str, Means]:
    """The means of each measure by itself; at once where none of them costs the others a phase."""
    if not measures:
        return {}
    if usable_phases(phases, arms, measures)[1] is None:
        together = phase_means(phases, arms, measures, adjusted=adjusted)
        if not isinstance(together, NotEstimable):
            return {
                measure.name: {arm: together[arm].only(at) for arm in arms}
                for at, measure in enumerate(measures)
            }
    return {one.name: phase_means(phases, arms, [one], adjusted=adjusted) for one in measures}
