"""How large must the study be? Pure arithmetic of the process that is asked: no scipy, no data, no queue."""

from dataclasses import dataclass, replace
from math import ceil, copysign, sqrt

from analyses import (
    DoseDesign,
    Noise,
    NotEstimable,
    PlannedTest,
    Spending,
    UnitNoise,
    anytime_quantile,
    assurance,
    boundaries,
    days_needed,
    design_effect,
    drift_for,
    mean_noise,
    planned_exclusion_power,
    proportion_noise,
    quantile_noise,
    slope_assurance,
    slope_looks,
    slope_power,
    slope_units,
    smallest_effect,
    smallest_slope,
    units_needed,
)
from service.experiments.analysis import Sides
from service.planning.schemas import (
    BeliefInSlope,
    Clusters,
    EffectAnswer,
    EffectQuestion,
    LookAhead,
    MeanNoise,
    QuantileNoise,
    RateNoise,
    SlopeAnswer,
    SlopeQuestion,
    Traffic,
    Unanswered,
    Watching,
)

ENOUGH_FOR_A_SEQUENCE = 1_000_000
"""The quantile of a confidence sequence at its planned size is the same at any size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Control and one arm: the arm's share of all units, and that of both together."""

    arm: float
    both: float


def plan_effect(question: EffectQuestion) -> EffectAnswer:
    """Units, power and the smallest effect of one metric, an arm against control."""
    pair, noise, distance = _pair(question), _noise(question), question.distance
    test = _effect_test(question, pair)
    units = question.units
    if units is None and distance is not None:
        units = ceil(units_needed(distance, noise, test, target=question.target) / pair.both)
    told = (units or 0) * pair.both  # of control and one arm
    days = _days(units, question.traffic)
    drift = None if distance is None else abs(distance) / sqrt(noise.per_unit(test.arm_share) / told)
    return EffectAnswer(
        units=units,
        days=None if isinstance(days, NotEstimable) else days,
        critical=test.quantile,
        sides=Sides.ONE if test.one_sided else Sides.TWO,
        inflation=_inflation(test, question),
        looks=_ahead(test, drift),
        design_effect=noise.design_effect,
        clusters=_clusters(units, question.clusters),
        power=None if drift is None else test.chance(drift),
        smallest_effect=smallest_effect(told, _null_noise(question), test, target=question.target),
        assurance=_assurance(question, told, noise, test),
        not_estimable=_said(days),
    )


def _effect_test(question: EffectQuestion, pair: Pair) -> PlannedTest:
    """Boundaries of looks leave room on two sides, whatever was asked; a margin is tested on one."""
    once = question.watching is Watching.END
    planned = question.looks
    return PlannedTest(
        alpha=question.alpha,
        one_sided=once and (question.sides is Sides.ONE or question.margin is not None),
        arm_share=pair.arm / pair.both,
        critical=_anytime(question.alpha) if question.watching is Watching.ANY_TIME else None,
        looks=()
        if planned is None
        else boundaries(planned.fractions, spending=Spending(planned.spending.value), alpha=question.alpha),
    )


def _assurance(question: EffectQuestion, units: float, noise: Noise, test: PlannedTest) -> float | None:
    """On the side that is hoped for: of the effect, of no harm beyond the margin, or of the belief."""
    belief = question.belief
    if belief is None:
        return None
    if question.margin is not None:
        return assurance(belief.mean + question.margin, belief.deviation, units, noise, test)
    side = copysign(1.0, question.effect or belief.mean)
    return assurance(side * belief.mean, belief.deviation, units, noise, test)


def _pair(question: EffectQuestion) -> Pair:
    control = question.control_share or 1.0 / question.arms
    arm = (1.0 - control) / (question.arms - 1)
    return Pair(arm=arm, both=arm + control)


def _noise(question: EffectQuestion) -> Noise:
    widened = _design_effect(question.clusters)
    match question.noise:
        case MeanNoise(deviation=deviation):
            found = mean_noise(deviation)
        case QuantileNoise(probability=probability, density=density):
            found = quantile_noise(probability, density)
        case RateNoise(rate=rate):
            found = proportion_noise(rate, question.effect or 0.0)
    return replace(found, explained=question.explained, design_effect=widened)


