"""Of 200 hypotheses that are tested at once, what share of the signals is false?

Corrections over the whole programme are a column of the board and no part of a verdict. Twenty experiments of
ten arms each share their control, so that tests are dependent as real ones are. Estimates are drawn at the
level of arm means; p-values and E values are the product's, and so is what the board makes of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from zlib import crc32

import numpy as np

from analyses import Discovery, FalseDiscovery, anytime, false_discoveries, normal

EXPERIMENTS, ARMS = 20, 10
HYPOTHESES = EXPERIMENTS * ARMS
Q = 0.05
STRENGTH = 4.0  # z of a true effect
UNITS = 10_000  # in all, all of those that were planned

UNCORRECTED = "none, for comparison"

type Rule = Callable[[np.ndarray], frozenset[int]]


@dataclass(frozen=True)
class Discoveries:
    """Means over R replications: the share of signals that are false, and the share of true ones found."""

    name: str
    rule: str
    replications: int
    false_share: float
    error: float
    found: float | None

    @property
    def said(self) -> str:
        if self.rule == UNCORRECTED:
            return "promises nothing"
        if self.false_share - 2 * self.error > Q:
            return "**fails: more false signals than promised**"
        return "holds" if self.false_share <= Q else "undecided: more false signals than promised"


def by_p(share: Callable[[FalseDiscovery], float]) -> Rule:
    def chosen(z: np.ndarray) -> frozenset[int]:
        p = [normal(float(one), 1.0, 0.05).p_value for one in z]
        found = false_discoveries({k: Discovery(p_value=one, log_e_value=None) for k, one in enumerate(p)})
        return frozenset(k for k, one in found.items() if share(one) <= Q)

    return chosen


def by_e(z: np.ndarray) -> frozenset[int]:
    looked = {
        k: anytime(normal(float(one), 1.0, 0.05), units=UNITS, planned_units=UNITS) for k, one in enumerate(z)
    }
    found = false_discoveries(
        {k: Discovery(p_value=1.0, log_e_value=one.log_e_value) for k, one in looked.items()}
    )
    return frozenset(k for k, one in found.items() if one.anytime is not None and one.anytime <= Q)


def uncorrected(z: np.ndarray) -> frozenset[int]:
    return frozenset(k for k, one in enumerate(z) if normal(float(one), 1.0, 0.05).p_value <= Q)


RULES: dict[str, Rule] = {
    "BH": by_p(lambda found: found.positive_dependence),
    "BY": by_p(lambda found: found.any_dependence),
    "e-BH": by_e,
    UNCORRECTED: uncorrected,
}
TRUTHS = {"none of 200 true": 0, "20 of 200 true, z = 4": 20, "100 of 200 true, z = 4": 100}


def discoveries(truth: str, rule: str, replications: int, seed: int) -> Discoveries:
    """One truth under one correction; the truth's name is the seed, so that all see the same programmes."""
    rng = np.random.default_rng([seed, crc32(truth.encode())])
    true = TRUTHS[truth]
    shares, found = [], []
    for _ in range(replications):
        signals = RULES[rule](drawn(rng, true))
        false = sum(k >= true for k in signals)
        shares.append(false / max(len(signals), 1))
        found.append((len(signals) - false) / max(true, 1))
    return Discoveries(
        name=truth,
        rule=rule,
        replications=replications,
        false_share=float(np.mean(shares)),
        error=float(np.std(shares)) / sqrt(replications),
        found=float(np.mean(found)) if true else None,
    )


def drawn(rng: np.random.Generator, true: int) -> np.ndarray:
    """Scores of all hypotheses, true ones first, spread evenly over experiments.

    An experiment's arms share the half of their noise that is its control's.
    """
    shared, own = rng.standard_normal((1, EXPERIMENTS)), rng.standard_normal((ARMS, EXPERIMENTS))
    return ((shared + own) / sqrt(2)).ravel() + STRENGTH * (np.arange(HYPOTHESES) < true)
