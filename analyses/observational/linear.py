"""Least squares in which some regressors are of interest and the rest is held fixed, with robust errors."""

from dataclasses import dataclass

import numpy as np

from analyses.effects.difference import student
from analyses.moments import Floats
from analyses.results import Estimate, Interval, NotEstimable

LEFT_OVER = 1e-9  # of a column's variation: less says that the others determine it
FULL_LEVERAGE = 1 - 1e-8  # a unit that its own covariates identify says nothing of the rest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """An orthonormal basis (n, r) of intercept and covariates; ``dropped`` repeat what others say."""

    basis: Floats
    dropped: tuple[int, ...]

    @classmethod
    def fixed(cls, covariates: Floats) -> "Held":
        """Of covariates (n, p); those that are constant, or linear in the others, are dropped."""
        from scipy.linalg import qr

        n = len(covariates)
        centred = covariates - covariates.mean(axis=0) if n else covariates
        scale = np.sqrt((centred**2).sum(axis=0))
        size = np.abs(covariates).max(axis=0, initial=0.0) * np.sqrt(max(n, 1))
        varies = np.flatnonzero(scale > 1e-12 * size)
        constant = np.full((n, 1), 1 / np.sqrt(max(n, 1)))
        if not varies.size:
            return cls(basis=constant, dropped=tuple(range(covariates.shape[1])))
        q, r, order = qr(centred[:, varies] / scale[varies], mode="economic", pivoting=True)
        rank = int((np.abs(np.diag(r)) > np.sqrt(LEFT_OVER)).sum())
        kept = set(varies[order[:rank]].tolist())
        dropped = tuple(at for at in range(covariates.shape[1]) if at not in kept)
        return cls(basis=np.hstack([constant, q[:, :rank]]), dropped=dropped)

    def rest(self, values: Floats) -> Floats:
        """What the basis leaves of other columns (n, k); twice, for the digits that the first pass loses."""
        once = values - self.basis @ (self.basis.T @ values)
        left: Floats = once - self.basis @ (self.basis.T @ once)
        return left


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """Coefficients (k,) of the regressors of interest, and each unit's influence (n, k) on them.

    The sum of products of the influences is the robust covariance (HC3) of the coefficients.
    """

    beta: Floats
    influence: Floats
    dof: int


def fit(held: Held, interest: Floats, outcome: Floats, names: tuple[str, ...]) -> Fit | NotEstimable:
    """Regress an outcome (n,) on what the held ones leave of the regressors of interest (n, k)."""
    n, k = interest.shape
    dof = n - held.basis.shape[1] - k
    if dof < 2:
        return NotEstimable(
            reason="too_few_units",
            detail=f"{n} units are too few for {held.basis.shape[1] + k} coefficients",
        )
    left = held.rest(interest)
    if refused := _explained(interest, left, names):
        return refused
    scatter = np.linalg.inv(left.T @ left)
    rest = held.rest(outcome[:, None])[:, 0]
    beta = scatter @ (left.T @ rest)
    error = rest - left @ beta
    leverage = (held.basis**2).sum(axis=1) + np.einsum("nk,kl,nl->n", left, scatter, left)
    weight = np.where(leverage < FULL_LEVERAGE, 1 / np.maximum(1 - leverage, 1e-12), 0.0)
    return Fit(
        beta=beta,
        influence=(left * (error * weight)[:, None]) @ scatter,
        dof=dof,
    )


def _explained(interest: Floats, left: Floats, names: tuple[str, ...]) -> NotEstimable | None:
    """Why a regressor has nothing of its own to say."""
    whole = ((interest - interest.mean(axis=0)) ** 2).sum(axis=0)
    size = np.abs(interest).max(axis=0) ** 2 * len(interest)
    for at, name in enumerate(names):
        if whole[at] <= 1e-24 * size[at]:
            return NotEstimable(reason="constant", detail=f"{name} is the same for every unit")
        if (left[:, at] ** 2).sum() <= LEFT_OVER * whole[at]:
            return NotEstimable(
                reason="collinear", detail=f"{name} is an exact linear function of what is held fixed"
            )
    if len(names) > 1 and np.linalg.cond(left / np.sqrt((left**2).sum(axis=0))) > 1 / np.sqrt(LEFT_OVER):
        return NotEstimable(reason="collinear", detail=f"{', '.join(names)} repeat one another")
    return None


def estimate(value: float, influence: Floats, dof: int, alpha: float) -> Estimate:
    """A functional of fits with its influences (n,) summed; Student's t."""
    return interval(value, float(np.sqrt(influence @ influence)), dof, alpha)


def interval(value: float, error: float, dof: int, alpha: float) -> Estimate:
    """Student's t; what fits without any error is known exactly."""
    if error > 0:
        return student(value, error, dof, alpha)
    return Estimate(
        value=value,
        std_error=0.0,
        interval=Interval(lower=value, upper=value),
        p_value=float(value == 0),
    )
