"""How likely are the contrasts, given the six parameters? Exact up to one integral an experiment.

Arms k of experiment e moved the CPI by alpha_k ~ N(mu_a, s_a^2) and the KPI by beta_e alpha_k + g_k, where
beta_e ~ N(beta, tau_b^2) is the experiment's slope and g_k ~ N(mu_g, tau_g^2) what the arm does past the CPI.
We see (a, b) with sampling covariance S, in which arms share their control. Given beta_e all is normal, so
shifts and direct effects integrate out in closed form; the slope is left, one dimension an experiment.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analyses.moments import Floats
from analyses.posterior.blocks import Block, Evidence

NODES = np.linspace(-3.6, 3.6, 25)  # x = centre + width sinh(t): dense where it matters, far where it may
REACH, STEP = np.sinh(NODES), np.log(np.cosh(NODES) * (NODES[1] - NODES[0]))
LEAST_SPREAD = 1e-4  # smallest slopes of interest: below it slopes do not differ
LOG_2PI = float(np.log(2 * np.pi))
CHUNK = 2**19  # numbers that one pass holds per array: caches and memory stay small


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conditional:
    """Given n draws of the parameters: b ~ N(level + x m, C(x)), C(x) = c0 + x c1 + x^2 c2, of J experiments.

    ``level``, ``m`` (n, J, K); ``c0``, ``c1``, ``c2`` (n, J, K, K); ``log_a`` (n, J) the density of the CPI.
    """

    level: Floats
    m: Floats
    c0: Floats
    c1: Floats
    c2: Floats
    log_a: Floats
    quad_a: Floats


def conditional(block: Block, theta: Floats) -> Conditional:
    """The shifts' posterior N(m, V) from the CPI alone, and what it leaves of the KPI's error."""
    _, mu_g, tau_g, _, mu_a, s_a = theta.T[:, :, None, None]
    s2, noise = s_a**2 + 1e-300, block.noise
    rotated = np.einsum("jki,jk->ji", block.axes, block.a)
    ones = block.axes.sum(axis=1)
    total = noise + s2
    miss = rotated - mu_a * ones
    quad_a = (miss**2 / total).sum(axis=-1)
    log_a = -0.5 * (np.log(total).sum(axis=-1) + quad_a + block.a.shape[1] * LOG_2PI)
    m = np.einsum("jki,nji->njk", block.axes, (s2 * rotated + noise * mu_a * ones) / total)
    V = np.einsum("jki,nji,jli->njkl", block.axes, noise * s2 / total, block.axes)
    RV = np.einsum("jki,njil->njkl", block.weights, V)
    own = block.rest + tau_g[..., None] ** 2 * np.eye(block.a.shape[1])
    return Conditional(
        level=block.b - mu_g - np.einsum("jkl,njl->njk", block.weights, block.a - m),
        m=m,
        c0=own + np.einsum("njkl,jil->njki", RV, block.weights),
        c1=-(RV + RV.swapaxes(-1, -2)),
        c2=V,
        log_a=log_a,
        quad_a=quad_a,
    )


def factored(C: list[list[Floats]], r: list[Floats]) -> tuple[Floats, list[Floats]]:
    """Log determinant of C, and L^-1 r divided by the roots of the pivots: its squares add up to r' C^-1 r.

    Elimination written out over the K arms, so that any number of small systems is solved by few calls.
    """
    size = len(C)
    rows = [list(row) for row in C]
    right = list(r)
    log_det: Floats = np.zeros(())
    found = []
    for k in range(size):
        pivot = rows[k][k]
        log_det = log_det + np.log(pivot)
        found.append(right[k] / np.sqrt(pivot))
        for i in range(k + 1, size):
            factor = rows[i][k] / pivot
            right[i] = right[i] - factor * right[k]
            for j in range(k + 1, i + 1):
                rows[i][j] = rows[i][j] - factor * rows[j][k]
    return log_det, found


def _entries(C: Floats) -> list[list[Floats]]:
    size = C.shape[-1]
    return [[C[..., i, j] for j in range(i + 1)] for i in range(size)]


def centred(found: Conditional, beta: Floats, tau: Floats) -> tuple[Floats, Floats]:
    """Where the experiment's slope lies and how surely (n, J): C held fixed at the slope found before."""
    x = np.broadcast_to(beta, found.log_a.shape)
    width = np.broadcast_to(tau, x.shape)
    for _ in range(2):
        C = found.c0 + x[..., None, None] * found.c1 + x[..., None, None] ** 2 * found.c2
        entries = _entries(C)
        _, left = factored(entries, _columns(found.level))
        _, right = factored(entries, _columns(found.m))
        precision = sum(v * v for v in right) + tau**-2
        x = (sum(u * v for u, v in zip(left, right, strict=True)) + beta * tau**-2) / precision
        width = precision**-0.5
    return x, width


def _columns(values: Floats) -> list[Floats]:
    return [values[..., k] for k in range(values.shape[-1])]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Slopes x (n, J, G) of each experiment and the log of density times step at each; ``quad`` of b."""

    x: Floats
    log_mass: Floats
    quad: Floats


def grid(found: Conditional, theta: Floats) -> Grid:
    """The joint density of an experiment's slope and its KPI effects, along the slope."""
    beta = theta[:, 0][:, None]
    tau = np.maximum(theta[:, 3], LEAST_SPREAD)[:, None]
    centre, width = centred(found, beta, tau)
    x = centre[..., None] + width[..., None] * REACH
    C = [
        [c0[..., None] + x * (c1[..., None] + x * c2[..., None]) for c0, c1, c2 in zip(*rows, strict=True)]
        for rows in zip(*(_entries(c) for c in (found.c0, found.c1, found.c2)), strict=True)
    ]
    r = [
        u[..., None] - x * v[..., None] for u, v in zip(_columns(found.level), _columns(found.m), strict=True)
    ]
    log_det, parts = factored(C, r)
    quad = np.sum([part * part for part in parts], axis=0)
    far = (x - beta[..., None]) / tau[..., None]
    log_b = -0.5 * (log_det + quad + len(C) * LOG_2PI)
    log_x = -0.5 * (far * far + LOG_2PI) - np.log(tau)[..., None]
    return Grid(x=x, log_mass=log_b + log_x + STEP + np.log(width)[..., None], quad=quad)


def log_likelihood(evidence: Evidence, theta: Floats) -> Floats:
    """Log density of all contrasts (n,) at parameters (n, 6)."""
    total = np.zeros(len(theta))
    for block in evidence.blocks:
        for part in chunks(len(theta), block):
            found = conditional(block, theta[part])
            mass = grid(found, theta[part]).log_mass
            top = mass.max(axis=-1, keepdims=True)
            of_b = np.log(np.exp(mass - top).sum(axis=-1)) + top[..., 0]
            total[part] += (found.log_a + of_b).sum(axis=-1)
    return total


def chunks(count: int, block: Block) -> Iterator[slice]:
    """Draws, as many at a time as fit into the caches."""
    size = max(1, CHUNK // (block.a.shape[0] * len(NODES)))
    return (slice(start, min(start + size, count)) for start in range(0, count, size))
