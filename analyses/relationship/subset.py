"""What is the least Anderson-Rubin statistic when some slopes are left free? For any number of metrics."""

import numpy as np

from analyses.moments import Floats
from analyses.relationship.anderson_rubin import statistic
from analyses.relationship.system import System

ROUNDS = 40
STEPS = (1.0, 0.5, 0.2, 0.05)  # shares of a proposed step that are tried
SETTLED = 1e-11
CHUNK = 2_000_000  # numbers held at once


def least(system: System, bases: Floats) -> tuple[Floats, Floats]:
    """Min of AR (n,) over the span of ``bases`` (n, d, m), and the weights (n, m) that reach it.

    AR depends on the direction of the weights alone. At a minimum M v = W v with M_ij = R_i' V^-1 R_j and
    W_ij = q' C_ij q, q = V^-1 r: each round takes the lowest eigenvector of (M, W) at the current v. Where
    the arms' covariances are proportional, M and W do not depend on v up to scale and the first round is
    exact: AR's minimum is then the smallest root of the LIML determinant (Guggenberger, Kleibergen,
    Mavroeidis & Chen 2012). Otherwise rounds go on, from every eigenvector, and never uphill.
    """
    size = max(1, CHUNK // (bases.shape[1] * system.size**2))
    parts = [_least(system, bases[at : at + size]) for at in range(0, len(bases), size)]
    return np.concatenate([values for values, _ in parts]), np.concatenate([weights for _, weights in parts])


def _least(system: System, bases: Floats) -> tuple[Floats, Floats]:
    n, d, m = bases.shape
    even = np.broadcast_to(np.eye(d) / np.sqrt(d), (n, d, d)).sum(axis=1)
    starts = _eigenvectors(system, bases, even / np.sqrt(d))  # (n, d, d), a start a column
    best = np.full(n, np.inf)
    found = np.zeros((n, m))
    for k in range(d):
        values, weights = _descended(system, bases, starts[:, :, k])
        better = values < best
        best, found = np.where(better, values, best), np.where(better[:, None], weights, found)
    return best, found


def _descended(system: System, bases: Floats, v: Floats) -> tuple[Floats, Floats]:
    """From one start for each basis, to where no step goes down."""
    values = _at(system, bases, v)
    for _ in range(ROUNDS):
        target = _eigenvectors(system, bases, v)[:, :, 0]
        target = target * np.where(np.einsum("nd,nd->n", target, v) < 0, -1.0, 1.0)[:, None]
        tried = [_unit(v + share * (target - v)) for share in STEPS]
        reached = np.array([_at(system, bases, one) for one in tried])
        pick = reached.argmin(axis=0)
        lowest = reached[pick, np.arange(len(v))]
        down = lowest < values
        gained = np.where(down, values - lowest, 0.0)
        v = np.where(down[:, None], np.array(tried)[pick, np.arange(len(v))], v)
        values = np.where(down, lowest, values)
        if (gained <= SETTLED * (1 + values)).all():
            break
    return values, np.einsum("nd,ndm->nm", v, bases)


def _at(system: System, bases: Floats, v: Floats) -> Floats:
    return statistic(system, np.einsum("nd,ndm->nm", v, bases))


def _unit(v: Floats) -> Floats:
    length: Floats = np.linalg.norm(v, axis=-1, keepdims=True)
    return v / np.where(length > 0, length, 1.0)


def _eigenvectors(system: System, bases: Floats, v: Floats) -> Floats:
    """Directions (n, d, d), one a column, of (M, W) at v, the lowest first."""
    m = bases.shape[2]
    weights = np.einsum("nd,ndm->nm", v, bases)
    r, V = system.residual(weights)
    inverse = np.linalg.inv(V)
    q = np.einsum("nkl,nl->nk", inverse, r)
    q = q / np.maximum(np.linalg.norm(q, axis=1), 1e-300)[:, None]
    R = bases @ system.effects[:m]
    M = R @ inverse @ np.swapaxes(R, 1, 2)
    blocks = system.covariance[:m, :m].reshape(m * m, -1)
    products = (q[:, :, None] * q[:, None, :]).reshape(len(q), -1)
    W = bases @ (products @ blocks.T).reshape(-1, m, m) @ np.swapaxes(bases, 1, 2)
    W = (W + np.swapaxes(W, 1, 2)) / 2
    W = W + 1e-12 * np.trace(W, axis1=1, axis2=2)[:, None, None] * np.eye(W.shape[1])
    turned = np.swapaxes(np.linalg.inv(np.linalg.cholesky(W)), 1, 2)
    _, vectors = np.linalg.eigh(np.swapaxes(turned, 1, 2) @ M @ turned)
    return _unit(np.swapaxes(turned @ vectors, 1, 2)).swapaxes(1, 2)
