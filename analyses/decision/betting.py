"""How much would a bet against "no lever" have won by now? E values of evidence looked at on the way."""

from collections.abc import Sequence
from math import exp, log

from analyses.decision.case import GATE
from analyses.decision.chance import least, rivals_that_moved
from analyses.moments import Floats
from analyses.relationship.anderson_rubin import minima
from analyses.relationship.contrast import Early, ExperimentContrasts
from analyses.relationship.early import log_e_value
from analyses.relationship.exclusion import bounded_minimum, bounded_statistic
from analyses.relationship.mechanisms import belongs, differenced, names
from analyses.relationship.question import Question
from analyses.relationship.rivals import p_unmoved
from analyses.relationship.system import System, direction, stack

type Part = tuple[System, Early]


def log_e(question: Question, system: System, experiments: Sequence[ExperimentContrasts]) -> float | None:
    """Logarithm of the E value of "no lever", for experiments that all count with anytime intervals.

    None where one of them counts with its fixed interval. The least over slopes that are none, of all
    contrasts and, with the bound unknown, of the contrasts of each experiment less what they share and of
    all mechanisms but the best (each a bet against a null of its own: a lever is claimed against all three).
    0, which bets nothing, where contrasts disagree or a rival moved too.
    """
    parts = _parts(system, experiments)
    if parts is None:
        return None
    if _doubtful(question, system, experiments):
        return 0.0
    whole = _least_log(parts, question)
    if question.bound is not None:
        return whole
    apart = [(less, early) for one, early in parts if (less := differenced(one)) is not None]
    if not apart or len(names(system)) < 2:
        return 0.0
    return min(whole, _least_log(apart, question), _all_but_best(parts, names(system), question))


def _parts(system: System, experiments: Sequence[ExperimentContrasts]) -> list[Part] | None:
    """The contrasts of each experiment, and how far of its plan it was."""
    found = []
    for one in experiments:
        if one.early is None:
            return None
        found.append(
            (system.rows([k for k, e in enumerate(system.experiments) if e == one.experiment]), one.early)
        )
    return found


def _least_log(parts: Sequence[Part], question: Question) -> float:
    """Experiments are independent, so that their E values multiply, at each slope."""

    def total(angles: Floats) -> Floats:
        return sum(_log(part, early, angles, question) for part, early in parts) + 0.0 * angles

    return least(total, [angle for part, _ in parts for angle in minima(part)])


def _log(system: System, early: Early, angles: Floats, question: Question) -> Floats:
    ar = bounded_statistic(system, direction(angles), question.bound or 0.0)
    return log_e_value(ar, system.size, early.units, early.planned_units, question.alpha)


def _all_but_best(parts: Sequence[Part], mechanisms: Sequence[str], question: Question) -> float:
    """If at most one mechanism shows the lever all others are null: the mean of their E values."""
    logs = []
    for name in mechanisms:
        own = [
            ([k for k, arm in enumerate(one.arms) if belongs(arm, name)], one, early) for one, early in parts
        ]
        logs.append(_least_log([(one.rows(keep), early) for keep, one, early in own if keep], question))
    rest = sorted(logs)[:-1]
    # the largest exponent is taken out, so that none overflows
    return rest[-1] + log(sum(exp(one - rest[-1]) for one in rest) / len(rest))


def _doubtful(question: Question, system: System, experiments: Sequence[ExperimentContrasts]) -> bool:
    from scipy.special import chdtrc

    if system.size > 1:
        left = bounded_minimum(system, question.bound or 0.0)
        if chdtrc(system.size - 1, left) < GATE:
            return True
    return any(True for _ in rivals_that_moved(question, experiments, stack, p_unmoved))
