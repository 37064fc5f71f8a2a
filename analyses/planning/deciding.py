"""Which one experiment would decide? Arms, doses and units, from what past experiments have shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, copysign, sqrt

import numpy as np

from analyses.planning.dose import EXCLUSION_ALPHA, DoseDesign, UnitNoise, early_factor, slope_power
from analyses.planning.size import PlannedTest
from analyses.relationship.contrast import ExperimentContrasts
from analyses.results import NotEstimable
from analyses.rule import Rule
from analyses.validity.clustering import FEWEST_CLUSTERS

TARGET = 0.8
MOST_UNITS = 10**12
SURE = 1.96  # standard errors by which an arm must have moved the CPI to be planned with
MOST_CORRELATED = 1 - 1e-9

NO_DOSE = NotEstimable(
    reason="no_known_dose",
    detail="no past arm moved the CPI beyond chance, so no dose is known: find a stronger mechanism first",
)
NO_NOISE = NotEstimable(
    reason="no_unit_noise", detail="the past variances do not say how much single units differ"
)
NO_NUMBER = NotEstimable(
    reason="too_many_units", detail="no number of units that anybody has would decide at these doses"
)


class PlannedArmRole(StrEnum):
    """What an arm of the plan is for."""

    CONTROL = "control"
    PLACEBO = "placebo"
    TREATMENT = "treatment"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedArm:
    """One arm. ``shift`` is raw, in CPI units; ``tried`` names the past experiment and arm that showed it.

    A treatment that nobody has tried yet is a mechanism to be found: its shift is what it must bring.
    """

    role: PlannedArmRole
    mechanism: str | None = None
    shift: float = 0.0
    tried: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyAnswer:
    """Stopped at this share of the planned units, it answers with at least this chance."""

    fraction: float
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidingExperiment:
    """Arms of equal size, and the units of all of them together; ``clusters`` where those are randomised.

    ``noise`` is of units, clusters' factor included. ``early`` is what looks before the end can bring.
    """

    arms: tuple[PlannedArm, ...]
    units: int
    clusters: int | None
    noise: UnitNoise
    early: tuple[EarlyAnswer, ...]


def deciding_experiment(
    rule: Rule, experiments: Sequence[ExperimentContrasts]
) -> DecidingExperiment | NotEstimable:
    """The one experiment to run next, if the past ones say enough to plan it.

    Question: which arms and how many units would let the rule answer by this experiment alone?
    Estimand: the units, all arms together, at which the rule confirms a slope of d and rejects a slope of 0,
    each with power .80; past evidence itself is no part of that answer.
    Assumes: mechanisms move the CPI as far as they did; units differ as they did, after the same adjustment;
    contrasts are strong. Where whole clusters were randomised in any past experiment, clusters of their size
    are planned, at least ten an arm, with the noise of those experiments, which is that of clusters. With an
    unknown bound on the direct effect: control, a placebo, and the two mechanisms that surely moved the CPI
    furthest (a second one that nobody has tried must move it as far as the first). With a bound g: control,
    the strongest mechanism, and a placebo unless two earlier experiments stand behind the bound.
    Formula: Bonferroni over the tests that must agree (differenced slope and each mechanism's own; with a
    bound the slope |d| - g / |shift| at the quantile of chi-square with as many degrees of freedom as
    contrasts), the 10 % false alarms of the overidentification test allowed for. At a look before the end the
    same tests are judged as those of an experiment that was stopped there (``slope_looks``).
    Reference: units for the power of a normal test, here Anderson and Rubin (1949), Annals of Mathematical
    Statistics 20(1), each at its Bonferroni share of alpha.
    """
    noise = past_noise(experiments)
    if isinstance(noise, NotEstimable):
        return noise
    known = past_doses(experiments)
    if not known:
        return NO_DOSE
    if rule.smallest_slope is None:
        return NotEstimable(
            reason="no_smallest_slope", detail="without a smallest slope nothing can be planned"
        )
    d = rule.direction * rule.better * rule.smallest_slope / rule.increment  # raw, with its sign
    size = past_cluster_size(experiments)
    if rule.direct_effect_bound is None:
        return _unbounded(rule, d, noise, known, size)
    return _bounded(rule, d, noise, known[0], size)


def past_noise(experiments: Sequence[ExperimentContrasts]) -> UnitNoise | NotEstimable:
    """How much single units differ: Cov_k = S (1/n_k + 1/n_0), S pooled over all arms by their units.

    Of clusters S is larger by their factor, which is what a plan of clusters takes.
    """
    total, weight = np.zeros((2, 2)), 0.0
    for e in _alike(experiments):
        if e.arm_units is None or e.control_units is None:
            continue
        for k, n in enumerate(e.arm_units):
            units = n + e.control_units
            total += e.covariance[k, :2, k, :2] * (n * e.control_units)  # times units, over units
            weight += units
    if not weight:
        return NO_NOISE
    (cpi, both), (_, kpi) = total / weight
    if not (cpi > 0 and kpi > 0 and both**2 < cpi * kpi * MOST_CORRELATED):
        return NO_NOISE
    return UnitNoise(cpi=float(cpi), kpi=float(kpi), covariance=float(both))


def _alike(experiments: Sequence[ExperimentContrasts]) -> Sequence[ExperimentContrasts]:
    """Those that randomised as the next one will: whole clusters, where any did."""
    return [e for e in experiments if e.units_per_cluster is not None] or experiments


def past_cluster_size(experiments: Sequence[ExperimentContrasts]) -> float | None:
    """Units in a cluster, in the mean over the past experiments on clusters; None where there was none."""
    sizes = [e.units_per_cluster for e in experiments if e.units_per_cluster is not None]
    return sum(sizes) / len(sizes) if sizes else None


def past_doses(experiments: Sequence[ExperimentContrasts]) -> tuple[PlannedArm, ...]:
    """Of each mechanism the arm that surely moved the CPI furthest; the furthest first."""
    best: dict[str | None, tuple[float, PlannedArm]] = {}
    for e in experiments:
        for k, arm in enumerate(e.arms):
            shift, error = float(e.effects[k, 0]), sqrt(float(e.covariance[k, 0, k, 0]))
            reach = abs(shift) - SURE * error
            if arm.placebo or reach <= 0 or reach <= best.get(arm.mechanism, (0.0, None))[0]:
                continue
            tried = PlannedArm(
                role=PlannedArmRole.TREATMENT,
                mechanism=arm.mechanism,
                shift=shift,
                tried=(e.experiment, arm.name),
            )
            best[arm.mechanism] = (reach, tried)
    return tuple(arm for _, arm in sorted(best.values(), key=lambda found: -found[0]))


def _unbounded(
    rule: Rule, d: float, noise: UnitNoise, known: Sequence[PlannedArm], size: float | None
) -> DecidingExperiment | NotEstimable:
    """Two mechanisms that must agree, and a placebo that tells the CPI from what all arms share."""
    first = known[0]
    second = known[1] if len(known) > 1 else PlannedArm(role=PlannedArmRole.TREATMENT, shift=first.shift)
    arms = (PlannedArm(role=PlannedArmRole.CONTROL), PlannedArm(role=PlannedArmRole.PLACEBO), first, second)
    doses = (0.0, first.shift, second.shift)
    apart = DoseDesign(shifts=doses, shares=(0.25,) * 3, common_effect_allowed=True)
    alone = [DoseDesign(shifts=(arm.shift,), shares=(0.5,)) for arm in (first, second)]
    asked = {apart: 1.0, **dict.fromkeys(alone, 0.5)}  # the share of all units that each test has
    tests = _Tests(asked=asked, told_apart=((d, 0.0), (0.0, d)), test=PlannedTest(alpha=rule.alpha))
    return _planned(arms, noise, tests, size)


def _bounded(
    rule: Rule, d: float, noise: UnitNoise, known: PlannedArm, size: float | None
) -> DecidingExperiment | NotEstimable:
    """One mechanism may decide; without a placebo or two experiments behind the bound only on assumption."""
    from scipy.special import chdtri

    hidden = copysign((rule.direct_effect_bound or 0.0) / abs(known.shift), d)
    if abs(hidden) >= abs(d):
        return NotEstimable(
            reason="bound_hides_the_slope",
            detail=f"a direct effect within the bound could hide or fake the smallest slope: the CPI must "
            f"move by more than {(rule.direct_effect_bound or 0.0) / abs(d):.4g}, and past arms moved it by "
            f"{abs(known.shift):.4g}",
        )
    placebos = () if rule.bound_evidence >= 2 else (PlannedArm(role=PlannedArmRole.PLACEBO),)
    arms = (PlannedArm(role=PlannedArmRole.CONTROL), *placebos, known)
    critical = sqrt(float(chdtri(len(arms) - 1, rule.alpha)))
    alone = DoseDesign(shifts=(known.shift,), shares=(0.5,))
    test = PlannedTest(alpha=rule.alpha, critical=critical)
    tests = _Tests(asked={alone: 2 / len(arms)}, told_apart=((d - hidden, 0.0), (hidden, d)), test=test)
    return _planned(arms, noise, tests, size)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tests:
    """What must agree: designs with the share of all units that each has, and the slopes to tell apart."""

    asked: Mapping[DoseDesign, float]
    told_apart: Sequence[tuple[float, float]]
    test: PlannedTest

    def chance(self, noise: UnitNoise, units: float, factor: float = 1.0) -> float:
        """At least so likely do all agree, whichever slope it is; ``factor`` widens what decides."""
        test = replace(self.test, critical=self.test.quantile * sqrt(factor))
        return min(
            1
            - sum(
                1 - slope_power(design, noise, units * share, slope=slope, against=against, test=test)
                for design, share in self.asked.items()
            )
            for slope, against in self.told_apart
        )


LOOKS = (0.5, 0.75, 0.9)


def _early(tests: _Tests, noise: UnitNoise, units: int, contrasts: int) -> tuple[EarlyAnswer, ...]:
    """Each look by itself, in the slope's own error rate; not negative."""
    sure = 1 - EXCLUSION_ALPHA if contrasts > 1 else 1.0
    return tuple(
        EarlyAnswer(
            fraction=fraction,
            chance=max(
                0.0,
                sure
                * tests.chance(noise, fraction * units, early_factor(fraction, contrasts, tests.test.alpha)),
            ),
        )
        for fraction in LOOKS
    )


def _planned(
    arms: tuple[PlannedArm, ...], noise: UnitNoise, tests: _Tests, size: float | None
) -> DecidingExperiment | NotEstimable:
    """The fewest units with which all tests that must agree are likely to tell each slope from the other."""
    contrasts = len(arms) - 1
    wanted = TARGET / (1 - EXCLUSION_ALPHA) if contrasts > 1 else TARGET

    def enough(units: int) -> bool:
        return tests.chance(noise, units) >= wanted

    high = len(arms)
    while not enough(high):
        high *= 2
        if high > MOST_UNITS:
            return NO_NUMBER
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    clusters = None if size is None else max(ceil(high / len(arms) / size), FEWEST_CLUSTERS) * len(arms)
    units = ceil(high / len(arms)) * len(arms) if clusters is None or size is None else ceil(clusters * size)
    early = _early(tests, noise, units, contrasts)
    return DecidingExperiment(arms=arms, units=units, clusters=clusters, noise=noise, early=early)
