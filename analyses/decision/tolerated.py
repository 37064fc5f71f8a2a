"""How far would arms have to act past the CPI before the answer changed? The interval, bound by bound."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyses.decision.linking import linked
from analyses.ladder import MANY
from analyses.relationship.anderson_rubin import minima
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.early import widened
from analyses.relationship.exclusion import bounded_set, breakdown
from analyses.relationship.question import Question
from analyses.relationship.system import stack
from analyses.results import NotEstimable
from analyses.rule import Rule

BOUNDS = 13
BEYOND = 1.5  # of the breakdown value, so that the curve is seen to cross


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerated:
    """The slopes left if arms may act directly on the KPI by at most ``bound`` KPI units, either way."""

    bound: float
    lower: float | None
    upper: float | None


def tolerated(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> tuple[Tolerated, ...] | NotEstimable:
    """The interval of the slope as larger and larger direct effects are allowed.

    Question: how strong would side effects have to be before this lever could be nothing?
    Estimand: slopes, in KPI units per increment, that some direct effects within the bound reconcile.
    Assumes: nothing of the direct effects but their bound; see ``bounded_set``.
    Formula: ``bounded_set`` at 13 bounds, from none to 1.5 times the breakdown value.
    """
    question = Question(
        cpi_step=rule.increment * rule.better,
        kpi_sign=rule.direction,
        smallest_slope=rule.smallest_slope,
        bound=None,
        alpha=rule.alpha,
    )
    speaking = linked([widened(one, rule.alpha) for one in experiments]).speaking
    if len(speaking) >= MANY:  # the answer does not rest on a bound of each arm then
        return NotEstimable(reason="many_experiments", detail="many experiments bound them together")
    system = stack(speaking, question.cpi_step, question.kpi_sign)
    if isinstance(system, NotEstimable):
        return system
    most = breakdown(system, rule.alpha) * BEYOND
    if not most:
        return NotEstimable(reason="nothing_excluded", detail="the data do not exclude nothing as it is")
    lows = minima(system)
    found = []
    for bound in np.linspace(0.0, most, BOUNDS):
        left = bounded_set(system, float(bound), rule.alpha, lows).mirrored(question.kpi_sign)
        found.append(Tolerated(bound=float(bound), lower=left.lower, upper=left.upper))
    return tuple(found)
