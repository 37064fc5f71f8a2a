"""Will these doses prove or refute the slope? The plan of an experiment about one CPI and one KPI."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt

import numpy as np

from analyses.effects.group_sequential import Boundary
from analyses.gaussian import chi_square_exceeds, chi_square_quantile, upper
from analyses.moments import Floats
from analyses.planning.size import PlannedTest, believed_chance, drift_for
from analyses.relationship.early import anytime_limit
from analyses.results import NotEstimable

EXCLUSION_ALPHA = 0.10
"""Level of the overidentification test, a gate: a false alarm costs an answer, a miss gives a false one."""

NOT_TOLD_APART = NotEstimable(
    reason="doses_do_not_differ",
    detail="with equal shifts a direct effect common to the arms would look the same as the slope: vary the "
    "doses, or add a placebo arm",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitNoise:
    """Variances of one unit's CPI and KPI and their covariance, after adjustment, and clusters' factor."""

    cpi: float
    kpi: float
    covariance: float
    design_effect: float = 1.0

    def __post_init__(self) -> None:
        if not (self.cpi > 0 and self.kpi > 0 and self.covariance**2 < self.cpi * self.kpi):
            raise ValueError(f"expected the moments of a pair of variables, got {self}")

    def residual(self, slope: float) -> float:
        """v(b) = s_yy - 2 b s_cy + b^2 s_cc: the variance of KPI - b CPI, above zero."""
        variance = self.kpi - 2 * slope * self.covariance + slope**2 * self.cpi
        return variance * self.design_effect


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseDesign:
    """The CPI shift that each arm is to bring (0 for a placebo), and the arms' shares; control has the rest.

    ``common_effect_allowed``: the slope must survive a direct effect that all arms have in common (rule E
    with an unknown bound), so it is learned from differences between the arms only.
    """

    shifts: tuple[float, ...]
    shares: tuple[float, ...]
    common_effect_allowed: bool = False

    def __post_init__(self) -> None:
        if not self.shifts or len(self.shifts) != len(self.shares):
            raise ValueError(f"expected one share for each shift, got {self}")
        if not any(self.shifts):
            raise ValueError("a dose design needs an arm that is to move the CPI")
        if min(self.shares) <= 0 or sum(self.shares) >= 1:
            raise ValueError(f"expected shares above 0 that leave some to control, got {self.shares}")

    @property
    def precision(self) -> Floats:
        """Inverse (K, K) of the contrasts' covariance, for one unit in all with variance 1."""
        covariance = np.diag(1.0 / np.array(self.shares)) + 1.0 / (1.0 - sum(self.shares))
        inverse: Floats = np.linalg.inv(covariance)
        return inverse

    @property
    def information(self) -> float:
        """What one unit of variance 1 tells about the slope: a'V^-1 a, less what a common effect could be.

        Differencing out (H1 = 0) leaves a'V^-1 a - (1'V^-1 a)^2 / 1'V^-1 1, whatever the H.
        """
        a, ones, Q = np.array(self.shifts), np.ones(len(self.shifts)), self.precision
        whole = float(a @ Q @ a)
        if not self.common_effect_allowed:
            return whole
        return max(whole - float(ones @ Q @ a) ** 2 / float(ones @ Q @ ones), 0.0)

    @property
    def doses_differ(self) -> bool:
        """Whether anything is left to learn the slope from."""
        return self.information > 1e-12 * max(map(abs, self.shifts)) ** 2


