"""What do the customers of a company do whose truth we know? Drawn from a seed, and labelled as simulated.

Each customer has an unseen trait u ~ N(0, 1), a common cause of CPIs and KPI: it makes them correlate
whatever the truth is. An arm shifts the mean of CPIs; the KPI follows from the CPIs' own values by their
true slopes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

WAIT_SHAPE = 6.0  # of the gamma distribution of waiting times: their sd is 41 % of their mean


class Draw(StrEnum):
    """What kind of number a CPI is, and how it is recorded."""

    WAIT = "wait"  # a time, gamma; one outcome that carries it
    TIMES = "times"  # how often, Poisson; one outcome each time
    OFFER = "offer"  # how many at once, at least one; one outcome that carries the number


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCpi:
    """A CPI as it really is: its usual mean, what the trait does to it, what it does to the KPI."""

    event: str
    draw: Draw
    usual: float
    trait: float = 0.0  # on the log scale
    slope: float = 0.0  # change of the KPI's probability per unit of this CPI


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Customers of one kind. Without any change a share ``usual`` of them does what the KPI counts."""

    cpis: tuple[TrueCpi, ...]
    kpi_event: str
    usual: float
    trait: float  # what the trait adds to the KPI's probability


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Population:
    """Everybody in one experiment: arm (n,) by place, CPIs (n, number of CPIs), and the KPI (n,) 0 or 1."""

    arm: NDArray[np.int64]
    cpis: Floats
    kpi: Floats

    @property
    def size(self) -> int:
        return len(self.arm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Naive:
    """What a dashboard shows, without any experiment."""

    correlation: float
    share_low: float  # of the KPI, among the quarter of customers with the least of the CPI
    share_high: float  # among the quarter with the most


def simulate(
    world: World, shifts: Sequence[Sequence[float]], units_per_arm: int, seed: Sequence[int]
) -> Population:
    """Exactly ``units_per_arm`` customers for each arm, in random order; ``shifts[arm][cpi]`` of the mean."""
    rng = np.random.default_rng(seed)
    arm = rng.permutation(np.repeat(np.arange(len(shifts)), units_per_arm))
    trait = rng.standard_normal(len(arm))
    moved = np.array(shifts, dtype=np.float64)[arm]
    cpis = np.column_stack([_drawn(rng, cpi, trait, moved[:, at]) for at, cpi in enumerate(world.cpis)])
    usual, slopes = np.array([(cpi.usual, cpi.slope) for cpi in world.cpis]).T
    chance = world.usual + world.trait * trait + (cpis - usual) @ slopes
    return Population(arm=arm, cpis=cpis, kpi=(rng.random(len(arm)) < chance).astype(np.float64))


def _drawn(rng: np.random.Generator, cpi: TrueCpi, trait: Floats, shift: Floats) -> Floats:
    mean = (cpi.usual + shift) * np.exp(cpi.trait * trait - cpi.trait**2 / 2)
    match cpi.draw:
        case Draw.WAIT:
            return rng.gamma(WAIT_SHAPE, mean / WAIT_SHAPE)
        case Draw.TIMES:
            return rng.poisson(mean).astype(np.float64)
        case Draw.OFFER:
            return 1.0 + rng.poisson(np.maximum(mean - 1, 0)).astype(np.float64)


def naive(population: Population) -> Naive:
    """The tempting answer on the first CPI, from the customers whom nothing was changed for."""
    untouched = population.arm == 0
    values, kpi = population.cpis[untouched, 0], population.kpi[untouched]
    low, high = np.quantile(values, [0.25, 0.75])
    return Naive(
        correlation=float(np.corrcoef(values, kpi)[0, 1]),
        share_low=float(kpi[values <= low].mean()),
        share_high=float(kpi[values >= high].mean()),
    )
