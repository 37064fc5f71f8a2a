"""May a verdict be issued now? Evidence grows for years: who decides at each step errs at some step."""

from dataclasses import dataclass, replace
from math import sqrt

from analyses.rule import Rule

DOUBLED = 2.0  # a verdict is due when the information has grown by this much since the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One verdict of a hypothesis: its number, the error rate spent on it, and the information it had.

    ``information`` is 1 / SE^2 of the slope, in KPI units per CPI unit.
    """

    number: int
    alpha: float
    information: float

    @property
    def next_at(self) -> float:
        """The information at which the next verdict is due."""
        return self.information * DOUBLED


def look_alpha(alpha: float, number: int) -> float:
    """The error rate of the k-th verdict, alpha / (k (k + 1)): half for the first, alpha for all together.

    >>> [round(look_alpha(0.05, k), 5) for k in (1, 2, 3)]
    [0.025, 0.00833, 0.00417]
    """
    if number < 1:
        raise ValueError(f"verdicts are counted from 1, got {number}")
    return alpha / (number * (number + 1))


def at_look(rule: Rule, alpha: float) -> Rule:
    """The rule as one verdict is judged: at its own level, with more units sized at the next one's.

    ``rule`` has the error rate of all verdicts, and ``alpha`` is what ``look_alpha`` gave this one of it.

    >>> second = at_look(Rule(alpha=0.05), look_alpha(0.05, 2))
    >>> round(second.alpha, 5), round(second.next_alpha, 5)
    (0.00833, 0.00417)
    """
    number = round((sqrt(1 + 4 * rule.alpha / alpha) - 1) / 2)
    return replace(rule, alpha=alpha, next_alpha=look_alpha(rule.alpha, number + 1))


def next_look(alpha: float, last: Look | None, information: float, *, again: bool = False) -> Look | None:
    """The verdict that is due now, or None while the information has not doubled since the last.

    Rule E, step 6. ``again``: the same experiments, analysed anew, correct the last verdict at its own level
    and are no new one. Errors add up to alpha over all verdicts, whatever ties them (union bound).

    >>> first = next_look(0.05, None, 400.0)
    >>> next_look(0.05, first, 700.0) is None, next_look(0.05, first, 800.0).number
    (True, 2)
    """
    if last is None:
        return Look(number=1, alpha=look_alpha(alpha, 1), information=information)
    if again:
        return Look(number=last.number, alpha=look_alpha(alpha, last.number), information=information)
    if information < last.next_at:
        return None
    number = last.number + 1
    return Look(number=number, alpha=look_alpha(alpha, number), information=information)