def slope_power(
    design: DoseDesign,
    noise: UnitNoise,
    units: float,
    *,
    slope: float,
    against: float = 0.0,
    test: PlannedTest | None = None,
) -> float:
    """Chance that the slope's set excludes ``against`` on the side of the true slope.

    Question: will this design confirm a lever (against 0) or refute it (against the smallest slope)?
    Estimand: P of the one-sided decision at alpha/2, as rule E takes it, when the slope is ``slope``.
    Assumes: the shifts come out as planned; exclusion holds, or holds up to a common effect if the design
    allows one; strong doses (below five standard errors of the CPI the real power is lower).
    Formula: Phi(|slope - against| sqrt(I units / v(against)) - z), I the design's information: the residual
    r = KPI - against CPI has mean (slope - against) a and the variance v(against) whatever the slope is.
    Exact for one arm (Anderson-Rubin). With looks (``slope_looks``) the chance to have decided by the last.
    Reference: Anderson and Rubin (1949), Annals of Mathematical Statistics 20(1); Moreira (2003),
    Econometrica 71(4).

    >>> design = DoseDesign(shifts=(0.2,), shares=(0.5,))
    >>> round(slope_power(design, UnitNoise(cpi=1, kpi=1, covariance=0.3), 40_000, slope=0.2), 2)
    0.98
    """
    drift = abs(slope - against) * sqrt(design.information * units / noise.residual(against))
    return _one_sided(test).chance(drift)


def slope_assurance(
    design: DoseDesign,
    noise: UnitNoise,
    units: float,
    *,
    mean: float,
    deviation: float,
    against: float = 0.0,
    above: bool = True,
    test: PlannedTest | None = None,
) -> float:
    """Chance that the slope's set lies on one side of ``against``, when the slope is only known as a belief.

    Question: how likely will this design answer at all, given that the slope may not be what is hoped?
    Estimand: the power averaged over slope ~ N(mean, deviation^2), KPI units per CPI unit; ``above`` says on
    which side of ``against`` the set is to lie.
    Assumes: as ``slope_power``; the belief is of the slope alone, the shifts come out as planned.
    Formula: Phi((m - z) / sqrt(1 + s^2)), m and s the belief's distance from ``against`` and its deviation in
    standard errors, sqrt(v(against) / (I units)), since r's variance does not depend on the slope. With looks
    the chance to have decided by the last, averaged over the belief by quadrature.
    Reference: O'Hagan, Stevens & Campbell (2005), Pharmaceutical Statistics 4(3), for assurance; the test is
    Anderson and Rubin's (1949).

    >>> design, noise = DoseDesign(shifts=(0.2,), shares=(0.5,)), UnitNoise(cpi=1, kpi=1, covariance=0.3)
    >>> round(slope_assurance(design, noise, 19_623, mean=0.2, deviation=0.0), 2)
    0.8
    >>> round(slope_assurance(design, noise, 19_623, mean=0.2, deviation=0.2), 2)
    0.61
    """
    scale = sqrt(design.information * units / noise.residual(against))
    away = (mean - against) * (1.0 if above else -1.0)
    return believed_chance(_one_sided(test), away * scale, deviation * scale)


def slope_looks(fractions: Sequence[float], *, contrasts: int, alpha: float = 0.05) -> tuple[Boundary, ...]:
    """How many standard errors decide about a slope at each planned look: any time's before the end.

    Question: what does it take to decide a relationship at a look, when it may also decide later?
    Estimand: square roots of the limits by which an experiment that was stopped early is judged: the larger
    of what one combination of the contrasts and of what all of them take at any look, as a factor of the
    fixed test's; at the planned end that test itself.
    Assumes: the last fraction is 1. ``spent`` is alpha throughout: sets valid at any time spend it once.
    Formula: z sqrt(max over k in {1, K} of limit_k / chi-square_k), ``anytime_limit`` tuned to the end.
    Reference: as ``anytime_limit``.

    >>> [round(look.quantile, 2) for look in slope_looks([0.5, 1.0], contrasts=1)]
    [3.08, 1.96]
    """
    z = upper(alpha / 2)
    found = [
        Boundary(fraction=fraction, quantile=z * sqrt(early_factor(fraction, contrasts, alpha)), spent=alpha)
        for fraction in fractions[:-1]
    ]
    return (*found, Boundary(fraction=fractions[-1], quantile=z, spent=alpha))