def _null_noise(question: EffectQuestion) -> Noise:
    """For the smallest effect: a rate's noise is that of today's rate."""
    return _noise(question.model_copy(update={"effect": None}))


def _design_effect(clusters: Clusters | None) -> float:
    if clusters is None:
        return 1.0
    return design_effect(clusters.units_per_cluster, clusters.correlation, spread=clusters.spread)


def _clusters(units: int | None, clusters: Clusters | None) -> int | None:
    return None if units is None or clusters is None else ceil(units / clusters.units_per_cluster)


def _anytime(alpha: float) -> float:
    """Standard errors that decide at the planned size, where anybody may look at any time before."""
    return anytime_quantile(ENOUGH_FOR_A_SEQUENCE, ENOUGH_FOR_A_SEQUENCE, alpha)


def _inflation(test: PlannedTest, question: EffectQuestion | SlopeQuestion) -> float:
    """By what looks multiply the units that one look at this level would take."""
    if not test.looks:
        return 1.0
    once = replace(test, looks=(), critical=PlannedTest(alpha=test.alpha).quantile)
    return (drift_for(question.target, test) / drift_for(question.target, once)) ** 2


def _ahead(test: PlannedTest, drift: float | None) -> tuple[LookAhead, ...]:
    """What each planned look takes, and how likely what is expected is shown by then."""
    if not test.looks:
        return ()
    shown = [None] * len(test.looks) if drift is None else test.chances(drift)
    return tuple(
        LookAhead(fraction=look.fraction, critical=look.quantile, decided=chance)
        for look, chance in zip(test.looks, shown, strict=True)
    )


def _days(units: int | None, traffic: Traffic | None) -> int | NotEstimable | None:
    if units is None or traffic is None:
        return None
    return days_needed(units, traffic.new_units, window_days=traffic.window_days)


