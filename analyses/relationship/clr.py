"""Conditional likelihood ratio: as safe as Anderson-Rubin with weak contrasts, sharper with several."""

from functools import cache
from math import exp, lgamma, pi, sqrt

import numpy as np

from analyses.moments import Floats
from analyses.relationship.anderson_rubin import anderson_rubin_set, curve, statistic
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


def lr_excess(ar: Floats, least: float, whole: float, k: int, alpha: float) -> Floats:
    """What is positive (n,) at slopes that the test refutes, given AR there, its minimum, and AR + r_T.

    r and aT are independent and tell together what KPI and CPI tell, so that AR + r_T is the same at every
    slope. The critical value lies between the chi-squared ones with 1 and with k degrees of freedom: only
    between them the integral is needed.
    """
    from scipy.special import chdtri

    lr, strength = np.maximum(ar - least, 0.0), np.maximum(whole - ar, 0.0)
    surely_in, surely_out = float(chdtri(1, alpha)), float(chdtri(k, alpha))
    found: Floats = np.where(lr < surely_in, lr - surely_in, np.maximum(lr - surely_out, 0.0) + alpha)
    open_ = (lr >= surely_in) & (lr <= surely_out)
    found[open_] = alpha - p_value(lr[open_], strength[open_], k)
    return found


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
    least, whole = along.least, information(system)
    return along.where(lambda ar: lr_excess(ar, least, whole, system.size, alpha), system.slope_unit)
