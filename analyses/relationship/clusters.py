"""Many experiments at once, one block of arms each: nothing is ever as large as all contrasts squared.

Arms of one experiment share its control and are one cluster; experiments are independent. Blocks are padded
to the largest one by contrasts without effect and with unit covariance, which add nothing to any sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analyses.moments import Floats
from analyses.relationship.clr import lr_excess
from analyses.relationship.contrast import ContrastArm, ExperimentContrasts
from analyses.relationship.sets import ConfidenceSet, grid, invert
from analyses.relationship.system import RIDGE, degenerate, direction, scales
from analyses.results import NotEstimable

type Flags = npt.NDArray[np.bool_]

FEW = 12  # blocks per arm below which LAPACK's calls cost less than as many steps of elimination
ELIMINATED = 12  # arms of an experiment up to which elimination over all blocks at once beats LAPACK's calls


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """J experiments of up to k arms: ``effects`` (m, J, k) and ``covariance`` (m, m, J, k, k).

    Metrics are KPI, CPI and, if asked, one rival, divided by ``scale`` (m,) as in a System; ``present``
    (J, k) tells arms from padding. ``design`` (J, k, k) is what the contrasts of a unit-variance metric would
    have for covariance, None where unit counts are unknown.
    """

    arms: tuple[tuple[ContrastArm, ...], ...]
    effects: Floats
    covariance: Floats
    present: Floats
    scale: Floats
    design: Floats | None = None

    @property
    def count(self) -> int:
        """Number of experiments J."""
        return int(self.present.shape[0])

    @property
    def contrasts(self) -> int:
        """Number of contrasts K."""
        return int(self.present.sum())

    @property
    def slope_unit(self) -> float:
        """A slope of 1 in scaled metrics, in real units."""
        return float(self.scale[0] / self.scale[1])

    def residual(self, weights: Floats) -> tuple[Floats, Floats]:
        """R (n, J, k) and V (n, J, k, k) of combinations of the first metrics, weights (n, up to m)."""
        m = weights.shape[1]
        r = (weights @ self.effects[:m].reshape(m, -1)).reshape(-1, *self.present.shape)
        return r, self.between(weights, weights)

    def between(self, left: Floats, right: Floats) -> Floats:
        """Covariance (n, J, k, k) between two combinations of metrics, weights (n, up to m) each."""
        n, m = left.shape
        products = (left[:, :, None] * right[:, None, :]).reshape(n, m * m)
        blocks = self.covariance[:m, :m].reshape(m * m, -1)
        return (products @ blocks).reshape(n, *self.covariance.shape[2:])

    def where(self, chosen: Flags) -> "Clusters":
        """The experiments that have one of the chosen arms (J, k), with their other arms as padding."""
        kept = chosen.any(axis=1)
        here = (chosen * self.present)[kept]
        return replace(
            self,
            arms=tuple(arms for arms, keep in zip(self.arms, kept, strict=True) if keep),
            effects=self.effects[:, kept] * here,
            covariance=_padded(self.covariance[:, :, kept], here),
            present=here,
            design=None if self.design is None else self.design[kept],
        )


def _padded(covariance: Floats, here: Floats) -> Floats:
    """The covariance with unit blocks where no arm is."""
    both = here[:, :, None] * here[:, None, :]
    found: Floats = covariance * both
    m, k = covariance.shape[0], here.shape[1]
    metric, arm = np.arange(m)[:, None], np.arange(k)
    found[metric, metric, :, arm, arm] += 1.0 - here.T[None]
    return found


def gathered(
    experiments: Sequence[ExperimentContrasts], cpi_step: float, kpi_sign: float, rival: str | None = None
) -> Clusters | NotEstimable:
    """KPI, CPI and, if asked, one rival of all experiments: what ``stack`` gives, in blocks."""
    cpi, kpi = experiments[0].metrics[:2]
    order = (kpi, cpi) if rival is None else (kpi, cpi, rival)
    chosen = [e for e in experiments if all(name in e.metrics for name in order)]
    turn = np.array([kpi_sign, 1.0 / cpi_step, 1.0][: len(order)])
    m, count, k = len(order), len(chosen), max(len(e.arms) for e in chosen)
    effects, present = np.zeros((m, count, k)), np.zeros((count, k))
    covariance = np.zeros((m, m, count, k, k))
    for j, e in enumerate(chosen):
        at, size = [e.metrics.index(name) for name in order], len(e.arms)
        effects[:, j, :size], present[j, :size] = e.effects[:, at].T, 1.0
        covariance[:, :, j, :size, :size] = e.covariance[:, at][:, :, :, at].transpose(1, 3, 0, 2)
    return _scaled(
        order,
        Clusters(
            arms=tuple(e.arms for e in chosen),
            effects=effects * turn[:, None, None],
            covariance=covariance * (turn[:, None] * turn)[:, :, None, None, None],
            present=present,
            scale=np.ones(m),
            design=_designs(chosen, k),
        ),
    )


def _scaled(metrics: Sequence[str], clusters: Clusters) -> Clusters | NotEstimable:
    """As a System is scaled, and refused: experiment by experiment, since each has a control of its own."""
    variance = np.einsum("iijkk->i", clusters.covariance) / clusters.contrasts
    scale = scales(metrics, variance, np.abs(clusters.effects).max(axis=(1, 2)))
    if isinstance(scale, NotEstimable):
        return scale
    effects = clusters.effects / scale[:, None, None]
    covariance = clusters.covariance / (scale[:, None] * scale)[:, :, None, None, None]
    if why := degenerate(metrics, effects, covariance, clusters.present):
        return why
    diagonal = np.arange(len(scale))
    covariance[diagonal, diagonal] += RIDGE * np.eye(clusters.present.shape[1])
    return replace(clusters, effects=effects, covariance=_padded(covariance, clusters.present), scale=scale)


def _designs(experiments: Sequence[ExperimentContrasts], k: int) -> Floats | None:
    """Diag(1 / n_k) + 1 / n_0 of each experiment, with unit padding."""
    found = np.broadcast_to(np.eye(k), (len(experiments), k, k)).copy()
    for j, e in enumerate(experiments):
        if e.arm_units is None or e.control_units is None:
            return None
        size = len(e.arms)
        found[j, :size, :size] = np.diag(1 / np.array(e.arm_units)) + 1 / e.control_units
    return found


def solved(V: Floats, r: Floats) -> Floats:
    """V^-1 r for stacks of small positive definite blocks V (..., k, k), r (..., k).

    Gauss's elimination, one step for all blocks at once: LAPACK is called once a block, which costs more than
    it computes. Positive definite blocks need no pivots.
    """
    k = V.shape[-1]
    if k > 1 and (k > ELIMINATED or V.size < FEW * k**3):
        return np.linalg.solve(V, r[..., None])[..., 0]
    rows = [[V[..., i, j] for j in range(i, k)] for i in range(k)]  # the upper triangle is enough
    sides = [r[..., i] for i in range(k)]
    for p in range(k):
        for i in range(p + 1, k):
            factor = rows[p][i - p] / rows[p][0]
            rows[i] = [rows[i][j - i] - factor * rows[p][j - p] for j in range(i, k)]
            sides[i] = sides[i] - factor * sides[p]
    for p in reversed(range(k)):
        known = sum(rows[p][j - p] * sides[j] for j in range(p + 1, k))
        sides[p] = (sides[p] - known) / rows[p][0]
    return np.stack(sides, axis=-1)


def statistic(clusters: Clusters, weights: Floats) -> Floats:
    """Anderson-Rubin's r' V^-1 r (n,) over all contrasts, for weights (n, m) of the metrics."""
    r, V = clusters.residual(weights)
    ar: Floats = (r * solved(V, r)).sum(axis=(1, 2))
    return ar


def information(clusters: Clusters) -> float:
    """Z' Omega^-1 z of KPI and CPI together: AR + r_T at every slope, since r and aT are independent."""
    m, count, k = 2, clusters.count, clusters.present.shape[1]
    z = clusters.effects[:m].transpose(1, 0, 2).reshape(count, m * k)
    omega = clusters.covariance[:m, :m].transpose(2, 0, 3, 1, 4).reshape(count, m * k, m * k)
    return float(np.einsum("jz,jz->", z, np.linalg.solve(omega, z[..., None])[..., 0]))


