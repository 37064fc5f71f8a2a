"""Many experiments at once, one block of arms each: nothing is ever as large as all contrasts squared.

Arms of one experiment share its control and are one cluster; experiments are independent. Blocks are padded
to the largest one by contrasts without effect and with unit covariance, which add nothing to any sum.
"""

from dataclasses import dataclass

import numpy as np

from analyses.moments import Floats
from analyses.relationship.clr import p_value
from analyses.relationship.sets import ConfidenceSet, grid, invert
from analyses.relationship.system import System, direction


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """J experiments of up to k arms: ``effects`` (2, J, k) and ``covariance`` (2, 2, J, k, k), KPI then CPI.

    In the scaled metrics of a System; ``present`` (J, k) tells arms from padding.
    """

    effects: Floats
    covariance: Floats
    present: Floats
    slope_unit: float

    @property
    def count(self) -> int:
        """Number of experiments J."""
        return int(self.present.shape[0])

    @property
    def contrasts(self) -> int:
        """Number of contrasts K."""
        return int(self.present.sum())

    def residual(self, weights: Floats) -> tuple[Floats, Floats]:
        """R (n, J, k) and V (n, J, k, k) of combinations of KPI and CPI, weights (n, 2)."""
        r = (weights @ self.effects.reshape(2, -1)).reshape(-1, *self.present.shape)
        return r, self.between(weights, weights)

    def between(self, left: Floats, right: Floats) -> Floats:
        """Covariance (n, J, k, k) between two combinations of KPI and CPI, weights (n, 2) each."""
        products = (left[:, :, None] * right[:, None, :]).reshape(len(left), 4)
        blocks = self.covariance.reshape(4, -1)
        return (products @ blocks).reshape(len(left), *self.covariance.shape[2:])


def clustered(system: System) -> Clusters:
    """The system's contrasts, experiment by experiment, in order of appearance."""
    names = list(dict.fromkeys(system.experiments))
    rows = [[i for i, name in enumerate(system.experiments) if name == own] for own in names]
    k = max(map(len, rows))
    effects, present = np.zeros((2, len(rows), k)), np.zeros((len(rows), k))
    covariance = np.zeros((2, 2, len(rows), k, k))
    covariance[0, 0] = covariance[1, 1] = np.eye(k)
    for j, own in enumerate(rows):
        size = len(own)
        effects[:, j, :size], present[j, :size] = system.effects[:2, own], 1.0
        covariance[:, :, j, :size, :size] = system.covariance[:2, :2][:, :, own][:, :, :, own]
    return Clusters(effects=effects, covariance=covariance, present=present, slope_unit=system.slope_unit)


def solved(V: Floats, r: Floats) -> Floats:
    """V^-1 r for stacks of small blocks; a stack of single contrasts needs no matrices."""
    if V.shape[-1] == 1:
        single: Floats = r / V[..., 0]
        return single
    return np.linalg.solve(V, r[..., None])[..., 0]


def statistic(clusters: Clusters, angles: Floats) -> Floats:
    """Anderson-Rubin's r' V^-1 r (n,) over all contrasts, at slopes tan(angle)."""
    r, V = clusters.residual(direction(angles))
    ar: Floats = (r * solved(V, r)).sum(axis=(1, 2))
    return ar


def strength(clusters: Clusters, angles: Floats) -> Floats:
    """r_T (n,) as in ``clr.strength``: how far the CPI moved, independently of r."""
    across, w = np.stack([np.sin(angles), np.cos(angles)], axis=-1), direction(angles)
    r, V = clusters.residual(w)
    t, Vt = clusters.residual(across)
    cov = clusters.between(across, w)
    aT = t - (cov @ solved(V, r)[..., None])[..., 0]
    turned = np.swapaxes(cov, -1, -2)
    Va = Vt - cov @ (turned / V if V.shape[-1] == 1 else np.linalg.solve(V, turned))
    Va = Va + 1e-13 * np.eye(V.shape[-1]) * np.trace(Vt, axis1=-2, axis2=-1)[..., None, None]
    r_T: Floats = (aT * solved(Va, aT)).sum(axis=(1, 2))
    return np.maximum(r_T, 0.0)


def minima(clusters: Clusters) -> Floats:
    """Angles of the local minima of AR, the lowest first and exact: the LIML slope of all contrasts."""
    moved = clusters.present > 0
    angles = grid(np.arctan2(clusters.effects[0][moved], clusters.effects[1][moved]))
    values = statistic(clusters, angles)
    lows = np.flatnonzero((values <= np.roll(values, 1)) & (values <= np.roll(values, -1)))
    lows = lows[np.argsort(values[lows])]
    found = angles[lows]
    return np.concatenate([[lowest_near(clusters, angles, int(lows[0]))], found[1:]])


def lowest_near(clusters: Clusters, angles: Floats, at: int) -> float:
    """The angle of the least AR between a grid point's neighbours, to the precision of the gradient."""
    from scipy.optimize import brentq

    left = angles[at - 1] - np.pi * (at == 0)
    right = angles[(at + 1) % len(angles)] + np.pi * (at == len(angles) - 1)
    ends = gradient(clusters, np.array([left, right]))
    if not ends[0] < 0 < ends[1]:
        return float(angles[at])
    return float(brentq(lambda t: float(gradient(clusters, np.array([t]))[0]), left, right, xtol=1e-15))


def gradient(clusters: Clusters, angles: Floats) -> Floats:
    """D AR / d angle (n,): 2 r-dot' q - q' V-dot q with q = V^-1 r."""
    w = direction(angles)
    dot = np.stack([-np.sin(angles), -np.cos(angles)], axis=-1)
    r, V = clusters.residual(w)
    q = solved(V, r)
    turned = clusters.residual(dot)[0]
    pulled = (clusters.between(w, dot) @ q[..., None])[..., 0]
    slope: Floats = 2 * ((turned - pulled) * q).sum(axis=(1, 2))
    return slope


def clr_set(clusters: Clusters, lows: Floats, alpha: float) -> ConfidenceSet:
    """``clr.clr_set`` for two contrasts or more, block by block. ``lows`` are the minima of AR."""
    least = float(statistic(clusters, lows[:1])[0])

    def excess(angles: Floats) -> Floats:
        lr = np.maximum(statistic(clusters, angles) - least, 0.0)
        return alpha - p_value(lr, strength(clusters, angles), clusters.contrasts)

    return invert(excess, lows, clusters.slope_unit)
