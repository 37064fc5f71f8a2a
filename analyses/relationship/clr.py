"""Conditional likelihood ratio: as safe as Anderson-Rubin with weak contrasts, sharper with several."""

from functools import cache
from math import exp, lgamma, pi, sqrt

import numpy as np

from analyses.moments import Floats
from analyses.relationship.anderson_rubin import anderson_rubin_set, curve, statistic
from analyses.relationship.crossings import crossings
from analyses.relationship.curve import Curve
from analyses.relationship.sets import ConfidenceSet
from analyses.relationship.system import System, direction

NODES = 96


@cache
def _quadrature(k: int) -> tuple[Floats, Floats]:
    """sin^2 of the nodes and weights of the integral below, which sum to one."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    angles = (nodes + 1) * pi / 4
    scale = 2 * exp(lgamma(k / 2) - lgamma((k - 1) / 2)) / sqrt(pi)
    return np.sin(angles) ** 2, scale * weights * pi / 4 * np.cos(angles) ** (k - 2)


def p_value(lr: Floats, strength: Floats, k: int) -> Floats:
    """P(CLR > lr | strength) (n,) for k >= 2 contrasts, by quadrature.

    Andrews, Moreira & Stock (2007), eq. (3) with s = sin(u). ``strength`` is r_T, how far the CPI moved.
    """
    from scipy.special import chdtr

    sin2, weights = _quadrature(k)
    m = np.maximum(lr, 1e-300)[:, None]
    inner = m * (strength[:, None] + m) / (m + strength[:, None] * sin2)
    return 1 - chdtr(k, inner) @ weights


def lr_limit(whole: float, k: int, alpha: float) -> float:
    """The likelihood ratio that the test refutes from on, where it and r_T are ``whole`` together.

    That is the same at every slope: r and aT are independent and tell together what KPI and CPI tell, so
    that AR + r_T does not change, nor LR + r_T. The p-value falls as LR grows; its level lies between the
    chi-squared quantiles with 1 and with k degrees of freedom. No slope is refuted where even all of
    ``whole`` is less than the latter.
    """
    from scipy.special import chdtri

    ends = np.array([float(chdtri(1, alpha)), float(chdtri(k, alpha))])
    if whole <= ends[1]:
        return float(ends[1])

    def excess(lr: Floats) -> Floats:
        return alpha - p_value(lr, whole - lr, k)

    values = excess(ends)
    if values[0] >= 0:  # so far did the CPI move that rounding is all that parts the level from chi-squared's
        return float(ends[0])
    return float(crossings(excess, (ends[:1], ends[1:]), (values[:1], values[1:]))[0])


def information(system: System) -> float:
    """Z' Omega^-1 z of KPI and CPI together: AR + r_T at every slope."""
    m, k = 2, system.size
    z = system.effects[:m].reshape(m * k)
    omega = system.covariance[:m, :m].transpose(0, 2, 1, 3).reshape(m * k, m * k)
    return float(z @ np.linalg.solve(omega, z))


def strength(system: System, angles: Floats) -> Floats:
    """r_T (n,): how far the CPI moved, independently of r(x), in units of its variance."""
    return np.maximum(information(system) - statistic(system, direction(angles)), 0.0)


def clr_set(system: System, alpha: float, along: Curve | None = None) -> ConfidenceSet:
    """Slopes not refuted by the conditional likelihood ratio test at level alpha.

    LR(x) = AR(x) - min AR, compared with its distribution given r_T (Moreira 2003), how far the CPI moved
    independently of r(x). Exact where the arms' covariance matrices are proportional, approximate otherwise.
    With one contrast it is Anderson-Rubin's set. ``along``: AR's curve, where it is known.
    """
    along = along or curve(system)
    if system.size == 1:
        return anderson_rubin_set(system, alpha, along)
    limit = along.least + lr_limit(information(system) - along.least, system.size, alpha)
    return along.where(lambda ar: ar - limit, system.slope_unit)
