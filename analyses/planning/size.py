"""How many units, how small an effect, how many days? For one arm against control."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, isfinite, pi, sqrt

import numpy as np

from analyses.effects.adjust import slopes_on, varying
from analyses.effects.group_sequential import Boundary, stopping_chances
from analyses.gaussian import cdf, legendre, root, upper
from analyses.moments import Floats, Measure, Moments, gradients, means_of, refusal, unit_covariance
from analyses.results import NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How much units differ: the variance of one unit's value in control and in the arm.

    ``explained`` is the share of the variance that pre-period covariates take out (the R^2 of CUPED);
    ``design_effect`` what clusters multiply it by, 1 without clusters.
    """

    control: float
    arm: float
    explained: float = 0.0
    design_effect: float = 1.0

    def __post_init__(self) -> None:
        if not (self.control >= 0 and self.arm >= 0 and self.control + self.arm > 0 and isfinite(self.arm)):
            raise ValueError(f"expected finite variances >= 0, not both 0, got {self}")
        if not (0 <= self.explained < 1 and self.design_effect > 0):
            raise ValueError(f"expected 0 <= explained < 1 and a design effect above 0, got {self}")

    def per_unit(self, arm_share: float) -> float:
        """Variance of the effect times the number of units of both arms together."""
        spread = self.arm / arm_share + self.control / (1.0 - arm_share)
        return spread * (1.0 - self.explained) * self.design_effect


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTest:
    """How the effect will be tested: the level, whether on one side only, and the arm's share of the units.

    ``critical`` is the number of standard errors that decides, where it is not the fixed test's: that of a
    confidence sequence at the planned size, say. ``looks`` are those that may stop the experiment, each with
    the standard errors that decide at it; the last is at the planned size.
    """

    alpha: float = 0.05
    one_sided: bool = False
    arm_share: float = 0.5
    critical: float | None = None
    looks: tuple[Boundary, ...] = ()

    def __post_init__(self) -> None:
        if not (0 < self.alpha < 1 and 0 < self.arm_share < 1):
            raise ValueError(f"alpha and the arm's share must lie between 0 and 1, got {self}")
        if self.looks and (self.critical is not None or self.looks[-1].quantile is None):
            raise ValueError("expected looks or a critical value, and looks of which the last can decide")

    @property
    def quantile(self) -> float:
        """Standard errors beyond which the test decides, at the planned size."""
        if self.looks and (last := self.looks[-1].quantile) is not None:
            return last
        if self.critical is not None:
            return self.critical
        return upper(self.alpha if self.one_sided else self.alpha / 2)

    def chances(self, drift: float) -> tuple[float, ...]:
        """That it has decided by each of its looks."""
        return stopping_chances(self.looks, drift, above_only=self.one_sided)

    def chance(self, drift: float) -> float:
        """That it decides, at any of its looks, where the effect is ``drift`` standard errors at the end."""
        if self.looks:
            return self.chances(drift)[-1]
        other = 0.0 if self.one_sided else cdf(-drift - self.quantile)
        return cdf(drift - self.quantile) + other


def mean_noise(deviation: float, *, explained: float = 0.0, design_effect: float = 1.0) -> Noise:
    """Noise of a mean whose units have this standard deviation in both arms."""
    return Noise(control=deviation**2, arm=deviation**2, explained=explained, design_effect=design_effect)


def proportion_noise(
    rate: float, change: float = 0.0, *, explained: float = 0.0, design_effect: float = 1.0
) -> Noise:
    """Noise of a share of units: p (1 - p) at the control's rate and at the rate that is hoped for."""
    if not (0 <= rate <= 1 and 0 <= rate + change <= 1):
        raise ValueError(f"rates must lie in [0, 1], got {rate} and {rate + change}")
    hoped = rate + change
    return Noise(
        control=rate * (1 - rate),
        arm=hoped * (1 - hoped),
        explained=explained,
        design_effect=design_effect,
    )


def quantile_noise(
    probability: float, density: float, *, explained: float = 0.0, design_effect: float = 1.0
) -> Noise:
    """Noise of a quantile, as if it were a mean: p (1 - p) / f^2, f the density of units at the quantile.

    ``density`` is the share of units for each unit of the metric there: .04 where 4 % of the customers wait
    between one second and the next (Conover 1999, Practical nonparametric statistics, section 3.2). It needs
    units beyond the quantile, some tens on its rarer side.

    >>> quantile_noise(0.5, 0.25).control
    4.0
    """
    if not (0 < probability < 1 and density > 0):
        raise ValueError(f"expected a probability in (0, 1) and a density, got {probability} and {density}")
    variance = probability * (1 - probability) / density**2
    return Noise(control=variance, arm=variance, explained=explained, design_effect=design_effect)


