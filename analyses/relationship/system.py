"""The system r(x) = b - x a: all contrasts stacked, and the statistics of any linear combination of metrics.

A slope x is a point of the projective line, x = tan(angle), and every statistic here is invariant to the
scale of r. Working on angles makes an unbounded confidence set as ordinary as a bounded one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analyses.moments import Floats
from analyses.relationship.contrast import ContrastArm, ExperimentContrasts
from analyses.results import NotEstimable

SINGULAR = 1e-10  # of the KPI's sampling variance: less says that arms share all of their noise
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
        n, m = left.shape
        products = (left[:, :, None] * right[:, None, :]).reshape(n, m * m)
        blocks = self.covariance[:m, :m].reshape(m * m, self.size * self.size)
        return (products @ blocks).reshape(n, self.size, self.size)


def direction(angles: Floats) -> Floats:
    """Weights (n, 2) of r = cos b - sin a, the direction in which a slope of tan(angle) predicts zero."""
    return np.stack([np.cos(angles), -np.sin(angles)], axis=-1)


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
    for metric, reason in ((1, "constant_cpi"), (0, "constant_kpi")):
        if variance[metric] <= 0:
            detail = f"{system.metrics[metric]} does not vary inside any arm"
            return NotEstimable(reason=reason, detail=detail)
    largest = np.abs(system.effects).max(axis=1)
    scale = np.where(variance > 0, np.sqrt(np.maximum(variance, 0)), np.where(largest > 0, largest, 1.0))
    covariance = system.covariance / (scale[:, None, None, None] * scale[None, :, None, None])
    if _same_measurement(covariance):
        detail = f"{system.metrics[0]} is an exact linear function of {system.metrics[1]}"
        return NotEstimable(reason="kpi_is_cpi", detail=detail)
    if np.linalg.eigvalsh(covariance[0, 0]).min() <= SINGULAR:
        detail = f"{system.metrics[0]} is the same for every unit of several arms: too few events to compare"
        return NotEstimable(reason="kpi_constant_in_arms", detail=detail)
    diagonal = np.arange(len(scale))
    covariance[diagonal, diagonal] += RIDGE * np.eye(system.size)
    return replace(system, effects=system.effects / scale[:, None], covariance=covariance, scale=scale)


def _same_measurement(covariance: Floats) -> bool:
    """Whether KPI and CPI are perfectly correlated in every contrast: some slope then leaves no residual."""
    kpi, cpi, both = (np.diag(covariance[i, j]) for i, j in ((0, 0), (1, 1), (0, 1)))
    return bool((both**2 >= kpi * cpi * (1 - 1e-10)).all())
