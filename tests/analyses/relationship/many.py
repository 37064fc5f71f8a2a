"""Simulated programmes of many experiments with a known truth: Table 2, and experiments of several arms.

Units as in draws.py: sd(CPI) = sd(noise) = 1 and cov(CPI, noise) = rho. Each replication draws the true CPI
effects, slopes and direct effects anew, then the arm means around them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from analyses import ContrastArm, ExperimentContrasts


class Drawn(Protocol):
    def __call__(self, rng: np.random.Generator, count: int) -> np.ndarray: ...


def normal(mean: float, sd: float) -> Drawn:
    return partial(_normal, mean, sd)


def uniform(low: float, high: float) -> Drawn:
    return partial(_uniform, low, high)


def halves(first: float, second: float) -> Drawn:
    return partial(_halves, first, second)


def _normal(mean: float, sd: float, rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.normal(mean, sd, count)


def _uniform(low: float, high: float, rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.uniform(low, high, count)


def _halves(first: float, second: float, _rng: np.random.Generator, count: int) -> np.ndarray:
    return np.where(np.arange(count) < count // 2, first, second)


NONE = normal(0, 0)


@dataclass(frozen=True)
class Programme:
    """J experiments; ``doses`` scales each experiment's CPI effect over its arms (0 is a placebo).

    ``slopes`` and ``shared_direct`` are drawn per experiment, ``direct`` per arm; ``common`` reaches every
    arm of every experiment; ``proportional`` direct effects are a share of the CPI effect, in both mechanisms
    or in the first alone. A rival is moved by ``rival`` times the CPI effect and noise of sd ``rival_sd``; it
    moves the KPI by ``rival_slope``.
    """

    cpi: Drawn
    slopes: Drawn = NONE
    direct: Drawn = NONE
    shared_direct: Drawn = NONE
    common: float = 0.0
    proportional: float = 0.0
    first_only: bool = False
    rival: float | None = None
    rival_sd: float = 0.0
    rival_slope: float = 0.0
    experiments: int = 30
    doses: Sequence[float] = (1.0,)
    own_dose: Drawn = NONE
    n: int = 50_000
    rho: float = 0.5

    def draw(self, rng: np.random.Generator) -> list[ExperimentContrasts]:
        """One replication: the contrasts that each experiment would report."""
        count = self.experiments
        cpi, slopes, shared = (of(rng, count) for of in (self.cpi, self.slopes, self.shared_direct))
        return [self.experiment(rng, j, cpi=cpi[j], slope=slopes[j], shared=shared[j]) for j in range(count)]

    def experiment(self, rng, j, *, cpi, slope, shared) -> ExperimentContrasts:
        k, at_fault = len(self.doses), not (self.first_only and j % 2)
        a = cpi * np.array(self.doses) + self.own_dose(rng, k)
        b = (slope + self.proportional * at_fault) * a + self.common + shared + self.direct(rng, k)
        per_unit = np.array([[1, slope + self.rho], [slope + self.rho, 1 + 2 * self.rho * slope + slope**2]])
        true, metrics = [a, b], ("cpi", "kpi")
        if self.rival is not None:
            moved = self.rival * a + rng.normal(0, self.rival_sd, k)
            true, metrics = [a, b + self.rival_slope * moved, moved], (*metrics, "rival")
            apart = np.array([0, self.rival_slope, 1.0])  # the rival's variance reaches the KPI by its slope
            per_unit = np.pad(per_unit, ((0, 1), (0, 1))) + np.outer(apart, apart)
        of_mean = per_unit / self.n
        noise = rng.standard_normal((k + 1, len(true))) @ np.linalg.cholesky(of_mean).T
        shares = np.ones((k, k)) + np.eye(k)
        return ExperimentContrasts(
            experiment=f"experiment {j}",
            metrics=metrics,
            arms=tuple(
                ContrastArm(name=f"arm {i}", mechanism="AB"[j % 2], placebo=dose == 0)
                for i, dose in enumerate(self.doses)
            ),
            effects=np.stack(true, axis=1) + noise[1:] - noise[0],
            covariance=np.einsum("kl,pq->kplq", shares, of_mean),
            arm_units=(self.n,) * k,
            control_units=self.n,
        )
