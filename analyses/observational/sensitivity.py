"""How strong must something unmeasured be to overturn the answer, told by what was measured?"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import exp, sqrt

from analyses.effects.difference import quantile
from analyses.moments import Moments
from analyses.observational.implied import partial_scatter
from analyses.relationship.robustness import Robustness, e_value, robustness
from analyses.results import NotEstimable

TIMES = (1, 2, 3)
FRAGILE = 0.05
"""A robustness value below this: something that explains a twentieth of both takes the effect away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """An unmeasured cause ``times`` as strong as a covariate: its partial R2, and what it leaves.

    ``r2_treatment`` and ``r2_outcome`` are shares of what is left of CPI and KPI; ``adjusted`` is the
    estimate and ``lower`` and ``upper`` its interval, were such a cause held fixed too (moved towards 0).
    """

    covariate: str
    times: int
    r2_treatment: float
    r2_outcome: float
    adjusted: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """``robustness`` of the coefficient, E-values of estimate and interval's end, and benchmarks.

    ``e_value`` is by risk ratios, approximate for a KPI that is no share; ``overturned_by`` names the
    covariates of whose strength an unmeasured cause would bring the interval to 0, or anywhere.
    """

    robustness: Robustness
    e_value: float
    e_value_end: float
    contrast: float  # raw CPI units that the E-value is about
    benchmarks: tuple[Benchmark, ...]
    overturned_by: tuple[str, ...]
    fragile: bool
    detail: str


def sensitivity(
    moments: Moments,
    treatment: str,
    outcome: str,
    covariates: Sequence[tuple[str, Sequence[str]]],
    *,
    contrast: float = 1.0,
    alpha: float = 0.05,
) -> Sensitivity | NotEstimable:
    """How strong an unmeasured common cause would have to be, in multiples of what was measured.

    ``covariates`` are nodes with their columns; ``contrast`` the step of the CPI that the E-value is about.

    Question: what would it take to overturn this association, and is that more than any covariate does?
    Estimand: the coefficient of the CPI, were a cause of given strength held fixed too.
    Assumes: linear confounding; classical errors.
    Formula: with R2_D and R2_Y a covariate's partial R2 with CPI and KPI, a cause k times as strong has
    R2_DZ = k R2_D / (1 - R2_D), R2_ZX = k R2_D^2 / ((1 - k R2_D)(1 - R2_D)),
    R2_YZ = ((sqrt(k) + sqrt(R2_ZX)) / sqrt(1 - R2_ZX))^2 R2_Y / (1 - R2_Y), at most 1; it moves the estimate
    by sqrt(R2_YZ R2_DZ / (1 - R2_DZ)) se sqrt(dof), and its error becomes
    se sqrt((1 - R2_YZ) / (1 - R2_DZ) dof / (dof - 1)). E-value: RR + sqrt(RR (RR - 1)), with RR the ratio of
    the KPI's shares half a contrast above and below its mean where it is a share, else exp(.91 d), d the
    effect of the contrast in standard deviations of the KPI.
    Units: shares; KPI units per raw CPI unit.
    Errors: it says how strong confounding must be, never whether it is there.
    Reference: Cinelli & Hazlett (2020), JRSS B 82(1), section 4.4; VanderWeele & Ding (2017), Annals of
    Internal Medicine 167(4).
    """
    nodes = [(name, [moments.index(column) for column in columns]) for name, columns in covariates]
    fixed = [at for _, columns in nodes for at in columns]
    t, y = moments.index(treatment), moments.index(outcome)
    dof = moments.n - len(fixed) - 2
    if dof < 3:
        return NotEstimable(reason="too_few_units", detail=f"{moments.n} units are too few")
    left = partial_scatter(moments.scatter, [t, y], fixed)
    whole = moments.scatter
    if left[0, 0] <= 1e-9 * whole[t, t] or left[1, 1] <= 1e-12 * whole[y, y] or whole[y, y] <= 0:
        return NotEstimable(reason="collinear", detail=f"{treatment} or {outcome} has nothing of its own")
    slope = float(left[0, 1] / left[0, 0])
    residual = max(float(left[1, 1] - slope * left[0, 1]), 0.0)
    error = sqrt(residual / dof / float(left[0, 0]))
    if error == 0:
        return NotEstimable(reason="kpi_is_cpi", detail=f"{outcome} is an exact function of {treatment}")
    fitted = _Fitted(slope=slope, error=error, dof=dof, alpha=alpha)
    benchmarks = tuple(one for node in nodes for one in _benchmarks(moments, (t, y), node, fixed, fitted))
    # A cause as strong as one that has no bound could be anything.
    beyond = {name for name, _ in nodes} - {one.covariate for one in benchmarks if one.times == 1}
    return _told(moments, (y, contrast), fitted, benchmarks, beyond)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    """The coefficient of the CPI with its classical error."""

    slope: float
    error: float
    dof: int
    alpha: float

    def reach(self, dof: int) -> float:
        """How many errors the interval reaches to either side."""
        return quantile(self.alpha, dof)


