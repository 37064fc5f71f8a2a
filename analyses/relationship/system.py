"""The system r(x) = b - x a: all contrasts stacked, and the statistics of any linear combination of metrics.

A slope x is a point of the projective line, x = tan(angle), and every statistic here is invariant to the
scale of r. Working on angles makes an unbounded confidence set as ordinary as a bounded one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analyses.moments import Floats
from analyses.relationship.blocks import mixed
from analyses.relationship.contrast import ContrastArm, ExperimentContrasts
from analyses.results import NotEstimable

SINGULAR = 1e-10  # of the KPI's sampling variance: less says that arms share all of their noise
DROWNED = 1e-3  # arms that differ by less of their common error, all of it in common, are told apart by noise
RIDGE = 1e-13  # of a metric's own sampling variance: keeps V invertible where an arm's CPI is constant


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class System:
    """K contrasts of m metrics: ``effects`` (m, K), ``covariance`` (m, m, K, K); metric 0 the KPI, 1 the CPI.

    Metrics are divided by ``scale`` (m,), the root of their mean sampling variance, so that angles are well
    conditioned: a slope in real units is tan(angle) * scale[0] / scale[1]. ``design`` (K, K) is the
    covariance that the contrasts of a unit-variance metric would have, None where unit counts are unknown.
    """

    metrics: tuple[str, ...]
    arms: tuple[ContrastArm, ...]
    experiments: tuple[str, ...]
    effects: Floats
    covariance: Floats
    scale: Floats
    design: Floats | None = None

    @property
    def size(self) -> int:
        """Number of contrasts K."""
        return len(self.arms)

    @property
    def slope_unit(self) -> float:
        """A slope of 1 in scaled metrics, in real units."""
        return float(self.scale[0] / self.scale[1])

    def rows(self, keep: Sequence[int]) -> "System":
        """The same metrics over some of the contrasts."""
        chosen = list(keep)
        return System(
            metrics=self.metrics,
            arms=tuple(self.arms[k] for k in chosen),
            experiments=tuple(self.experiments[k] for k in chosen),
            effects=self.effects[:, chosen],
            covariance=self.covariance[:, :, chosen][:, :, :, chosen],
            scale=self.scale,
            design=None if self.design is None else self.design[np.ix_(chosen, chosen)],
        )

    def combined(self, H: Floats) -> "System":
        """Linear combinations H (L, K) of the contrasts; their arms lose their meaning."""
        nobody = ContrastArm(name="combination", mechanism=None)
        return System(
            metrics=self.metrics,
            arms=(nobody,) * len(H),
            experiments=("combination",) * len(H),
            effects=self.effects @ H.T,
            covariance=np.einsum("gk,ijkl,hl->ijgh", H, self.covariance, H),
            scale=self.scale,
        )

    def residual(self, weights: Floats) -> tuple[Floats, Floats]:
        """R (n, K) and V (n, K, K) of the combinations of the first metrics, with weights (n, up to m)."""
        return weights @ self.effects[: weights.shape[1]], self.between(weights, weights)

    def between(self, left: Floats, right: Floats) -> Floats:
        """Covariance (n, K, K) between two combinations of metrics, weights (n, up to m) each."""
        m = left.shape[1]
        return mixed(left, right, self.covariance[:m, :m])


def direction(angles: Floats) -> Floats:
    """Weights (n, 2) of r = cos b - sin a, the direction in which a slope of tan(angle) predicts zero."""
    return np.array([np.cos(angles), -np.sin(angles)]).T


def stack(
    experiments: Sequence[ExperimentContrasts],
    cpi_step: float,
    kpi_sign: float,
    rival: str | None = None,
    *,
    others: Sequence[str] = (),
) -> System | NotEstimable:
    """The contrasts of KPI and CPI, and of a rival or several other metrics if asked, as one system.

    Experiments are independent of each other; one that did not measure all of them is left out. ``cpi_step``
    divides the CPI (its increment, negative where lower is better) and ``kpi_sign`` turns the KPI so that
    the hypothesised slope is positive.
    """
    cpi, kpi = experiments[0].metrics[:2]
    order = (kpi, cpi, *others) if rival is None else (kpi, cpi, rival, *others)
    chosen = [e for e in experiments if all(m in e.metrics for m in order)]
    turn = np.array([kpi_sign, 1.0 / cpi_step, *([1.0] * (len(order) - 2))])
    total = sum(len(e.arms) for e in chosen)
    effects = np.zeros((len(order), total))
    covariance = np.zeros((len(order), len(order), total, total))
    start = 0
    for e in chosen:
        at, here = [e.metrics.index(m) for m in order], slice(start, start + len(e.arms))
        effects[:, here] = e.effects[:, at].T
        covariance[:, :, here, here] = e.covariance[:, at][:, :, :, at].transpose(1, 3, 0, 2)
        start += len(e.arms)
    return _scaled(
        System(
            metrics=order,
            arms=tuple(arm for e in chosen for arm in e.arms),
            experiments=tuple(e.experiment for e in chosen for _ in e.arms),
            effects=effects * turn[:, None],
            covariance=covariance * turn[:, None, None, None] * turn[None, :, None, None],
            scale=np.ones(len(order)),
            design=_design(chosen),
        )
    )


def _design(experiments: Sequence[ExperimentContrasts]) -> Floats | None:
    """diag(1 / n_k) + 1 / n_0 within each experiment, 0 between them."""
    blocks = []
    for e in experiments:
        if e.arm_units is None or e.control_units is None:
            return None
        blocks.append(np.diag(1 / np.array(e.arm_units)) + 1 / e.control_units)
    size = sum(len(b) for b in blocks)
    design, start = np.zeros((size, size)), 0
    for block in blocks:
        design[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    return design


def _scaled(system: System) -> System | NotEstimable:
    """Bring every metric to unit sampling variance; a KPI or CPI without variance has no slope."""
    variance = np.einsum("iikk->i", system.covariance) / system.size
    scale = scales(system.metrics, variance, np.abs(system.effects).max(axis=1))
    if isinstance(scale, NotEstimable):
        return scale
    covariance = system.covariance / (scale[:, None, None, None] * scale[None, :, None, None])
    effects = system.effects / scale[:, None]
    if why := degenerate(system.metrics, effects[:, None], covariance[:, :, None], np.ones((1, system.size))):
        return why
    diagonal = np.arange(len(scale))
    covariance[diagonal, diagonal] += RIDGE * np.eye(system.size)
    return replace(system, effects=effects, covariance=covariance, scale=scale)


def scales(metrics: Sequence[str], variance: Floats, largest: Floats) -> Floats | NotEstimable:
    """Standard errors (m,) that metrics are divided by; a KPI or CPI without variance has no slope."""
    for metric, reason in ((1, "constant_cpi"), (0, "constant_kpi")):
        if variance[metric] <= 0:
            return NotEstimable(reason=reason, detail=f"{metrics[metric]} does not vary inside any arm")
    found: Floats = np.where(
        variance > 0, np.sqrt(np.maximum(variance, 0)), np.where(largest > 0, largest, 1.0)
    )
    return found


def degenerate(
    metrics: Sequence[str], effects: Floats, covariance: Floats, present: Floats
) -> NotEstimable | None:
    """Why contrasts have no slope, whatever their size: effects (m, J, k), covariance (m, m, J, k, k).

    Each of the J blocks has a control of its own; ``present`` (J, k) tells contrasts from padding.
    """
    here = present > 0
    kpi, cpi, both = (_diagonals(covariance[i, j]) for i, j in ((0, 0), (1, 1), (0, 1)))
    if (both**2 >= kpi * cpi * (1 - 1e-10))[here].all():
        detail = f"{metrics[0]} is an exact linear function of {metrics[1]}"
        return NotEstimable(reason="kpi_is_cpi", detail=detail)
    pads = (1 - present)[:, :, None] * np.eye(present.shape[1])
    if _least(covariance[0, 0] + pads).min() <= SINGULAR:
        detail = f"{metrics[0]} is the same for every unit of several arms: too few events to compare"
        return NotEstimable(reason="kpi_constant_in_arms", detail=detail)
    if _drowned(effects[1], covariance[1, 1] + pads, here):
        detail = (
            f"the arms' shifts of {metrics[1]} have one error in common that drowns what tells them apart: "
            "look for an outlier in the control arm, and cap it"
        )
        return NotEstimable(reason="control_drowns_arms", detail=detail)
    return None


def _diagonals(blocks: Floats) -> Floats:
    found: Floats = np.diagonal(blocks, axis1=-2, axis2=-1)
    return found


def _least(blocks: Floats) -> Floats:
    """The smallest eigenvalue of each block."""
    found: Floats = blocks[..., 0, 0] if blocks.shape[-1] == 1 else np.linalg.eigvalsh(blocks)[..., 0]
    return found


def _drowned(shifts: Floats, covariance: Floats, here: npt.NDArray[np.bool_]) -> bool:
    """Whether arms of some block differ by less than the error of their control lets one compute.

    Arms in which the CPI is constant share all of their error too; they are alike, or clearly apart.
    """
    error = np.sqrt(_diagonals(covariance))
    alone = np.where(error > 0, error, 1.0)
    correlation = covariance / (alone[:, :, None] * alone[:, None, :])
    drowned = (error > 0).all(axis=1) & (_least(correlation) <= SINGULAR)
    apart = np.ptp(np.where(here, shifts / alone, (shifts / alone)[:, :1]), axis=1)
    return bool((drowned & (apart > 0) & (apart < DROWNED)).any())
