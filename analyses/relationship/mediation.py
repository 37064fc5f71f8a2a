"""How much of an arm's effect on the KPI seems to pass through the CPI, going by who has which CPI?

Within an arm nobody dealt the CPI at random: this rests on an assumption that no experiment can test, is
shown beside the randomised slope, and confirms nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from analyses.moments import Floats, Moments
from analyses.relationship.robustness import Robustness, robustness
from analyses.results import Estimate, Interval, NotEstimable

ASSUMPTION = (
    "Assumes sequential ignorability: that, among units of the same arm with the same covariates, who has "
    "which CPI is as good as random. The experiment does not make it so, and cannot test it."
)
NORMAL, NODES = 9.0, 4001  # standard deviations and points of the quadrature over a normal estimate
RHOS = (-0.9, -0.6, -0.3, -0.1, 0.0, 0.1, 0.3, 0.6, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mediation:
    """The effect of one arm on the KPI, split: ``acme`` through the CPI, ``ade`` past it, ``total`` both.

    KPI units; ``share`` is ACME / total, None where the total may be 0. ``unit_slope`` is the regression
    slope of KPI on CPI among units of an arm (KPI units per raw CPI unit), whose Robustness stands beside.
    ``rho`` is the correlation of the two equations' errors at
    which the ACME would be 0, ``r2_star`` its square, ``r2_tilde`` the same as a share of the original
    variances. ``interaction`` is the p-value of "the slope is the same in both arms".
    """

    acme: Estimate
    ade: Estimate
    total: Estimate
    share: float | None
    unit_slope: Estimate
    robustness: Robustness
    rho: float
    r2_star: float
    r2_tilde: float
    acme_at: tuple[tuple[float, float], ...]
    interaction: float
    assumption: str = ASSUMPTION


def mediation(
    strata: Sequence[tuple[Moments, Moments]],
    cpi: str,
    kpi: str,
    covariates: Sequence[str] = (),
    *,
    alpha: float = 0.05,
) -> Mediation | NotEstimable:
    """Average causal mediation effect of an arm through the CPI, with its sensitivity, from moments alone.

    ``strata`` are the control's and the arm's moments in each phase; columns are named.

    Question: how much of the KPI's change passes through the CPI, if units' CPI were as good as random?
    Estimand: ACME = E[Y(1, M(1)) - Y(1, M(0))], ADE = E[Y(1, M(0)) - Y(0, M(0))], total = ACME + ADE.
    Assumes: sequential ignorability given the covariates; linear equations, the same slope in both arms
    (the p-value ``interaction`` asks).
    Formula: M on T and X gives alpha; Y on T, M and X gives ADE and the unit slope b; ACME = alpha b, its
    standard error by the delta method, its interval and p-value quasi-Bayesian: those of the product of two
    independent normal estimates, by quadrature instead of by simulation. Each stratum has an intercept of
    its own. rho* = corr(residual of Y on T, X; residual of M on T, X): with error correlation
    rho the ACME is alpha s_Y / s_M (rho* - rho sqrt((1 - rho*^2) / (1 - rho^2))), 0 at rho = rho*.
    R2* = rho*^2, R2~ = rho*^2 (1 - R2_M) (1 - R2_Y), the R2 being those of the two equations.
    Units: KPI units; the unit slope KPI units per raw CPI unit.
    Errors: intervals at 1 - alpha, with a common error variance in both arms; ADE, total and slope by
    Student's t. They hold only under the assumption.
    Reference: Imai, Keele & Yamamoto (2010), Statistical Science 25(1), theorems 2 and 4; Sobel (1982).
    """
    n = sum(control.n + arm.n for control, arm in strata)
    needed = 2 * len(strata) + 4 + len(covariates)
    if n < needed or any(control.n < 2 or arm.n < 2 for control, arm in strata):
        return NotEstimable(
            reason="too_few_units", detail=f"mediation needs at least {needed} units, 2 in each arm"
        )
    scatter = np.sum([_scatter(pair, cpi, kpi, covariates) for pair in strata], axis=0)
    if refused := _constant(scatter, cpi, kpi):
        return refused
    return _mediated(scatter, n - len(strata), alpha)


T, M, TM, Y, X = 0, 1, 2, 3, 4  # columns of the joint scatter; X and what follows are covariates


def _scatter(pair: tuple[Moments, Moments], cpi: str, kpi: str, covariates: Sequence[str]) -> Floats:
    """Centred cross-products of T, M, T M, Y and X over both arms of a stratum."""
    control, arm = (_with_arm(moments, t, cpi, kpi, covariates) for t, moments in enumerate(pair))
    return (control + arm).scatter


def _with_arm(moments: Moments, t: int, cpi: str, kpi: str, covariates: Sequence[str]) -> Moments:
    """The arm's indicator and its product with the CPI are linear in one arm's columns: no row is asked."""
    at = [moments.index(name) for name in (cpi, kpi, *covariates)]
    L = np.zeros((len(at) + 2, len(moments.columns)))
    L[[M, Y, *range(X, len(L))], at] = 1.0
    L[TM, at[0]] = float(t)
    mean = L @ moments.mean
    mean[T] = float(t)
    return Moments(
        columns=("T", "M", "TM", "Y", *covariates), n=moments.n, mean=mean, scatter=L @ moments.scatter @ L.T
    )


def _constant(scatter: Floats, cpi: str, kpi: str) -> NotEstimable | None:
    """Why M or Y has nothing left to explain once T and X are known, or None."""
    rest = [T, *range(X, len(scatter))]
    for column, name, reason in ((M, cpi, "constant_cpi"), (Y, kpi, "constant_kpi")):
        if _fit(scatter, column, rest).rss <= 1e-12 * scatter[column, column]:
            return NotEstimable(reason=reason, detail=f"{name} does not vary inside the arms")
    if _fit(scatter, Y, [T, M, *rest[1:]]).rss <= 1e-12 * scatter[Y, Y]:
        return NotEstimable(reason="kpi_is_cpi", detail=f"{kpi} is an exact linear function of {cpi}")
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """Least squares of one column on others: coefficients, the inverse of their scatter, residual squares."""

    beta: Floats
    inverse: Floats
    rss: float
    tss: float


def _fit(scatter: Floats, outcome: int, on: Sequence[int]) -> _Fit:
    """A covariate that repeats the others adds nothing: the generalised inverse leaves it out."""
    at = list(on)
    scale = np.sqrt(np.maximum(np.diag(scatter)[at], 1e-300))
    inverse = np.linalg.pinv(scatter[np.ix_(at, at)] / np.outer(scale, scale), rcond=1e-12, hermitian=True)
    inverse = inverse / np.outer(scale, scale)
    beta = inverse @ scatter[at, outcome]
    tss = float(scatter[outcome, outcome])
    return _Fit(beta=beta, inverse=inverse, rss=max(tss - float(beta @ scatter[at, outcome]), 0.0), tss=tss)


def _mediated(scatter: Floats, spare: int, alpha: float) -> Mediation:
    rest = list(range(X, len(scatter)))
    first, second, both = _fit(scatter, M, [T, *rest]), _fit(scatter, Y, [T, M, *rest]), [T, *rest]
    total = _fit(scatter, Y, both)
    dof1, dof2 = spare - 1 - len(rest), spare - 2 - len(rest)
    moved = _estimate(first, 0, dof1, alpha)
    slope, direct = _estimate(second, 1, dof2, alpha), _estimate(second, 0, dof2, alpha)
    acme = _product(moved, slope, alpha)
    whole = _estimate(total, 0, dof1, alpha)
    cross = scatter[M, Y] - float(first.beta @ scatter[both, Y])
    rho = float(np.clip(cross / sqrt(first.rss * total.rss), -1.0, 1.0))
    t = slope.value / slope.std_error
    return Mediation(
        acme=acme,
        ade=direct,
        total=whole,
        share=acme.value / whole.value if whole.p_value < alpha else None,
        unit_slope=slope,
        robustness=robustness(t, dof2, alpha=alpha),
        rho=rho,
        r2_star=rho**2,
        r2_tilde=rho**2 * (first.rss / first.tss) * (second.rss / second.tss),
        acme_at=tuple((at, _acme_at(at, rho, moved.value, sqrt(total.rss / first.rss))) for at in RHOS),
        interaction=_interaction(scatter, second, dof2),
    )


def _acme_at(at: float, rho: float, moved: float, ratio: float) -> float:
    """The ACME if the errors of the two equations had correlation ``at``: theorem 4."""
    return moved * ratio * (rho - at * sqrt((1 - rho**2) / (1 - at**2)))


def _estimate(fit: _Fit, at: int, dof: int, alpha: float) -> Estimate:
    return _interval(float(fit.beta[at]), sqrt(fit.rss / dof * fit.inverse[at, at]), dof, alpha)


def _interval(value: float, error: float, dof: int, alpha: float) -> Estimate:
    from scipy.special import stdtr, stdtrit

    reach = float(stdtrit(dof, 1 - alpha / 2)) * error
    p_value = float(2 * stdtr(dof, -abs(value) / error)) if error > 0 else float(value == 0)
    return Estimate(
        value=value,
        std_error=error,
        interval=Interval(lower=value - reach, upper=value + reach),
        p_value=p_value,
    )


def _product(moved: Estimate, slope: Estimate, alpha: float) -> Estimate:
    """Their product, with the quantiles of the product of two independent normals."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    x, dx = np.linspace(-NORMAL, NORMAL, NODES, retstep=True)
    density = np.exp(-(x**2) / 2) * dx / sqrt(2 * pi)
    a = moved.value + moved.std_error * x
    a = np.where(a == 0, 1e-300, a)

    def below(q: float) -> float:
        """P(product <= q): the slope's share of the line that the shift leaves, over all shifts."""
        z = np.sign(a) * (q / a - slope.value) / slope.std_error
        return float(density @ ndtr(z))

    value, (sa, sb) = moved.value * slope.value, (moved.std_error, slope.std_error)
    reach = NORMAL * (abs(moved.value) * sb + abs(slope.value) * sa) + NORMAL**2 * sa * sb
    ends = [
        value + reach * brentq(lambda at, p=p: below(value + reach * at) - p, -1.0, 1.0, xtol=1e-14)
        for p in (alpha / 2, 1 - alpha / 2)
    ]
    up, rising = float(ndtr(moved.value / sa)), float(ndtr(slope.value / sb))
    negative = up * (1 - rising) + (1 - up) * rising
    return Estimate(
        value=value,
        std_error=sqrt((sa * slope.value) ** 2 + (sb * moved.value) ** 2),
        interval=Interval(lower=float(ends[0]), upper=float(ends[1])),
        p_value=min(1.0, 2 * min(negative, 1 - negative)),
    )


def _interaction(scatter: Floats, second: _Fit, dof: int) -> float:
    """P-value of "T M adds nothing to Y on T, M, X": one F test, here as a t test."""
    from scipy.special import fdtrc

    more = _fit(scatter, Y, [T, M, TM, *range(X, len(scatter))])
    if more.rss <= 0:
        return 0.0
    return float(fdtrc(1, dof - 1, max(second.rss - more.rss, 0.0) / (more.rss / (dof - 1))))
