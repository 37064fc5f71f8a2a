"""Anderson-Rubin: which slopes do the contrasts not refute, however weak they are?"""

from math import pi

import numpy as np

from analyses.moments import Floats
from analyses.relationship.sets import ConfidenceSet, grid, invert
from analyses.relationship.system import System, direction


def statistic(system: System, weights: Floats) -> Floats:
    """AR (n,) = r' V^-1 r for weights (n, m) of the metrics; chi-squared with K degrees of freedom."""
    r, V = system.residual(weights)
    ar: Floats = np.einsum("nk,nk->n", r, np.linalg.solve(V, r[..., None])[..., 0])
    return ar


def gradient(system: System, angles: Floats) -> Floats:
    """D AR / d angle (n,): 2 r-dot' q - q' V-dot q with q = V^-1 r."""
    w = direction(angles)
    dot = np.stack([-np.sin(angles), -np.cos(angles)], axis=-1)
    r, V = system.residual(w)
    q = np.linalg.solve(V, r[..., None])[..., 0]
    half = system.between(w, dot)
    slope: Floats = 2 * np.einsum("nk,nk->n", dot @ system.effects[:2], q)
    slope -= 2 * np.einsum("nk,nkl,nl->n", q, half, q)
    return slope


def minima(system: System) -> Floats:
    """Angles of all local minima of AR, the lowest first; the first is the LIML (continuously updated) slope.

    Every contrast's own ratio is looked at besides the grid, since with strong contrasts that disagree each
    digs a narrow valley of its own; and the slope that weighs contrasts by the CPI's own errors, which looks
    past an error that all arms have from their control.
    """
    from scipy.optimize import brentq

    def slope_at(angle: float) -> float:
        return float(gradient(system, np.array([angle]))[0])

    kpi, cpi = system.effects[:2]
    weighted = np.linalg.solve(system.covariance[1, 1], cpi)
    angles = grid(np.append(np.arctan2(kpi, cpi), np.arctan2(weighted @ kpi, weighted @ cpi)))
    values = statistic(system, direction(angles))
    lows = np.flatnonzero((values <= np.roll(values, 1)) & (values <= np.roll(values, -1)))
    found = []
    for i in lows:
        left = angles[i - 1] - pi * (i == 0)
        right = angles[(i + 1) % len(angles)] + pi * (i == len(angles) - 1)
        if slope_at(left) < 0 < slope_at(right):
            found.append(brentq(slope_at, left, right, xtol=1e-15))
        else:
            found.append(angles[i])
    order = np.argsort(statistic(system, direction(np.array(found))))
    return np.array(found)[order]


def anderson_rubin_set(system: System, alpha: float, lows: Floats | None = None) -> ConfidenceSet:
    """Slopes x with AR(x) <= the 1 - alpha quantile of chi-squared with K degrees of freedom.

    Valid however weak the contrasts are. With one contrast this is Fieller's set. ``lows``: the minima of
    AR, where they are known. Anderson & Rubin (1949); Fieller (1954).
    """
    from scipy.special import chdtri

    limit = float(chdtri(system.size, alpha))
    lows = minima(system) if lows is None else lows
    return invert(lambda angles: statistic(system, direction(angles)) - limit, lows, system.slope_unit)
