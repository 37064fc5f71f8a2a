"""The posterior by importance sampling: no compiler, a fraction of a second, and weights that tell on it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analyses.moments import Floats
from analyses.posterior.blocks import Evidence
from analyses.posterior.likelihood import log_likelihood
from analyses.posterior.prior import NAMES, parameters
from analyses.posterior.smoothing import Weights, smoothed
from analyses.results import NotEstimable

ROUNDS = (1024, 2048, 8192)  # draws; each round's proposal is fitted to the one before
EXTRA = 16384  # once more where the last round's weights do not pass
DF = 5  # degrees of freedom of the proposal: tails wider than the posterior's
DEFENCE = 0.1  # share of draws from the prior itself: no weight can exceed ten times the likelihood's peak
WORST_K = 0.7
LEAST_ESS = 1000.0
SIZE = len(NAMES)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """Parameters (n, 6) with weights that add up to 1, and what vouches for them."""

    theta: Floats
    weights: Floats
    ess: float
    psis_k: float | None = None
    r_hat: float | None = None
    tail_ess: float | None = None
    divergences: int | None = None
    said: tuple[str, ...] = ()  # what the sampler warned of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Proposal:
    """Student's t around a centre, and the prior."""

    centre: Floats
    root: Floats  # lower triangular: its product with its transpose is the scale

    def draw(self, points: Floats) -> Floats:
        """Sobol points (n, 7) as draws (n, 6), the first tenth from the prior."""
        from scipy.special import chdtri, ndtri

        normal = ndtri(points[:, :SIZE])
        spread = np.sqrt(DF / chdtri(DF, points[:, SIZE]))
        moved: Floats = self.centre + (normal * spread[:, None]) @ self.root.T
        own = int(len(points) * DEFENCE)
        moved[:own] = normal[:own]
        return moved

    def log_density(self, z: Floats) -> Floats:
        """Up to the constant (2 pi)^(-3), which the target leaves out too."""
        from scipy.special import gammaln

        white = np.linalg.solve(self.root, (z - self.centre).T).T
        student = (
            gammaln((DF + SIZE) / 2)
            - gammaln(DF / 2)
            - SIZE / 2 * np.log(DF / 2)
            - np.log(np.diag(self.root)).sum()
            - (DF + SIZE) / 2 * np.log1p((white**2).sum(axis=1) / DF)
        )
        prior = -0.5 * (z**2).sum(axis=1)
        found: Floats = np.logaddexp(np.log(1 - DEFENCE) + student, np.log(DEFENCE) + prior)
        return found


def sampled(evidence: Evidence, seed: int) -> Draws | NotEstimable:
    """Weighted draws from the posterior of the six parameters.

    Question: what do all contrasts say of slopes and direct effects, in well under a second?
    Assumes: the likelihood's model. The gate says whether the answer may be used: k below .7 and an effective
    size of 1,000 draws or more; otherwise NotEstimable, and a sampler of another kind has to be asked.
    Formula: draws from .9 t5(fitted centre and scale) + .1 prior, weighted by posterior over proposal; three
    rounds, each fitted to the weights of the one before, the first to the mode and its curvature.
    Reference: Vehtari et al. (2024), JMLR 25(72); Hesterberg (1995), Technometrics 37(2), for the defence.
    """
    proposal = _at_mode(evidence)
    for turn, count in enumerate((*ROUNDS, EXTRA)):
        z = proposal.draw(_sobol(count, seed + turn))
        theta = parameters(z, evidence.scales)
        log_weights = log_likelihood(evidence, theta) - 0.5 * (z**2).sum(axis=1) - proposal.log_density(z)
        if not np.isfinite(log_weights).any():
            return NotEstimable(reason="posterior_not_found", detail="no draw has a finite likelihood")
        log_weights = np.where(np.isfinite(log_weights), log_weights, -np.inf)
        weights = smoothed(log_weights)
        if turn + 1 >= len(ROUNDS) and passes(weights):
            return Draws(theta=theta, weights=weights.values, ess=weights.ess, psis_k=weights.k)
        proposal = _fitted(z, weights, proposal)
    return NotEstimable(
        reason="importance_weights",
        detail=f"a few draws carry the answer: Pareto k {weights.k:.2f} (below {WORST_K} wanted), "
        f"{weights.ess:.0f} effective draws ({LEAST_ESS:.0f} wanted)",
    )


def passes(weights: Weights) -> bool:
    """Whether averages over these weights may be used."""
    return weights.k < WORST_K and weights.ess >= LEAST_ESS


def _sobol(count: int, seed: int) -> Floats:
    from scipy.stats.qmc import Sobol

    points: Floats = Sobol(SIZE + 1, rng=np.random.default_rng(seed)).random(count)
    mixed: Floats = np.clip(np.random.default_rng(seed).permutation(points), 1e-12, 1 - 1e-12)
    return mixed


def _fitted(z: Floats, weights: Weights, before: _Proposal) -> _Proposal:
    """A proposal with the weighted draws' mean and covariance; the one before where they say too little."""
    if weights.ess < 3 * SIZE:
        return _Proposal(centre=before.centre, root=before.root * 1.5)
    mean = weights.values @ z
    apart = z - mean
    covariance = (apart * weights.values[:, None]).T @ apart
    scale = covariance * (DF - 2) / DF * 1.3 + 1e-6 * np.eye(SIZE)
    return _Proposal(centre=mean, root=np.linalg.cholesky(scale))


def _at_mode(evidence: Evidence) -> _Proposal:
    """A proposal at the mode, with the curvature there."""
    from scipy.optimize import minimize

    def target(z: Floats) -> Floats:
        return 0.5 * (z**2).sum(axis=1) - log_likelihood(evidence, parameters(z, evidence.scales))

    def with_slope(z: Floats) -> tuple[float, Floats]:
        steps = np.vstack([np.zeros(SIZE), np.eye(SIZE), -np.eye(SIZE)]) * 1e-4
        values = target(z + steps)
        return float(values[0]), (values[1 : SIZE + 1] - values[SIZE + 1 :]) / 2e-4

    start = _best_start(target)
    found = minimize(with_slope, start, jac=True, method="L-BFGS-B", bounds=[(-6.0, 6.0)] * SIZE)
    return _Proposal(centre=found.x, root=_curvature_root(target, found.x))


def _best_start(target: Callable[[Floats], Floats]) -> Floats:
    points = np.vstack([np.zeros((1, SIZE)), np.random.default_rng(0).normal(size=(63, SIZE))])
    values = target(points)
    best: Floats = points[int(np.nanargmin(np.where(np.isfinite(values), values, np.inf)))]
    return best


def _curvature_root(target: Callable[[Floats], Floats], mode: Floats) -> Floats:
    """Root of the inverse Hessian, its eigenvalues kept between a thousandth and the prior's variance."""
    h, pairs = 1e-3, [(i, j) for i in range(SIZE) for j in range(i + 1)]
    unit = np.eye(SIZE) * h
    corners = [
        mode + s * unit[i] + t * unit[j] for i, j in pairs for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1))
    ]
    values = target(np.array(corners)).reshape(-1, 4)
    hessian = np.zeros((SIZE, SIZE))
    for (i, j), (pp, pm, mp, mm) in zip(pairs, values, strict=True):
        hessian[i, j] = hessian[j, i] = (pp - pm - mp + mm) / (4 * h * h)
    eigenvalues, vectors = np.linalg.eigh(hessian)
    variances = 1 / np.clip(eigenvalues, 1.0, 1e6)
    root: Floats = np.linalg.cholesky((vectors * variances) @ vectors.T * 1.2 + 1e-9 * np.eye(SIZE))
    return root
