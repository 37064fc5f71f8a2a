"""How often is somebody who looks every day ever wrong?"""

from dataclasses import dataclass

import numpy as np

from analyses import (
    ConfidenceSet,
    ExperimentContrasts,
    NotEstimable,
    Question,
    Rule,
    State,
    anytime_set,
    judge,
)
from tests.calibration.sets import holds
from tests.calibration.units import Units


@dataclass(frozen=True)
class Looks:
    """One experiment of so many days, looked at after each of them."""

    units: Units
    days: int = 20

    def draw(self, rng: np.random.Generator) -> list[ExperimentContrasts]:
        """As it stands at its planned end."""
        return self.units.days(rng, self.days)[-1:]


def seen_every_day(
    rule: Rule, looks: Looks, slope: float, rng: np.random.Generator
) -> tuple[bool, bool, bool]:
    """Ever confirmed, ever rejected, and whether the set of every single day held the truth.

    A day on which the set that is valid at any look leaves both answers open needs no verdict: the rule
    gives none there.
    """
    question = Question(
        cpi_step=1.0,
        kpi_sign=1,
        smallest_slope=rule.smallest_slope,
        bound=rule.direct_effect_bound,
        alpha=rule.alpha,
    )
    states: set[State] = set()
    covered = True
    for today in looks.units.days(rng, looks.days):
        found = anytime_set(question, today)
        if isinstance(found, NotEstimable):
            raise TypeError(found.detail)
        covered &= holds(found, slope)
        if _speaks(found, rule) - states:
            states.add(judge(rule, [today]).verdict.state)
    return State.CONFIRMED in states, State.REJECTED in states, covered


def _speaks(found: ConfidenceSet, rule: Rule) -> set[State]:
    """Which answers the set allows."""
    said = set()
    if found.lower is not None and found.lower > 0:
        said.add(State.CONFIRMED)
    if found.upper is not None and found.upper < (rule.smallest_slope or 0.0):
        said.add(State.REJECTED)
    return said