def early_factor(fraction: float, contrasts: int, alpha: float) -> float:
    """By what an early experiment's covariance grows (``relationship.early.inflation``), without scipy."""
    units = ceil(fraction * MANY)
    return max(
        1.0, *(anytime_limit(k, units, MANY, alpha) / chi_square_quantile(alpha, k) for k in (1, contrasts))
    )


MANY = 1_000_000
"""Limits depend on the share of the plan that was reached, not on the plan's size."""


def _one_sided(test: PlannedTest | None) -> PlannedTest:
    """Decides on the side of the truth alone, at the two-sided test's standard errors."""
    test = test or PlannedTest()
    return replace(test, one_sided=True, critical=None if test.looks else test.quantile)


def slope_units(
    design: DoseDesign,
    noise: UnitNoise,
    *,
    slope: float,
    against: float = 0.0,
    test: PlannedTest | None = None,
    target: float = 0.8,
) -> int | NotEstimable:
    """Units, all arms together, with which ``slope_power`` reaches the wanted power.

    >>> design = DoseDesign(shifts=(0.2,), shares=(0.5,))
    >>> slope_units(design, UnitNoise(cpi=1, kpi=1, covariance=0.3), slope=0.2)
    19623
    """
    if slope == against:
        raise ValueError(f"no number of units tells a slope of {slope} from itself")
    if not design.doses_differ:
        return NOT_TOLD_APART
    drift = drift_for(target, _one_sided(test))
    return ceil(drift**2 * noise.residual(against) / ((slope - against) ** 2 * design.information))


def smallest_slope(
    design: DoseDesign,
    noise: UnitNoise,
    units: float,
    *,
    test: PlannedTest | None = None,
    target: float = 0.8,
) -> float | NotEstimable:
    """The minimum detectable slope, in KPI units per CPI unit: the size told from 0 with the wanted power.

    >>> design = DoseDesign(shifts=(0.2,), shares=(0.5,))
    >>> round(smallest_slope(design, UnitNoise(cpi=1, kpi=1, covariance=0.3), 19_623), 3)
    0.2
    """
    if not design.doses_differ:
        return NOT_TOLD_APART
    return drift_for(target, _one_sided(test)) * sqrt(noise.residual(0.0) / (design.information * units))


def planned_exclusion_power(
    design: DoseDesign, noise: UnitNoise, units: float, *, direct_effect: float, slope: float = 0.0
) -> float | NotEstimable:
    """Chance that the overidentification test notices a direct effect common to all arms, placebo included.

    Question: would this design show it, if the arms also acted on the KPI past the CPI?
    Estimand: power of J at level .10 against a direct effect of ``direct_effect`` KPI units in every arm.
    Assumes: shifts as planned, the slope as given.
    Formula: non-centrality g^2 [1'V^-1 1 - (1'V^-1 a)^2 / a'V^-1 a], K - 1 degrees of freedom. The same that
    the analysis reports from its data as ``exclusion_power``.
    Reference: Anderson and Rubin (1949), Annals of Mathematical Statistics 20(1): what is left over.

    >>> noise = UnitNoise(cpi=1, kpi=1, covariance=0)
    >>> design = DoseDesign(shifts=(0.0, 0.2, 0.4), shares=(0.25,) * 3)
    >>> round(planned_exclusion_power(design, noise, 200_000, direct_effect=0.02), 2)
    0.91
    """
    if len(design.shifts) < 2:
        return NotEstimable(reason="one_contrast", detail="one contrast cannot notice a direct effect")
    a, ones = np.array(design.shifts), np.ones(len(design.shifts))
    Q = design.precision * units / noise.residual(slope)
    left = float(ones @ Q @ ones) - float(ones @ Q @ a) ** 2 / float(a @ Q @ a)
    df = len(a) - 1
    bar = chi_square_quantile(EXCLUSION_ALPHA, df)
    return chi_square_exceeds(bar, df, direct_effect**2 * max(left, 0.0))
