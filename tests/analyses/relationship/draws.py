"""Simulated experiments with a known truth, drawn at the level of arm means.

Units have sd(CPI) = sd(noise) = 1 and cov(CPI, noise) = rho, so that the unit-level correlation misleads by
rho. Arms share their experiment's control, as real ones do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from analyses import ContrastArm, ExperimentContrasts

D = 0.1  # the smallest slope of interest in every scenario


@dataclass(frozen=True)
class Design:
    """Arms of one or more experiments: what each moves, and the truth behind the KPI."""

    doses: Sequence[float]
    mechanisms: Sequence[str | None]
    slope: float | Sequence[float] = 0.0
    direct: Sequence[float] | float = 0.0
    placebos: Sequence[bool] = ()
    experiments: Sequence[str] = ()
    n: int = 50_000
    rho: float = 0.5
    rival_doses: Sequence[float] | None = None
    rival_slope: float = 0.0
    seed: int = field(default=20261122)

    def draw(self, rng: np.random.Generator) -> list[ExperimentContrasts]:
        """One replication: the contrasts that each experiment would report."""
        k = len(self.doses)
        doses = np.asarray(self.doses, dtype=float)
        rival = np.zeros(k) if self.rival_doses is None else np.asarray(self.rival_doses, dtype=float)
        kpi = np.asarray(self.slope) * doses + np.asarray(self.direct) + self.rival_slope * rival
        effects = np.stack([doses, np.broadcast_to(kpi, (k,)), rival], axis=1)
        per_unit = self.unit_covariance()
        metrics = ("cpi", "kpi", "rival")
        if self.rival_doses is None:
            effects, per_unit, metrics = effects[:, :2], per_unit[:2, :2], metrics[:2]
        names = list(self.experiments) or ["one"] * k
        groups = [(name, [i for i in range(k) if names[i] == name]) for name in dict.fromkeys(names)]
        truth = {"effects": effects, "per_unit": per_unit, "metrics": metrics}
        return [self.experiment(rng, name, rows=rows, **truth) for name, rows in groups]

    def unit_covariance(self):
        """Covariance of (CPI, KPI, rival) over the units of one arm."""
        slope = float(np.mean(self.slope))
        loads = np.array([[1, 0, 0], [slope, 1, self.rival_slope], [0, 0, 1.0]])
        noise = np.array([[1, self.rho, 0], [self.rho, 1, 0], [0, 0, 1.0]])
        return loads @ noise @ loads.T

    def experiment(self, rng, name, *, rows, effects, per_unit, metrics) -> ExperimentContrasts:
        q = len(metrics)
        of_mean = per_unit / self.n
        noise = rng.standard_normal((len(rows) + 1, q)) @ np.linalg.cholesky(of_mean).T
        covariance = np.broadcast_to(of_mean[None, :, None, :], (len(rows), q, len(rows), q)).copy()
        for i in range(len(rows)):
            covariance[i, :, i, :] += of_mean
        placebos = list(self.placebos) or [False] * len(self.doses)
        return ExperimentContrasts(
            experiment=name,
            metrics=metrics,
            arms=tuple(
                ContrastArm(name=f"arm {i}", mechanism=self.mechanisms[i], placebo=placebos[i]) for i in rows
            ),
            effects=effects[rows] + noise[1:] - noise[0],
            covariance=covariance,
            arm_units=(self.n,) * len(rows),
            control_units=self.n,
        )
