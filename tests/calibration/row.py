"""What is one row? A truth, what the rule is told of it, and what was published for it before the product."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analyses import ExperimentContrasts, Rule
from tests.analyses.relationship.draws import D


class Truth(Protocol):
    def draw(self, rng: np.random.Generator) -> Sequence[ExperimentContrasts]: ...


@dataclass(frozen=True)
class Row:
    """``slope`` is the truth; ``published`` says confirm/reject and coverage as they stood before.

    ``smallest`` is the smallest slope of interest, d. ``covered`` says whether the interval's own assumptions
    hold; ``least`` is the share of confirmations that usefulness asks for; ``untestable`` truths look like a
    lever to every rule; ``why`` is said where a row fails or nearly does. ``times`` the lane's replications
    are drawn where a rate lies near its bar.
    """

    name: str
    truth: Truth
    slope: float
    published: str
    bound: float | None = None
    covered: bool = False
    least: float | None = None
    untestable: bool = False
    smallest: float = D
    why: str = ""
    times: int = 1

    @property
    def rule(self) -> Rule:
        return Rule(smallest_slope=self.smallest, direct_effect_bound=self.bound)
