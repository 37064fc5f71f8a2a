"""Which CPI deserves the credit? The slope of one CPI when another that moved with it may take its share."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analyses.moments import Floats
from analyses.relationship.anderson_rubin import minima, statistic
from analyses.relationship.clusters import Clusters
from analyses.relationship.clusters import minima as minima_across
from analyses.relationship.clusters import statistic as statistic_across
from analyses.relationship.exclusion import boxed
from analyses.relationship.sets import ConfidenceSet, invert
from analyses.relationship.system import System, direction

INNER = -np.pi / 2 + np.pi * (np.arange(64) + 0.5) / 64  # angles of the rival's slope, before refinement
GOLDEN = (np.sqrt(5) - 1) / 2
STEPS = 28
OWN_RATIOS = 24  # contrasts up to which each one's own ratio is looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """One rival: p-value of "no arm moved it", and the CPI's slope with the rival's slope left free.

    ``co_moved`` at the level that the side of the verdict asks for. ``set`` is None where the rival did not
    move, and with a single contrast, where no data can tell the two apart.
    """

    metric: str
    p_unmoved: float
    co_moved: bool
    set: ConfidenceSet | None


def p_unmoved(system: System) -> float:
    """P-value of "no contrast moved the rival": chi-squared with K degrees of freedom."""
    from scipy.special import chdtrc

    return float(chdtrc(system.size, statistic(system, np.array([[0.0, 0.0, 1.0]]))[0]))


def rival_set(system: System, bound: float | None, alpha: float) -> ConfidenceSet | None:
    """Slopes x of the CPI with min over u of AR(x, u) <= chi-squared (K - 1), r = b - x a - u a_rival.

    The projection of the joint Anderson-Rubin set, with one degree of freedom returned for the slope u that
    is profiled out (Guggenberger, Kleibergen, Mavroeidis & Chen 2012). With a bound, direct effects within
    it are minimised over as well.
    """
    from scipy.special import chdtri

    if system.size < 2:
        return None
    limit = float(chdtri(system.size - 1, alpha))
    seeds = np.append(minima(system), fitted_angle(system.effects))
    return invert(lambda angles: profile(system, angles, bound) - limit, seeds, system.slope_unit)


def p_unmoved_across(clusters: Clusters) -> float:
    """``p_unmoved`` with the experiments in blocks."""
    from scipy.special import chdtrc

    return float(chdtrc(clusters.contrasts, statistic_across(clusters, np.array([[0.0, 0.0, 1.0]]))[0]))


def rival_set_across(clusters: Clusters, alpha: float) -> ConfidenceSet:
    """``rival_set`` with the experiments in blocks.

    Anderson-Rubin's form and no profile likelihood ratio, which errs up to .29 where both CPIs moved alike.
    It is empty where no pair of slopes fits all contrasts.
    """
    from scipy.special import chdtri

    limit = float(chdtri(clusters.contrasts - 1, alpha))
    fitted = fitted_angle(clusters.effects[:, clusters.present > 0])
    seeds = np.append(minima_across(clusters)[:1], fitted)
    return invert(lambda angles: profile_across(clusters, angles) - limit, seeds, clusters.slope_unit)


def fitted_angle(effects: Floats) -> float:
    """Angle of the CPI's slope when both slopes are fitted together by least squares: where the set lies."""
    slopes, *_ = np.linalg.lstsq(effects[1:].T, effects[0], rcond=None)
    return float(np.arctan(slopes[0]))


def profile(system: System, outer: Floats, bound: float | None) -> Floats:
    """Min over the rival's slope of AR (n,), for a system of KPI, CPI and one rival."""
    if bound is None:
        return least_over_rival(lambda w: statistic(system, w), system.effects, outer)
    box = bound / system.scale[0]

    def bounded(weights: Floats) -> Floats:
        return boxed(*system.residual(weights), np.abs(weights[:, 0]) * box)

    return least_over_rival(bounded, system.effects, outer)


def profile_across(clusters: Clusters, outer: Floats) -> Floats:
    """``profile`` with the experiments in blocks, which knows no bound."""
    effects = clusters.effects[:, clusters.present > 0]
    return least_over_rival(lambda w: statistic_across(clusters, w), effects, outer)


def least_over_rival(ar: Callable[[Floats], Floats], effects: Floats, outer: Floats) -> Floats:
    """Min over the rival's slope (n,) of a statistic of the weights of (KPI, CPI, rival); effects (3, K).

    A grid with the contrasts' own ratios and the least-squares slope, then golden section around the best.
    With many contrasts, which all have to fit where the least is small, least squares finds the place.
    """
    fixed, few = direction(outer) @ effects[:2], effects.shape[1] <= OWN_RATIOS
    even = INNER if few else INNER[2::4]
    ratios = np.arctan2(fixed, effects[2]) if few else np.empty((len(outer), 0))
    fitted = np.arctan2(fixed @ effects[2], effects[2] @ effects[2])[:, None]
    every = np.hstack([np.broadcast_to(even, (len(outer), len(even))), ratios, fitted])
    angles = np.sort((every + np.pi / 2) % np.pi - np.pi / 2, axis=1)
    n, m = angles.shape
    values = ar(weights(np.repeat(outer, m), angles.ravel())).reshape(n, m)
    rows, best = np.arange(n), values.argmin(axis=1)
    left = angles[rows, best - 1] - np.pi * (best == 0)
    right = angles[rows, (best + 1) % m] + np.pi * (best == m - 1)
    refined = golden_section(lambda inner: ar(weights(outer, inner)), left, right)
    return np.minimum(values[rows, best], refined)


def weights(outer: Floats, inner: Floats) -> Floats:
    """Weights (n, 3) of r = cos(inner) (cos(outer) b - sin(outer) a) - sin(inner) a_rival."""
    return np.hstack([direction(outer) * np.cos(inner)[:, None], -np.sin(inner)[:, None]])


def golden_section(f: Callable[[Floats], Floats], left: Floats, right: Floats) -> Floats:
    """The least value (n,) of n functions, each with one minimum between its ends."""
    inner, outer = right - GOLDEN * (right - left), left + GOLDEN * (right - left)
    low, high = f(inner), f(outer)
    for _ in range(STEPS):
        down = low < high
        left, right = np.where(down, left, inner), np.where(down, outer, right)
        fresh = np.where(down, right - GOLDEN * (right - left), left + GOLDEN * (right - left))
        found = f(fresh)
        inner, outer = np.where(down, fresh, outer), np.where(down, inner, fresh)
        low, high = np.where(down, found, high), np.where(down, low, found)
    return np.minimum(low, high)
