"""May importance weights be trusted? The largest are fitted by a Pareto tail, whose shape k tells."""

from dataclasses import dataclass
from math import floor, sqrt

import numpy as np

from analyses.moments import Floats

FEWEST = 5  # weights in the tail without which nothing is fitted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """Smoothed weights that add up to 1, the shape k of their tail, and their effective number of draws."""

    values: Floats
    k: float

    @property
    def ess(self) -> float:
        """Kish's effective sample size."""
        return float(1.0 / (self.values**2).sum())


def smoothed(log_weights: Floats) -> Weights:
    """Pareto-smoothed importance weights.

    Question: do a few draws carry the answer? With k below .7 they do not, and averages converge.
    Formula: the M = min(n / 5, 3 sqrt(n)) largest weights are replaced by the quantiles of a generalised
    Pareto distribution fitted to them; none exceeds the largest raw weight.
    Reference: Vehtari, Simpson, Gelman, Yao & Gabry (2024), Journal of Machine Learning Research 25(72);
    Zhang & Stephens (2009), Technometrics 51(3), for the fit.
    """
    n = len(log_weights)
    found = log_weights - log_weights.max()
    tail = floor(min(n / 5, 3 * sqrt(n)))
    k = float("inf")
    if tail >= FEWEST:
        order = np.argsort(found)[-tail:]
        cutoff = max(float(np.sort(found)[-tail - 1]), float(np.log(np.finfo(float).tiny)))
        excess = np.exp(found[order]) - np.exp(cutoff)
        if excess[0] <= 0 or np.ptp(excess) <= 1e-12 * excess[-1]:  # weights that are all alike have no tail
            k = -float("inf") if np.ptp(excess) <= 0 else k
        if k == float("inf"):
            k, sigma = fitted(np.maximum(excess, 1e-300))
            quantiles = (np.arange(tail) + 0.5) / tail
            found[order] = np.minimum(np.log(_quantile(quantiles, k, sigma) + np.exp(cutoff)), 0.0)
    weights = np.exp(found - found.max())
    return Weights(values=weights / weights.sum(), k=k)


def fitted(x: Floats) -> tuple[float, float]:
    """Shape and scale of the generalised Pareto distribution of sorted excesses (n,), all above zero."""
    n = len(x)
    candidates = 30 + int(sqrt(n))
    theta = 1 - np.sqrt(candidates / (np.arange(1, candidates + 1) - 0.5))
    theta = theta / (3 * x[int(n / 4 + 0.5) - 1]) + 1 / x[-1]
    shape = np.log1p(-theta[:, None] * x).mean(axis=1)
    profile = n * (np.log(-theta / shape) - shape - 1)
    weight = np.exp(profile - profile.max())
    weight /= weight.sum()
    keep = weight >= 10 * np.finfo(float).eps
    best = float((theta[keep] * weight[keep]).sum() / weight[keep].sum())
    k = float(np.log1p(-best * x).mean())
    sigma = -k / best
    return (n * k + 5.0) / (n + 10), sigma  # towards k = .5 where the tail is short


def _quantile(p: Floats, k: float, sigma: float) -> Floats:
    exact: Floats = -sigma * np.log1p(-p) if abs(k) < 1e-12 else sigma * np.expm1(-k * np.log1p(-p)) / k
    return exact