def measured_noise(moments: Moments, measure: Measure, *, design_effect: float = 1.0) -> Noise | NotEstimable:
    """Noise of any measure as history shows it: a ratio linearised, covariates' share taken out.

    The moments are those of units like the ones to come, over a window and pre-period like the planned ones.
    """
    if why := refusal(moments, measure):
        return why
    plain = Measure(name=measure.name, value=measure.value, per=measure.per)
    weights = gradients(moments, [plain])
    variance = float(unit_covariance(moments, weights, means_of(moments, [plain]))[0, 0])
    if variance == 0:
        return NotEstimable(reason="no_variance", detail=f"{measure.name} is the same for every unit")
    return Noise(
        control=variance,
        arm=variance,
        explained=_explained(moments, weights[0], measure.covariates, variance),
        design_effect=design_effect,
    )


def _explained(moments: Moments, weights: Floats, covariates: Sequence[str], variance: float) -> float:
    """R^2 as ``adjust`` will have it: covariates on any scale, those that repeat others left out."""
    varies = varying(moments)
    at = [place for place in map(moments.index, covariates) if varies[place]]
    if not at:
        return 0.0
    covariance = moments.covariance
    explained = covariance @ weights
    slopes, _ = slopes_on(covariance, explained[None], at)
    return min(max(float(slopes[0] @ explained[at]) / variance, 0.0), 1.0 - 1e-9)


def design_effect(units_per_cluster: float, correlation: float, *, spread: float = 0.0) -> float:
    """What clusters multiply a variance by, when whole clusters are assigned.

    1 + ((spread^2 + 1) m - 1) correlation: m units in the mean cluster, ``spread`` the coefficient of
    variation of the clusters' sizes, ``correlation`` that of two units of a cluster (Eldridge, Ashby & Kerry
    2006, International Journal of Epidemiology 35).

    >>> round(design_effect(20, 0.05), 3), round(design_effect(20, 0.05, spread=0.5), 3)
    (1.95, 2.2)
    """
    if units_per_cluster < 1 or not 0 <= correlation <= 1:
        raise ValueError(
            f"expected at least one unit a cluster and a correlation in [0, 1], "
            f"got {units_per_cluster} and {correlation}"
        )
    return 1.0 + ((spread**2 + 1.0) * units_per_cluster - 1.0) * correlation


def power(effect: float, units: float, noise: Noise, test: PlannedTest | None = None) -> float:
    """Chance that the test shows an effect of this size.

    Question: if the arm does this much, how likely will the experiment say so?
    Estimand: P(|Z| > z) for two sides, P(Z > z) for one (the side of the effect), Z = estimate / its error.
    Assumes: estimates near normal with this noise; ``units`` counts both arms together. Normal rather than
    t: at 100 units in all, power is overstated by less than .01.
    Formula: s = effect / sqrt(v / units), v = (arm / share + control / (1 - share)) (1 - explained)
    design effect; power = Phi(s - z) + Phi(-s - z); with planned looks the chance to have crossed a boundary
    by the last of them, by the integral that found the boundaries.
    Reference: Chow, Shao, Wang & Lokhnygina (2017), Sample size calculations in clinical research, ch. 3.

    >>> round(power(0.1, 3140, mean_noise(1.0)), 3)
    0.8
    """
    test = test or PlannedTest()
    return test.chance(abs(effect) / sqrt(noise.per_unit(test.arm_share) / units))


def drift_for(target: float, test: PlannedTest | None = None) -> float:
    """Standard errors that an effect must measure to be shown with this power."""
    return _drift_for(target, test or PlannedTest())


@lru_cache(maxsize=1024)
def _drift_for(target: float, test: PlannedTest) -> float:
    """Kept: with many looks each chance is an integral, and one plan asks for the same drift often."""
    least = test.chance(0.0)
    if not least < target < 1:
        raise ValueError(f"expected a power above {least:.3g} (that of no effect) and below 1, got {target}")
    return root(lambda drift: test.chance(drift) - target, 0.0, test.quantile + 40.0, 1e-12)


