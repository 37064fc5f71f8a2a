"""Do at least two mechanisms agree? And what remains when a common direct effect is differenced out?"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from analyses.moments import Floats
from analyses.relationship.across import paule_mandel
from analyses.relationship.clusters import Clusters
from analyses.relationship.contrast import ContrastArm
from analyses.relationship.heterogeneity import scores, slope_spread
from analyses.relationship.system import System, direction

UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MechanismEvidence:
    """One-sided p-values from one mechanism's own contrasts: of slope <= 0, and of slope >= d."""

    name: str
    p_confirm: float
    p_reject: float | None


def names(system: System) -> tuple[str, ...]:
    """The mechanisms among the system's arms."""
    return mechanism_names(system.arms)


def mechanism_names(arms: Sequence[ContrastArm]) -> tuple[str, ...]:
    """The mechanisms among some arms, in order of appearance; a placebo is none, unnamed arms share one."""
    return tuple(dict.fromkeys(arm.mechanism or UNNAMED for arm in arms if not arm.placebo))


def belongs(arm: ContrastArm, name: str) -> bool:
    """Whether an arm is one of a mechanism's, or a placebo that was registered as its own."""
    return arm.mechanism == name or (name == UNNAMED and arm.mechanism is None and not arm.placebo)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far experiments stray from one slope, in scaled metrics and at their common estimate.

    Read as slopes that differ (``slopes``, a standard deviation) and as direct effects that do (``direct``, a
    variance of the residual): which of the two it is, the data need not tell.
    """

    slopes: float
    direct: float


def spread_of(clusters: Clusters, angle: float) -> Spread:
    """Both readings at the angle of the common slope."""
    r, V = clusters.residual(direction(np.array([angle])))
    direct = float(paule_mandel(r, V, clusters.contrasts)[0])
    return Spread(slopes=slope_spread(clusters, angle), direct=direct / np.cos(angle) ** 2)


def evidence_across(
    clusters: Clusters, smallest_slope: float | None, spread: Spread
) -> tuple[float, float | None]:
    """``evidence`` of one mechanism's experiments, which may differ: the larger p-value of both readings.

    The spread is that of all experiments: a mechanism has too few of its own to tell it (docs/adr/0011).
    """
    from scipy.special import ndtr

    def at_most(slope: float, side: int) -> float:
        angle = float(np.arctan(slope / clusters.slope_unit))
        return float(ndtr(side * widened_scores(clusters, angle, spread)).max())

    return at_most(0.0, -1), None if smallest_slope is None else at_most(smallest_slope, 1)


def widened_scores(clusters: Clusters, angle: float, spread: Spread) -> Floats:
    """T of one slope (2,): ``score`` with its error widened by the spread of slopes, then of direct effects.

    An experiment's score s has variance I from noise and I + tau^2 I^2 where its slope differs, so that it
    weighs by 1 / (1 + tau^2 I). Direct effects that differ widen V itself.
    """
    squared = np.cos(angle) ** 2
    s, info = scores(clusters, angle)
    if not info.size:
        return np.zeros(2)
    shrunk = 1 / (1 + spread.slopes**2 * squared * info)
    u, wider = scores(clusters, angle, widened=spread.direct * squared)
    t = [(s * shrunk).sum() / sqrt((info * shrunk).sum()), u.sum() / sqrt(wider.sum())]
    return np.array(t)


def by_mechanism_across(
    clusters: Clusters, smallest_slope: float | None, angle: float
) -> tuple[MechanismEvidence, ...]:
    """``by_mechanism`` with the experiments in blocks; ``angle`` is that of their common slope."""
    found, spread = [], spread_of(clusters, angle)
    every = tuple(arm for arms in clusters.arms for arm in arms)
    for name in mechanism_names(every):
        p_confirm, p_reject = evidence_across(mechanism_of(clusters, name), smallest_slope, spread)
        found.append(MechanismEvidence(name=name, p_confirm=p_confirm, p_reject=p_reject))
    return tuple(found)


def mechanism_of(clusters: Clusters, name: str) -> Clusters:
    """One mechanism's own contrasts, experiment by experiment."""
    chosen = np.zeros(clusters.present.shape, dtype=bool)
    for j, arms in enumerate(clusters.arms):
        chosen[j, : len(arms)] = [belongs(arm, name) for arm in arms]
    return clusters.where(chosen)


def sizes_differ(clusters: Clusters, angle: float, q: float) -> float:
    """P-value of "mechanisms have one slope", given how much slopes differ inside them; 1 for one mechanism.

    Q between mechanisms, the sum of their squared scores at the common slope (``angle``), over its degrees of
    freedom, against the rest of Q: F, or chi-squared where experiments of a mechanism differ by no more than
    noise. Mechanisms of one experiment share its control, which this passes over: it words a label, and
    decides nothing.
    """
    from scipy.special import chdtrc, fdtrc

    names = mechanism_names([arm for arms in clusters.arms for arm in arms])
    if len(names) < 2:
        return 1.0
    between, inner = 0.0, clusters.contrasts - len(names)
    for name in names:
        s, info = scores(mechanism_of(clusters, name), angle)
        between += float(s.sum() ** 2 / info.sum()) if info.size else 0.0
    df, within = len(names) - 1, max(q - between, 0.0)
    if inner < 1 or within <= inner:
        return float(chdtrc(df, between))
    return float(fdtrc(df, inner, between / df / (within / inner)))


def own_contrasts(system: System, name: str) -> list[int]:
    """The contrasts of one mechanism, with the placebos that were registered as its own."""
    return [k for k, arm in enumerate(system.arms) if belongs(arm, name)]


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
