"""Many experiments at once, one block of arms each: nothing is ever as large as all contrasts squared.

Arms of one experiment share its control and are one cluster; experiments are independent. Blocks are padded
to the largest one by contrasts without effect and with unit covariance, which add nothing to any sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analyses.moments import Floats
from analyses.relationship.blocks import mixed, solved
from analyses.relationship.clr import lr_limit
from analyses.relationship.contrast import ContrastArm, ExperimentContrasts
from analyses.relationship.curve import Curve, charted
from analyses.relationship.sets import ConfidenceSet
from analyses.relationship.system import RIDGE, degenerate, direction, scales
from analyses.results import NotEstimable

type Flags = npt.NDArray[np.bool_]


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
        m = left.shape[1]
        return mixed(left, right, self.covariance[:m, :m])

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


def curve(clusters: Clusters) -> Curve:
    """``anderson_rubin.curve``, block by block: at every contrast's own ratio besides the grid."""
    moved = clusters.present > 0
    return charted(
        lambda angles: statistic(clusters, direction(angles)),
        lambda angles: gradient(clusters, angles),
        np.arctan2(clusters.effects[0][moved], clusters.effects[1][moved]),
    )


def minima(clusters: Clusters) -> Floats:
    """Angles of the local minima of AR, the lowest first: the LIML slope of all contrasts."""
    return curve(clusters).lows


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


def anderson_rubin_set(clusters: Clusters, along: Curve, alpha: float) -> ConfidenceSet:
    """``anderson_rubin.anderson_rubin_set``, block by block, from AR's curve."""
    from scipy.special import chdtri

    limit = float(chdtri(clusters.contrasts, alpha))
    return along.where(lambda ar: ar - limit, clusters.slope_unit)


def clr_set(clusters: Clusters, along: Curve, alpha: float) -> ConfidenceSet:
    """``clr.clr_set`` for two contrasts or more, block by block, from AR's curve."""
    limit = along.least + lr_limit(information(clusters) - along.least, clusters.contrasts, alpha)
    return along.where(lambda ar: ar - limit, clusters.slope_unit)
