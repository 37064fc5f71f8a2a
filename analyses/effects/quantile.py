"""What did an arm do to the slow, or the large? Differences of quantiles."""

from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np

from analyses.effects.phases import Pair
from analyses.moments import ArmMeans, stratified
from analyses.order_statistics import QUANTILE_Z, OrderStatistics, ranks
from analyses.results import NotEstimable

MANY = 1e9
"""Degrees of freedom where a standard error is taken as known."""


def quantile_pair(
    metric: str,
    control: Mapping[int, OrderStatistics],
    arm: Mapping[int, OrderStatistics],
    *,
    design_effect: float = 1.0,
) -> Pair | NotEstimable:
    """Control's and an arm's quantile as values with errors, which every estimator of effects takes.

    Question: by how much did the arm move the median, or the slowest tenth?
    Estimand: the p-quantile of the arm less that of control, of the units that have the metric; over several
    phases the mean of the phases' quantiles, each weighted by its share of both arms' units.
    Assumes: units independent (``design_effect`` widens for clusters: n becomes n / deff); some tens of units
    beyond the quantile on its rarer side, so that the order statistics of the interval exist and the quantile
    is near normal; a density that does not vanish there.
    Formula: standard error (upper - lower) / 2z, from the order statistics of rank n p ± z sqrt(n p (1 - p)),
    z = 1.96: an interval of a quantile needs no estimate of the density. Refused where values are so coarse
    that both bounds are the same number.
    Reference: Conover (1999), Practical nonparametric statistics, section 3.2; Deng, Knoblich & Lu (2018),
    arXiv:1803.06336, section 4.

    >>> fast = {1: OrderStatistics(probability=0.5, n=400, value=10.0, lower=9.5, upper=10.6)}
    >>> slow = {1: OrderStatistics(probability=0.5, n=400, value=12.0, lower=11.4, upper=12.5)}
    >>> pair = quantile_pair("wait", fast, slow)
    >>> round(float(pair[1].mean[0] - pair[0].mean[0]), 3)
    2.0
    """
    phases = [phase for phase in control if phase in arm and _usable(control[phase]) and _usable(arm[phase])]
    if not phases:
        return NotEstimable(
            reason="too_few_units",
            detail=f"the quantile of {metric} lies too near an end of the values: too few units beyond it, "
            "or none that has it",
        )
    sizes = [control[phase].n + arm[phase].n for phase in phases]
    shares = [size / sum(sizes) for size in sizes]
    strata = [[_mean(metric, of[p], design_effect) for p in phases] for of in (control, arm)]
    if min(float(one.covariance[0, 0]) for own in strata for one in own) <= 0:
        return NotEstimable(
            reason="no_variance",
            detail=f"{metric} is too coarse: every value near the quantile is the same number",
        )
    return stratified(strata[0], shares), stratified(strata[1], shares)


def _usable(found: OrderStatistics) -> bool:
    return found.value is not None and found.lower is not None and found.upper is not None


def _mean(metric: str, found: OrderStatistics, design_effect: float) -> ArmMeans:
    if found.value is None or found.lower is None or found.upper is None:
        raise ValueError(f"expected a quantile with its bounds, got {found}")
    error = (found.upper - found.lower) / (2.0 * QUANTILE_Z) * sqrt(design_effect)
    return ArmMeans(
        measures=(metric,),
        n=found.n,
        mean=np.array([found.value]),
        covariance=np.array([[error**2]]),
        dof=np.array([MANY]),
    )


def ranked(values: Sequence[float], probability: float) -> OrderStatistics:
    """The same from an arm's values themselves, as the engine finds them by rank.

    >>> ranked([float(v) for v in range(1, 101)], 0.5)
    OrderStatistics(probability=0.5, n=100, value=50.0, lower=40.0, upper=60.0)
    """
    ordered, n = sorted(values), len(values)
    if not n:
        return OrderStatistics(probability=probability, n=0, value=None, lower=None, upper=None)
    low, middle, high = ranks(n, probability)
    inside = low >= 1 and high <= n
    return OrderStatistics(
        probability=probability,
        n=n,
        value=ordered[middle - 1],
        lower=ordered[low - 1] if inside else None,
        upper=ordered[high - 1] if inside else None,
    )
