"""At which level would the rule no longer confirm? The p-value of each step that a confirmation takes.

A confirmation needs every step, so the largest p-value is the whole rule's (an intersection-union test,
Berger 1982). Each is the sup over slopes that are no lever: those at or below zero, and one without end,
since an unbounded set confirms nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import pi

import numpy as np

from analyses.decision.case import GATE
from analyses.moments import Floats
from analyses.relationship import clusters as blocks
from analyses.relationship.across import (
    STEPS,
    Terms,
    egger,
    mean_residual,
    random_effects_score,
    total_covariance,
)
from analyses.relationship.anderson_rubin import curve, minima
from analyses.relationship.clr import information, p_value
from analyses.relationship.clusters import Clusters, gathered
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.curve import Along, Curve
from analyses.relationship.exclusion import bounded_minimum, bounded_statistic
from analyses.relationship.mechanisms import (
    by_mechanism,
    by_mechanism_across,
    differenced,
    evidence,
    names,
    within_mechanism,
)
from analyses.relationship.question import Question
from analyses.relationship.relate import MOVED, rivals_named
from analyses.relationship.rivals import p_unmoved, p_unmoved_across, profile, profile_across
from analyses.relationship.system import System, direction, stack
from analyses.results import NotEstimable

NO_LEVER = np.linspace(-pi / 2, 0.0, 129)  # angles of the slopes that are none
ZOOMS = 3


def least(found: Along, seeds: Sequence[float] | Floats = ()) -> float:
    """The least value of a statistic of angles among the slopes that are no lever."""
    wrapped = (np.asarray(seeds, dtype=float) + pi / 2) % pi - pi / 2
    angles = np.unique(np.append(NO_LEVER, wrapped[wrapped <= 0]))
    values = found(angles)
    for _ in range(ZOOMS):
        best = int(np.argmin(values))
        around = angles[max(best - 1, 0)], angles[min(best + 1, len(angles) - 1)]
        angles = np.unique(np.append(np.linspace(*around, 33), angles[best]))
        values = found(angles)
    return float(values.min())


def chance_of_few(question: Question, system: System, experiments: Sequence[ExperimentContrasts]) -> float:
    """Fewer than eight experiments: steps 2 to 4 at slopes that are no lever."""
    along, bound = curve(system), question.bound
    shared = _credit(question, experiments)
    if _p_one_slope(system, along, bound) < GATE:
        return max(_within(system, bound), shared)
    if bound is not None:
        return max(_bounded(system, bound, along.lows), shared)
    apart = differenced(system)
    steps = [_clr_of(system, along), 1.0 if apart is None else _clr_of(apart, curve(apart))]
    return max(*steps, _two_agree([m.p_confirm for m in by_mechanism(system, None)]), shared)


def _p_one_slope(system: System, along: Curve, bound: float | None) -> float:
    """P-value of Q, as the rule asks it."""
    from scipy.special import chdtrc

    if system.size < 2:
        return 1.0
    left = along.least if bound is None else bounded_minimum(system, bound, along.lows)
    return float(chdtrc(system.size - 1, left))


def _within(system: System, bound: float | None) -> float:
    """Step 3 iii; contrasts that disagree confirm nothing under a bound, nor with one mechanism."""
    if bound is not None:
        return 1.0
    own = [within_mechanism(system, name) for name in names(system)]
    return _two_agree([1.0 if one is None else evidence(one, None, range(one.size))[0] for one in own])


def _two_agree(p_values: Sequence[float]) -> float:
    """The level at which two mechanisms agree, whose one-sided test is at half of it."""
    return min(2 * (len(p_values) - 1) * sorted(p_values)[1], 1.0) if len(p_values) > 1 else 1.0


def _clr_of(system: System, along: Curve) -> float:
    return _clr(along, information(system), system.size)


def _clr(along: Curve, whole: float, contrasts: int) -> float:
    """R and aT tell together the same (``whole``) at every slope, so that the p-value falls as AR grows."""
    from scipy.special import chdtrc

    ar = least(along.statistic, along.lows)
    if contrasts == 1:
        return float(chdtrc(1, ar))
    lr, strength = np.array([max(ar - along.least, 0.0)]), np.array([max(whole - ar, 0.0)])
    return float(p_value(lr, strength, contrasts)[0])


def _bounded(system: System, bound: float, lows: Floats) -> float:
    from scipy.special import chdtrc

    ar = least(lambda angles: bounded_statistic(system, direction(angles), bound), lows)
    return float(chdtrc(system.size, ar))


def _credit(question: Question, experiments: Sequence[ExperimentContrasts]) -> float:
    """Step 4: the largest p-value over the rivals that moved too, their own slopes free."""
    moved = rivals_that_moved(question, experiments, stack, p_unmoved)
    return max(
        (_shared(one.size, partial(profile, one, bound=question.bound), minima(one)) for one in moved),
        default=0.0,
    )


def rivals_that_moved[S](
    question: Question,
    experiments: Sequence[ExperimentContrasts],
    told_apart: Callable[[Sequence[ExperimentContrasts], float, float, str], S | NotEstimable],
    unmoved: Callable[[S], float],
) -> Iterator[S]:
    """The contrasts with each rival that moved too, at the level at which a confirmation asks it."""
    rivals = rivals_named(experiments)
    for name in rivals:
        found = told_apart(experiments, question.cpi_step, question.kpi_sign, name)
        if not isinstance(found, NotEstimable) and unmoved(found) < MOVED / len(rivals):
            yield found


def _shared(contrasts: int, along: Along, seeds: Floats) -> float:
    """P-value of "no lever" with the rival's slope free; one contrast cannot tell the two apart."""
    from scipy.special import chdtrc

    return float(chdtrc(contrasts - 1, least(along, seeds))) if contrasts > 1 else 1.0