def minima(clusters: Clusters) -> Floats:
    """Angles of the local minima of AR, the lowest first and exact: the LIML slope of all contrasts."""
    moved = clusters.present > 0
    angles = grid(np.arctan2(clusters.effects[0][moved], clusters.effects[1][moved]))
    values = statistic(clusters, direction(angles))
    lows = np.flatnonzero((values <= np.roll(values, 1)) & (values <= np.roll(values, -1)))
    lows = lows[np.argsort(values[lows])]
    found = angles[lows]
    return np.concatenate([[lowest_near(clusters, angles, int(lows[0]))], found[1:]])


def lowest_near(clusters: Clusters, angles: Floats, at: int) -> float:
    """The angle of the least AR between a grid point's neighbours, to the precision of the gradient."""
    from scipy.optimize import brentq

    left = angles[at - 1] - np.pi * (at == 0)
    right = angles[(at + 1) % len(angles)] + np.pi * (at == len(angles) - 1)

    def slope_at(angle: float) -> float:
        return float(gradient(clusters, np.array([angle]))[0])

    if not slope_at(left) < 0 < slope_at(right):
        return float(angles[at])
    return float(brentq(slope_at, left, right, xtol=1e-15))


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


def anderson_rubin_set(clusters: Clusters, lows: Floats, alpha: float) -> ConfidenceSet:
    """``anderson_rubin.anderson_rubin_set``, block by block. ``lows`` are the minima of AR."""
    from scipy.special import chdtri

    limit = float(chdtri(clusters.contrasts, alpha))
    return invert(lambda t: statistic(clusters, direction(t)) - limit, lows, clusters.slope_unit)


def clr_set(clusters: Clusters, lows: Floats, alpha: float) -> ConfidenceSet:
    """``clr.clr_set`` for two contrasts or more, block by block. ``lows`` are the minima of AR."""
    whole, k = information(clusters), clusters.contrasts
    least = float(statistic(clusters, direction(lows[:1]))[0])

    def excess(angles: Floats) -> Floats:
        return lr_excess(statistic(clusters, direction(angles)), least, whole, k, alpha)

    return invert(excess, lows, clusters.slope_unit)
