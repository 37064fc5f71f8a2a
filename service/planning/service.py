"""How large must the study be? Pure arithmetic of the process that is asked: no scipy, no data, no queue."""

from dataclasses import dataclass, replace
from math import ceil, sqrt

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
    inflation,
    mean_noise,
    planned_exclusion_power,
    power,
    proportion_noise,
    slope_power,
    slope_units,
    smallest_effect,
    smallest_slope,
    units_needed,
)
from service.experiments.analysis import Sides
from service.planning.schemas import (
    Clusters,
    EffectAnswer,
    EffectQuestion,
    MeanNoise,
    SlopeAnswer,
    SlopeQuestion,
    Traffic,
    Unanswered,
    Watching,
)

ENOUGH_FOR_A_SEQUENCE = 1_000_000
"""The quantile of a confidence sequence at its planned size is the same at any size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """What looking costs: the standard errors that decide at the planned size, and more units by a factor."""

    critical: float | None
    inflation: float


def plan_effect(question: EffectQuestion) -> EffectAnswer:
    """Units, power and the smallest effect of one metric, an arm against control."""
    looking = _looking(question, question.alpha)
    pair = _pair_share(question)
    test = PlannedTest(
        alpha=question.alpha,
        one_sided=_sides(question) is Sides.ONE,
        arm_share=pair.arm / pair.both,
        critical=looking.critical,
    )
    noise = _noise(question)
    units = question.units
    if units is None and question.effect is not None:
        single = units_needed(question.effect, noise, test, target=question.target)
        units = ceil(single * looking.inflation / pair.both)
    told = (units or 0) * pair.both / looking.inflation  # of control and one arm, worth so many of one look
    belief = question.belief
    days = _days(units, question.traffic)
    return EffectAnswer(
        units=units,
        days=None if isinstance(days, NotEstimable) else days,
        critical=test.quantile,
        sides=_sides(question),
        inflation=looking.inflation,
        design_effect=noise.design_effect,
        clusters=_clusters(units, question.clusters),
        power=None if question.effect is None else power(question.effect, told, noise, test),
        smallest_effect=smallest_effect(told, _null_noise(question), test, target=question.target),
        assurance=None if belief is None else assurance(belief.mean, belief.deviation, told, noise, test),
        not_estimable=_said(days),
    )


def _sides(question: EffectQuestion) -> Sides:
    """On how many sides the test decides; the boundaries of looks leave room on two, whatever was asked."""
    return question.sides if question.watching is Watching.END else Sides.TWO


@dataclass(frozen=True, slots=True, kw_only=True)
class PairShare:
    """Shares of all units: one arm's, and that of the arm and control together."""

    arm: float
    both: float


def _pair_share(question: EffectQuestion) -> PairShare:
    control = question.control_share or 1.0 / question.arms
    arm = (1.0 - control) / (question.arms - 1)
    return PairShare(arm=arm, both=arm + control)


def _noise(question: EffectQuestion) -> Noise:
    widened = _design_effect(question.clusters)
    if isinstance(question.noise, MeanNoise):
        found = mean_noise(question.noise.deviation)
    else:
        found = proportion_noise(question.noise.rate, question.effect or 0.0)
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


def _looking(question: EffectQuestion | SlopeQuestion, alpha: float) -> Looking:
    """What the way of looking costs; planned looks cost units, a confidence sequence a wider interval."""
    if question.watching is Watching.ANY_TIME:
        n = ENOUGH_FOR_A_SEQUENCE
        return Looking(critical=anytime_quantile(n, n, alpha), inflation=1.0)
    if question.looks is None:
        return Looking(critical=None, inflation=1.0)
    looks = boundaries(
        question.looks.fractions, spending=Spending(question.looks.spending.value), alpha=alpha
    )
    return Looking(critical=None, inflation=inflation(looks, alpha=alpha, target=question.target))


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
    looking: Looking

    def needed(self, slope: float | None, against: float | None) -> int | NotEstimable | None:
        """Units that tell the two slopes apart; None where one of them was not named."""
        if slope is None or against is None:
            return None
        found = slope_units(
            self.design, self.noise, slope=slope, against=against, test=self.test, target=self.target
        )
        return found if isinstance(found, NotEstimable) else ceil(found * self.looking.inflation)

    def power(self, units: int | None, slope: float | None, against: float | None) -> float | None:
        if slope is None or against is None or units is None or not self.design.doses_differ:
            return None
        return slope_power(
            self.design, self.noise, self.worth(units), slope=slope, against=against, test=self.test
        )

    def worth(self, units: int) -> float:
        """In units of a test with one look."""
        return units / self.looking.inflation


def plan_slope(question: SlopeQuestion) -> SlopeAnswer:
    """Units and power of a relationship between CPI and KPI, and what the design cannot tell apart."""
    study = _study(question)
    needed = study.needed(question.slope, 0.0)
    refuting = study.needed(0.0, question.smallest_slope)
    units = question.units or _number(needed)
    shown = noticed = None
    if units is not None:
        worth = study.worth(units)
        shown = smallest_slope(study.design, study.noise, worth, test=study.test, target=study.target)
        noticed = _noticed(question, study, worth)
    days = _days(units, question.traffic)
    return SlopeAnswer(
        units=units,
        days=_number(days),
        critical=study.test.quantile,
        inflation=study.looking.inflation,
        design_effect=study.noise.design_effect,
        clusters=_clusters(units, question.clusters),
        power=study.power(units, question.slope, 0.0),
        smallest_slope_shown=shown if isinstance(shown, float) else None,
        power_to_refute=study.power(units, 0.0, question.smallest_slope),
        units_to_refute=_number(refuting),
        exclusion_power=noticed if isinstance(noticed, float) else None,
        advice=tuple(_advice(question, study.design, units)),
        not_estimable=_said(needed, shown, noticed, days),
    )


def _study(question: SlopeQuestion) -> Study:
    looking, noise = _looking(question, question.level), question.noise
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
        test=PlannedTest(alpha=question.level, critical=looking.critical),
        target=question.target,
        looking=looking,
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
