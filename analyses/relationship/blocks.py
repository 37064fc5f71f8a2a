"""Many small covariances at once: combined metric by metric, and solved without a call for each."""

import numpy as np

from analyses.moments import Floats

FEW = 12  # blocks per arm below which LAPACK's calls cost less than as many steps of elimination
ELIMINATED = 12  # arms of an experiment up to which elimination over all blocks at once beats LAPACK's calls


def mixed(left: Floats, right: Floats, covariance: Floats) -> Floats:
    """Sum over metrics i, j of left_i right_j C_ij: weights (n, m) each, C (m, m, ...), found (n, ...).

    The n lie next to each other in memory, where elimination reads them.
    """
    n, m = left.shape
    products = (left[:, :, None] * right[:, None, :]).reshape(n, m * m)
    found = covariance.reshape(m * m, -1).T @ products.T
    blocks: Floats = found.T.reshape(n, *covariance.shape[2:])
    return blocks


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