def smallest_effect(
    units: float, noise: Noise, test: PlannedTest | None = None, *, target: float = 0.8
) -> float:
    """The minimum detectable effect: the smallest that these units show with the wanted power.

    For a proportion take the noise at the rate hoped for, and ask again with the answer as its change.

    >>> round(smallest_effect(3140, mean_noise(1.0)), 3)
    0.1
    """
    test = test or PlannedTest()
    return drift_for(target, test) * sqrt(noise.per_unit(test.arm_share) / units)


def units_needed(effect: float, noise: Noise, test: PlannedTest | None = None, *, target: float = 0.8) -> int:
    """Units, both arms together, that show an effect of this size with the wanted power.

    >>> units_needed(0.1, mean_noise(1.0)), units_needed(0.1, mean_noise(1.0, explained=0.5))
    (3140, 1570)
    """
    if effect == 0:
        raise ValueError("no number of units shows an effect of zero")
    test = test or PlannedTest()
    return ceil(drift_for(target, test) ** 2 * noise.per_unit(test.arm_share) / effect**2)


def assurance(
    mean: float, deviation: float, units: float, noise: Noise, test: PlannedTest | None = None
) -> float:
    """Chance that the test shows a positive effect, when the effect itself is only known as a prior.

    The power at the hoped-for effect forgets that the hope may fail. With effect ~ N(mean, deviation^2) the
    estimate is normal too: Phi((m - z) / sqrt(1 + d^2)), m and d in standard errors of the estimate
    (O'Hagan, Stevens & Campbell 2005, Pharmaceutical Statistics 4(3)). With planned looks: the chance to have
    crossed the upper boundary, averaged over the prior.

    >>> noise = mean_noise(1.0)
    >>> round(assurance(0.1, 0.0, 3140, noise), 2), round(assurance(0.1, 0.1, 3140, noise), 2)
    (0.8, 0.61)
    """
    test = test or PlannedTest()
    error = sqrt(noise.per_unit(test.arm_share) / units)
    return believed_chance(test, mean / error, deviation / error)


def believed_chance(test: PlannedTest, mean: float, deviation: float) -> float:
    """Chance to decide above zero where the drift, in standard errors at the end, is N(mean, deviation^2)."""
    if not test.looks:
        return cdf((mean - test.quantile) / sqrt(1.0 + deviation**2))
    above = replace(test, one_sided=True)
    if deviation == 0:
        return above.chance(mean)
    # below `low` hardly any drift is shown, above `high` every one is; between them the chance is smooth
    low, high = max(-NEVER, mean - SPREAD * deviation), min(test.quantile + NEVER, mean + SPREAD * deviation)
    surely = cdf((mean - high) / deviation)
    if low >= high:
        return surely
    nodes, weights = legendre(NODES)
    drifts = (high + low) / 2 + (high - low) / 2 * nodes
    density = np.exp(-(((drifts - mean) / deviation) ** 2) / 2) / (deviation * sqrt(2 * pi))
    shown = np.array([above.chance(float(drift)) for drift in drifts])
    return surely + float((weights * density) @ shown) * (high - low) / 2


NEVER = 7.0
SPREAD = 8.0
NODES = 24
"""Standard errors beyond which a chance is 0 or 1, and the prior over; points between them, for 2e-6."""


def days_needed(units: int, new_units: Sequence[int], *, window_days: int = 0) -> int | NotEstimable:
    """Days until these units have been enrolled and the last of them observed for its window.

    ``new_units`` counts units first seen on day 1, 2, ... of a typical period: returning ones do not count
    again, so arrivals thin out. Beyond that period the mean of its last week goes on.

    >>> days_needed(1000, [300, 200, 150, 120, 100, 90, 80], window_days=7)
    14
    >>> days_needed(2000, [300, 200, 150, 120, 100, 90, 80])
    14
    """
    enrolled = 0
    for day, count in enumerate(new_units, start=1):
        enrolled += count
        if enrolled >= units:
            return day + window_days
    week = new_units[-7:]
    pace = sum(week) / len(week) if week else 0.0
    if pace <= 0:
        return NotEstimable(reason="no_arrivals", detail="no new units arrive any more")
    return len(new_units) + ceil((units - enrolled) / pace) + window_days
