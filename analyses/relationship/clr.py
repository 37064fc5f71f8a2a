"""Conditional likelihood ratio: as safe as Anderson-Rubin with weak contrasts, sharper with several."""

from functools import cache
from math import exp, lgamma, pi, sqrt

import numpy as np

from analyses.moments import Floats
from analyses.relationship.anderson_rubin import anderson_rubin_set, minima, statistic
from analyses.relationship.sets import ConfidenceSet, invert
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


def strength(system: System, angles: Floats) -> Floats:
    """r_T (n,): the CPI effects made independent of r(x), in units of their variance.

    aT = a - Cov(a, r) V^-1 r. The direction orthogonal to r takes the place of a, which leaves r_T as it is
    and is defined at an infinite slope too.
    """
    across = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    w = direction(angles)
    r, V = system.residual(w)
    t, Vt = system.residual(across)
    cov = system.between(across, w)
    half = np.linalg.solve(V, np.swapaxes(cov, -1, -2))
    aT = t - np.einsum("nlk,nl->nk", half, r)
    Va = Vt - cov @ half
    Va = Va + 1e-13 * np.eye(system.size) * np.trace(Vt, axis1=-2, axis2=-1)[:, None, None]
    r_T: Floats = np.einsum("nk,nk->n", aT, np.linalg.solve(Va, aT[..., None])[..., 0])
    return np.maximum(r_T, 0.0)


def clr_set(system: System, alpha: float) -> ConfidenceSet:
    """Slopes not refuted by the conditional likelihood ratio test at level alpha.

    LR(x) = AR(x) - min AR, compared with its distribution given r_T (Moreira 2003). Exact where the arms'
    covariance matrices are proportional, approximate otherwise. With one contrast it is Anderson-Rubin's set.
    """
    if system.size == 1:
        return anderson_rubin_set(system, alpha)
    lows = minima(system)
    least = float(statistic(system, direction(lows[:1]))[0])

    def excess(angles: Floats) -> Floats:
        lr = np.maximum(statistic(system, direction(angles)) - least, 0.0)
        return alpha - p_value(lr, strength(system, angles), system.size)

    return invert(excess, lows, system.slope_unit)