def _said(*found: object) -> Unanswered | None:
    why = next((one for one in found if isinstance(one, NotEstimable)), None)
    return None if why is None else Unanswered(reason=why.reason, detail=why.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A dose design as it will be tested."""

    design: DoseDesign
    noise: UnitNoise
    test: PlannedTest
    target: float

    def needed(self, slope: float | None, against: float | None) -> int | NotEstimable | None:
        """Units that tell the two slopes apart; None where one of them was not named."""
        if slope is None or against is None:
            return None
        return slope_units(
            self.design, self.noise, slope=slope, against=against, test=self.test, target=self.target
        )

    def power(self, units: int | None, slope: float | None, against: float | None) -> float | None:
        if slope is None or against is None or units is None or not self.design.doses_differ:
            return None
        return slope_power(self.design, self.noise, units, slope=slope, against=against, test=self.test)

    def assurance(
        self, units: int | None, belief: BeliefInSlope | None, against: float | None, *, above: bool
    ) -> float | None:
        if belief is None or against is None or units is None or not self.design.doses_differ:
            return None
        return slope_assurance(
            self.design,
            self.noise,
            units,
            mean=belief.mean,
            deviation=belief.deviation,
            against=against,
            above=above,
            test=self.test,
        )


def plan_slope(question: SlopeQuestion) -> SlopeAnswer:
    """Units and power of a relationship between CPI and KPI, and what the design cannot tell apart."""
    study, hoped = _study(question), question.side > 0
    worth_having = None if question.smallest_slope is None else question.side * question.smallest_slope
    needed, refuting = study.needed(question.slope, 0.0), study.needed(0.0, worth_having)
    units = question.units or _number(needed)
    shown = noticed = None
    if units is not None:
        shown = smallest_slope(study.design, study.noise, units, test=study.test, target=study.target)
        noticed = _noticed(question, study, units)
    days = _days(units, question.traffic)
    return SlopeAnswer(
        units=units,
        days=_number(days),
        critical=study.test.quantile,
        inflation=_inflation(study.test, question),
        looks=_ahead(study.test, _slope_drift(question, study, units)),
        design_effect=study.noise.design_effect,
        clusters=_clusters(units, question.clusters),
        power=study.power(units, question.slope, 0.0),
        smallest_slope_shown=shown if isinstance(shown, float) else None,
        assurance=study.assurance(units, question.belief, 0.0, above=hoped),
        assurance_to_refute=study.assurance(units, question.belief, worth_having, above=not hoped),
        power_to_refute=study.power(units, 0.0, worth_having),
        units_to_refute=_number(refuting),
        exclusion_power=noticed if isinstance(noticed, float) else None,
        advice=tuple(_advice(question, study.design, units)),
        not_estimable=_said(needed, shown, noticed, days),
    )


def _slope_drift(question: SlopeQuestion, study: Study, units: int | None) -> float | None:
    if units is None or question.slope is None or not study.design.doses_differ:
        return None
    return abs(question.slope) * sqrt(study.design.information * units / study.noise.residual(0.0))


def _study(question: SlopeQuestion) -> Study:
    noise = question.noise
    return Study(
        design=DoseDesign(
            shifts=tuple(arm.shift for arm in question.arms),
            shares=tuple(arm.share for arm in question.arms),
            common_effect_allowed=not question.direct_effect_bounded,
        ),
        noise=UnitNoise(
            cpi=noise.cpi_deviation**2,
            kpi=noise.kpi_deviation**2,
            covariance=noise.correlation * noise.cpi_deviation * noise.kpi_deviation,
            design_effect=_design_effect(question.clusters),
        ),
        test=_slope_test(question),
        target=question.target,
    )


def _slope_test(question: SlopeQuestion) -> PlannedTest:
    """A slope is judged by sets valid at any time at looks before the end, and by the fixed one at it."""
    alpha, planned = question.level, question.looks
    return PlannedTest(
        alpha=alpha,
        one_sided=planned is not None,
        critical=_anytime(alpha) if question.watching is Watching.ANY_TIME else None,
        looks=()
        if planned is None
        else slope_looks(planned.fractions, contrasts=len(question.arms), alpha=alpha),
    )


def _number(found: int | NotEstimable | None) -> int | None:
    return found if isinstance(found, int) else None


def _noticed(question: SlopeQuestion, study: Study, units: float) -> float | NotEstimable | None:
    if question.direct_effect is None:
        return None
    return planned_exclusion_power(
        study.design,
        study.noise,
        units,
        direct_effect=question.direct_effect,
        slope=question.slope or 0.0,
    )


def _advice(question: SlopeQuestion, design: DoseDesign, units: int | None) -> list[str]:
    """The doses must differ clearly or a placebo be there, and two mechanisms agree."""
    shifts = [arm.shift for arm in question.arms]
    found = []
    if not question.direct_effect_bounded and not design.doses_differ:
        found.append(
            "With equal doses a direct effect that the arms have in common looks the same as the slope: add "
            "a placebo arm, or give one arm a clearly different dose."
        )
    if not question.direct_effect_bounded and len([shift for shift in shifts if shift]) < 2:
        found.append(
            "One arm is one mechanism, which cannot decide while the bound on the direct effect is unknown: "
            "add a second mechanism, here or in another experiment."
        )
    if units is not None and (strength := _strength(question, units)) < STRONG:
        found.append(
            f"The largest dose is {strength:.2g} standard errors of the CPI: below five the real power is "
            "lower than said; take a stronger dose or more units."
        )
    return found


STRONG = 5.0
"""Standard errors of the CPI from which on the power's formula holds."""


def _strength(question: SlopeQuestion, units: int) -> float:
    """The largest dose in standard errors of its own contrast."""
    strongest = max(question.arms, key=lambda arm: abs(arm.shift))
    control = 1.0 - sum(arm.share for arm in question.arms)
    spread = _design_effect(question.clusters) * (1 / strongest.share + 1 / control) / units
    return abs(strongest.shift) / (question.noise.cpi_deviation * sqrt(spread))