def _benchmarks(
    moments: Moments,
    ends: tuple[int, int],
    node: tuple[str, Sequence[int]],
    fixed: Sequence[int],
    fitted: _Fitted,
) -> list[Benchmark]:
    """By the covariate's partial R2 with the CPI and, given that, with the KPI."""
    (t, y), (name, columns) = ends, node
    others = [at for at in fixed if at not in columns]
    r2_d = _share(moments, t, columns, others)
    r2_y = _share(moments, y, columns, [*others, t])
    found = [_bound(name, times, (r2_d, r2_y), fitted) for times in TIMES]
    return [one for one in found if one is not None]


def _share(moments: Moments, of: int, by: Sequence[int], fixed: Sequence[int]) -> float:
    """Of what is left of one column, the share that some others explain."""
    before = float(partial_scatter(moments.scatter, [of], fixed)[0, 0])
    after = float(partial_scatter(moments.scatter, [of], [*fixed, *by])[0, 0])
    return min(max(1 - after / before, 0.0), 1.0) if before > 0 else 0.0


def _bound(name: str, times: int, shares: tuple[float, float], fitted: _Fitted) -> Benchmark | None:
    r2_d, r2_y = shares
    if r2_d >= 1 or r2_y >= 1 or times * r2_d / (1 - r2_d) >= 1 or times * r2_d >= 1:
        return None  # nothing can be so strong
    slope, error, dof = fitted.slope, fitted.error, fitted.dof
    r2_dz = times * r2_d / (1 - r2_d)
    r2_zx = times * r2_d**2 / ((1 - times * r2_d) * (1 - r2_d))
    if r2_zx >= 1:
        return None
    r2_yz = min(((sqrt(times) + sqrt(r2_zx)) / sqrt(1 - r2_zx)) ** 2 * r2_y / (1 - r2_y), 1.0)
    bias = sqrt(r2_yz * r2_dz / (1 - r2_dz)) * error * sqrt(dof)
    adjusted = (abs(slope) - bias) * (1 if slope >= 0 else -1)
    spread = error * sqrt((1 - r2_yz) / (1 - r2_dz) * dof / (dof - 1))
    reach = fitted.reach(dof - 1) * spread
    return Benchmark(
        covariate=name,
        times=times,
        r2_treatment=r2_dz,
        r2_outcome=r2_yz,
        adjusted=adjusted,
        lower=adjusted - reach,
        upper=adjusted + reach,
    )


def _told(
    moments: Moments,
    effect: tuple[int, float],
    fitted: _Fitted,
    benchmarks: tuple[Benchmark, ...],
    beyond: Collection[str],
) -> Sensitivity:
    slope, (outcome, contrast) = fitted.slope, effect
    strength = robustness(slope / fitted.error, fitted.dof, alpha=fitted.alpha)
    reach = fitted.reach(fitted.dof) * fitted.error
    nearest = 0.0 if abs(slope) <= reach else abs(slope) - reach
    sign = 1.0 if slope >= 0 else -1.0
    once = (one for one in benchmarks if one.times == 1)
    undone = [one.covariate for one in once if min(sign * one.lower, sign * one.upper) <= 0]
    overturned = tuple(sorted({*undone, *beyond}))
    fragile = strength.value_alpha < FRAGILE or bool(overturned)
    return Sensitivity(
        robustness=strength,
        e_value=e_value(_risk_ratio(moments, outcome, abs(slope * contrast))),
        e_value_end=e_value(_risk_ratio(moments, outcome, nearest * abs(contrast))),
        contrast=contrast,
        benchmarks=benchmarks,
        overturned_by=overturned,
        fragile=fragile,
        detail=_words(strength, overturned),
    )


def _words(strength: Robustness, overturned: Sequence[str]) -> str:
    if strength.value_alpha == 0:
        return "The association is within its own noise: no confounding is needed to explain it away."
    share = (
        f"Something unmeasured that explains {strength.value_alpha:.1%} of what is left of both CPI and KPI "
        "would leave nothing that can be told from 0."
    )
    if overturned:
        return f"{share} That is no more than {', '.join(overturned)} explains."
    return share


def _risk_ratio(moments: Moments, outcome: int, effect: float) -> float:
    """Of a share: half the effect above its mean over half below; else by standard deviations."""
    mean, variance = float(moments.mean[outcome]), float(moments.scatter[outcome, outcome]) / moments.n
    share = 0 < mean < 1 and abs(variance - mean * (1 - mean)) <= 1e-9
    if share and effect / 2 < min(mean, 1 - mean):
        return (mean + effect / 2) / (mean - effect / 2)
    return exp(min(0.91 * effect / sqrt(variance), 300.0))
