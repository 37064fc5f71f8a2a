"""Do at least two mechanisms agree? And what remains when a common direct effect is differenced out?"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from analyses.moments import Floats
from analyses.relationship.system import System

UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MechanismEvidence:
    """One-sided p-values from one mechanism's own contrasts: of slope <= 0, and of slope >= d."""

    name: str
    p_confirm: float
    p_reject: float | None


def names(system: System) -> tuple[str, ...]:
    """The mechanisms among the arms, in order of appearance; a placebo is none, unnamed arms share one."""
    return tuple(dict.fromkeys(arm.mechanism or UNNAMED for arm in system.arms if not arm.placebo))


def score(system: System, slope: float) -> float:
    """T (standard normal at the true slope, whatever the strength): a~' V^-1 r / sqrt(a~' V^-1 a~).

    a~ = a - Cov(a, r) V^-1 r is independent of r, so its noise cannot pull the test (Kleibergen 2002).
    ``slope`` is in real units; large t says that the slope is larger. Contrasts that did not move the CPI at
    all say nothing, t = 0.
    """
    x = slope / system.slope_unit
    r, V = system.residual(np.array([[1.0, -x]]))
    cov = system.between(np.array([[0.0, 1.0]]), np.array([[1.0, -x]]))[0]
    q = np.linalg.solve(V[0], r[0])
    independent = system.effects[1] - cov @ q
    weighted = np.linalg.solve(V[0], independent)
    information = float(weighted @ independent)
    return float(weighted @ r[0]) / sqrt(information) if information > 0 else 0.0


def evidence(system: System, smallest_slope: float | None, only: Sequence[int]) -> tuple[float, float | None]:
    """The two one-sided p-values of some contrasts: P(T > t) at slope 0, P(T < t) at slope d."""
    from scipy.special import ndtr

    own = system.rows(only)
    p_reject = None if smallest_slope is None else float(ndtr(score(own, smallest_slope)))
    return float(ndtr(-score(own, 0.0))), p_reject


def own_contrasts(system: System, name: str) -> list[int]:
    """The contrasts of one mechanism, with the placebos that were registered as its own."""
    return [
        k
        for k, arm in enumerate(system.arms)
        if arm.mechanism == name or (name == UNNAMED and arm.mechanism is None and not arm.placebo)
    ]


def by_mechanism(system: System, smallest_slope: float | None) -> tuple[MechanismEvidence, ...]:
    """Each mechanism on its own contrasts against the controls (rule E, step 3 ii)."""
    found = []
    for name in names(system):
        p_confirm, p_reject = evidence(system, smallest_slope, own_contrasts(system, name))
        found.append(MechanismEvidence(name=name, p_confirm=p_confirm, p_reject=p_reject))
    return tuple(found)


def within_mechanism(system: System, name: str) -> System | None:
    """One mechanism's contrasts with its own common direct effect taken out (rule E, step 3 iii).

    None where the mechanism has a single contrast: then nothing separates the CPI from the side effect.
    """
    return differenced(system.rows(own_contrasts(system, name)))


def two_agree(p_values: Sequence[float], alpha: float) -> bool:
    """Whether at least two of M one-sided p-values are small: (M - 1) p_(2) <= alpha / 2.

    Partial conjunction, Benjamini & Heller (2008): one mechanism, however convincing, never suffices.
    """
    return len(p_values) > 1 and (len(p_values) - 1) * sorted(p_values)[1] <= alpha / 2


def differenced(system: System) -> System | None:
    """The contrasts with whatever is common to all of them taken out; None where only one contrast exists.

    Any H (K - 1, K) of full rank with H 1 = 0 gives the same set; each row here is an arm minus the last.
    """
    if system.size < 2:
        return None
    H: Floats = np.hstack([np.eye(system.size - 1), -np.ones((system.size - 1, 1))])
    return system.combined(H)
