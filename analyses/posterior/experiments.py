"""What do the parameters' draws say of each experiment's own slope, and do the data look as predicted?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.moments import Floats
from analyses.posterior.blocks import Block, Evidence
from analyses.posterior.importance import Draws
from analyses.posterior.likelihood import chunks, conditional, grid

USED = 2000  # draws that single experiments are described from


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slopes:
    """Draws of every experiment's slope (n, J), and how far its contrasts lie from what is predicted.

    ``distance`` (n, J) is the squared distance of (a, b) from their mean given the slope, chi-squared with
    ``df`` (J,) degrees of freedom if the model holds.
    """

    x: Floats
    distance: Floats
    df: Floats


def resampled(draws: Draws, seed: int) -> Floats:
    """Parameters (n, 6) of equal weight: systematic resampling, which adds the least noise."""
    start = np.random.default_rng(seed).random()
    wanted = (start + np.arange(USED)) / USED
    at = np.minimum(np.searchsorted(np.cumsum(draws.weights), wanted), len(draws.weights) - 1)
    chosen: Floats = draws.theta[at]
    return chosen


def slopes(evidence: Evidence, theta: Floats, seed: int) -> Slopes:
    """A draw of each experiment's slope for each draw of the parameters, exactly conditional on it."""
    rng = np.random.default_rng([seed, 1])
    x, distance = np.zeros((2, len(theta), evidence.count))
    df = np.zeros(evidence.count)
    for block in evidence.blocks:
        at = list(block.at)
        df[at] = 2 * block.a.shape[1]
        for part in chunks(len(theta), block):
            x[part, at], distance[part, at] = _drawn(block, theta[part], rng)
    return Slopes(x=x, distance=distance, df=df)


def _drawn(block: Block, theta: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """From the grid, by the inverse of its distribution function, linear between nodes."""
    found = conditional(block, theta)
    of = grid(found, theta)
    mass = np.exp(of.log_mass - of.log_mass.max(axis=-1, keepdims=True))
    middle = np.cumsum(mass, axis=-1) - mass / 2
    wanted = rng.random(mass.shape[:-1]) * mass.sum(axis=-1)
    upper = np.clip((middle < wanted[..., None]).sum(axis=-1), 1, mass.shape[-1] - 1)

    def at(values: Floats, node: npt.NDArray[np.intp]) -> Floats:
        taken: Floats = np.take_along_axis(values, node[..., None], axis=-1)[..., 0]
        return taken

    low, high = at(middle, upper - 1), at(middle, upper)
    share = np.clip((wanted - low) / np.maximum(high - low, 1e-300), 0.0, 1.0)
    x = at(of.x, upper - 1) * (1 - share) + at(of.x, upper) * share
    quad = at(of.quad, upper - 1) * (1 - share) + at(of.quad, upper) * share
    return x, quad + found.quad_a
