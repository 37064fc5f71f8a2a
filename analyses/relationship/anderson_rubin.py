"""Anderson-Rubin: which slopes do the contrasts not refute, however weak they are?"""

import numpy as np

from analyses.moments import Floats
from analyses.relationship.blocks import solved
from analyses.relationship.curve import Curve, charted
from analyses.relationship.sets import ConfidenceSet
from analyses.relationship.system import System, direction


def statistic(system: System, weights: Floats) -> Floats:
    """AR (n,) = r' V^-1 r for weights (n, m) of the metrics; chi-squared with K degrees of freedom."""
    r, V = system.residual(weights)
    ar: Floats = (r * solved(V, r)).sum(axis=1)
    return ar


def gradient(system: System, angles: Floats) -> Floats:
    """D AR / d angle (n,): 2 r-dot' q - q' V-dot q with q = V^-1 r."""
    w = direction(angles)
    dot = np.stack([-np.sin(angles), -np.cos(angles)], axis=-1)
    r, V = system.residual(w)
    q = solved(V, r)
    half = system.between(w, dot)
    pulled = (half @ q[..., None])[..., 0]
    slope: Floats = 2 * ((dot @ system.effects[:2] - pulled) * q).sum(axis=1)
    return slope


def curve(system: System) -> Curve:
    """AR along all slopes.

    Every contrast's own ratio is looked at besides the grid, since with strong contrasts that disagree each
    digs a narrow valley of its own; and the slope that weighs contrasts by the CPI's own errors, which looks
    past an error that all arms have from their control.
    """
    kpi, cpi = system.effects[:2]
    weighted = np.linalg.solve(system.covariance[1, 1], cpi)
    return charted(
        lambda angles: statistic(system, direction(angles)),
        lambda angles: gradient(system, angles),
        np.append(np.arctan2(kpi, cpi), np.arctan2(weighted @ kpi, weighted @ cpi)),
    )


def minima(system: System) -> Floats:
    """Angles of all local minima of AR, the lowest first: that is LIML's slope (continuously updated)."""
    return curve(system).lows


def anderson_rubin_set(system: System, alpha: float, along: Curve | None = None) -> ConfidenceSet:
    """Slopes x with AR(x) <= the 1 - alpha quantile of chi-squared with K degrees of freedom.

    Valid however weak the contrasts are. With one contrast this is Fieller's set. ``along``: AR's curve,
    where it is known. Anderson & Rubin (1949); Fieller (1954).
    """
    from scipy.special import chdtri

    limit, along = float(chdtri(system.size, alpha)), along or curve(system)
    return along.where(lambda ar: ar - limit, system.slope_unit)