def chance_of_many(
    question: Question, clusters: Clusters, experiments: Sequence[ExperimentContrasts]
) -> float:
    """Eight experiments or more: every set of the hull, Egger's beside it, the mechanisms, the credit."""
    along, terms = blocks.curve(clusters), total_covariance(clusters)
    steps = [
        _clr(along, blocks.information(clusters), clusters.contrasts),
        _fieller(terms),
        _fieller(egger(clusters)),
        _score(clusters, terms.angle),
        _credit_across(question, experiments),
    ]
    if question.bound is None:
        each = by_mechanism_across(clusters, None, float(along.lows[0]))
        steps.append(_two_agree([one.p_confirm for one in each]))
    return max(steps)


def _fieller(terms: Terms) -> float:
    def squared(angles: Floats) -> Floats:
        over, variance = mean_residual(terms, angles)
        return over / variance

    return _t(least(squared, [terms.angle]) ** 0.5, terms.df)


def _score(clusters: Clusters, near: float) -> float:
    """The score's set is one component around the total-covariance estimate: both ends must be found."""
    if near <= 0:
        return 1.0
    down, up = near - STEPS, near + STEPS
    sides = np.append(down[down > 0], 0.0), np.append(up[up < pi / 2], pi / 2)
    largest = [float(np.abs(random_effects_score(clusters, side).t).max()) for side in sides]
    return _t(min(largest), clusters.count - 1)


def _t(statistic: float, df: int) -> float:
    from scipy.special import stdtr

    return float(2 * stdtr(df, -statistic))


def _credit_across(question: Question, experiments: Sequence[ExperimentContrasts]) -> float:
    """``_credit`` with the experiments in blocks."""
    moved = rivals_that_moved(question, experiments, gathered, p_unmoved_across)
    return max(
        (_shared(one.contrasts, partial(profile_across, one), blocks.minima(one)[:1]) for one in moved),
        default=0.0,
    )
