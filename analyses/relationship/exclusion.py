"""What if an arm also acts on the KPI directly, past the CPI? Bounds, breakdown, and the power to notice."""

from math import sqrt

import numpy as np

from analyses.moments import Floats
from analyses.relationship.anderson_rubin import minima
from analyses.relationship.sets import ConfidenceSet, grid, invert
from analyses.relationship.system import System, direction
from analyses.results import NotEstimable

SWEEPS = 400
NEWTON = 60
TOLERANCE = 1e-12
CERTAIN = 1e6  # a noncentrality at which any test notices; chndtr has no value for the largest ones


def boxed(r: Floats, V: Floats, box: Floats) -> Floats:
    """Min over |g_k| <= box of (r - g)' V^-1 (r - g), n systems at once: r (n, K), V (n, K, K), box (n,)."""
    Q = np.linalg.inv(V)
    left = r - nearest(r, Q, box)
    least: Floats = ((Q @ left[..., None])[..., 0] * left).sum(axis=1)
    return least


def nearest(r: Floats, Q: Floats, box: Floats) -> Floats:
    """The g (n, K) within the box that reaches that minimum; Q is the inverse of V.

    A convex quadratic over a box: coordinate descent reaches the minimum, where the corners alone would not.
    """
    g = np.clip(r, -box[:, None], box[:, None])
    for _ in range(SWEEPS):
        before = g.copy()
        for k in range(r.shape[1]):
            pull = (Q[:, k] * (r - g)).sum(axis=1) / Q[:, k, k]
            g[:, k] = np.minimum(np.maximum(g[:, k] + pull, -box), box)
        if np.abs(g - before).max() <= TOLERANCE * (1 + np.abs(g).max()):
            break
    return g


def bounded_statistic(system: System, weights: Floats, bound: float) -> Floats:
    """AR (n,) at weights (n, m), minimised over direct effects of at most ``bound`` KPI units in each arm."""
    r, V = system.residual(weights)
    return boxed(r, V, np.abs(weights[:, 0]) * (bound / system.scale[0]))


def bounded_minimum(system: System, bound: float, lows: Floats | None = None) -> float:
    """The least AR over all slopes and all direct effects within the bound: what is left to explain."""
    angles = grid(minima(system) if lows is None else lows)
    for _ in range(4):  # zoom in around the best angle: a flat bottom needs no more
        values = bounded_statistic(system, direction(angles), bound)
        best = int(np.argmin(values))
        width = angles[min(best + 1, len(angles) - 1)] - angles[max(best - 1, 0)]
        angles = angles[best] + np.linspace(-width, width, 65)
    return float(values.min())


def bounded_set(system: System, bound: float, alpha: float, lows: Floats | None = None) -> ConfidenceSet:
    """Slopes that some direct effect within the bound reconciles with the data.

    x belongs when the minimum over the box |g_k| <= bound of AR(x; g) is at most the chi-squared quantile
    with K degrees of freedom: the union of Conley, Hansen & Rossi (2012), exact for any K.
    """
    from scipy.special import chdtri

    limit = float(chdtri(system.size, alpha))
    return invert(
        lambda angles: bounded_statistic(system, direction(angles), bound) - limit,
        minima(system) if lows is None else lows,
        system.slope_unit,
    )


def breakdown(system: System, alpha: float, slope: float = 0.0) -> float:
    """The smallest direct effect, in KPI units and of either sign, that lets the slope have a given value.

    It is 0 where the data do not exclude that slope even without direct effects. The distance of r from the
    box |g_k| <= bound, in the metric of V^-1, is convex in the bound and falls by the sum of |q_k| over it,
    q = V^-1 (r - g): Newton's method climbs from 0 to where the distance is the quantile's root.
    """
    from scipy.special import chdtri

    limit = sqrt(float(chdtri(system.size, alpha)))
    r, V = system.residual(np.array([[1.0, -slope / system.slope_unit]]))
    Q, bound = np.linalg.inv(V), 0.0
    for _ in range(NEWTON):
        left = r - nearest(r, Q, np.array([bound]))
        q = Q[0] @ left[0]
        distance = sqrt(max(float(left[0] @ q), 0.0))
        if distance <= limit:
            break
        step = (distance - limit) * distance / float(np.abs(q).sum())
        bound += step
        if step <= TOLERANCE * bound:
            break
    return bound * float(system.scale[0])


def exclusion_power(
    system: System, smallest_slope: float | None, lows: Floats | None = None
) -> float | NotEstimable:
    """Power of the overidentification test (level .10) against a direct effect common to all contrasts.

    The effect is g = d * mean |a|, placebo included; non-centrality g^2 [1'V^-1 1 - (1'V^-1 a)^2 / a'V^-1 a]
    at the LIML slope. Advice for the design: it gates nothing.
    """
    from scipy.special import chdtri, chndtr

    if smallest_slope is None:
        return NotEstimable(reason="no_smallest_slope", detail="needs the smallest slope of interest")
    if system.size < 2:
        return NotEstimable(reason="one_contrast", detail="one contrast cannot notice a direct effect")
    if not system.effects[1].any():
        return NotEstimable(reason="cpi_not_moved", detail="no arm moved the CPI at all")
    lows = minima(system) if lows is None else lows
    _, V = system.residual(np.array([[1.0, -np.tan(lows[0])]]))
    a, ones, Q = system.effects[1], np.ones(system.size), np.linalg.inv(V[0])
    g = smallest_slope / system.slope_unit * np.abs(a).mean()
    noncentrality = g**2 * (ones @ Q @ ones - (ones @ Q @ a) ** 2 / (a @ Q @ a))
    df = system.size - 1
    return float(1 - chndtr(chdtri(df, 0.10), df, min(max(noncentrality, 0.0), CERTAIN)))
