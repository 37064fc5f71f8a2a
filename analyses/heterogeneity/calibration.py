"""Can a model's prediction of each unit's effect be believed? Asked of units that it has not seen."""

from dataclasses import dataclass

import numpy as np

from analyses.heterogeneity.scores import mean_of, normal_estimate
from analyses.moments import Floats
from analyses.results import Estimate, NotEstimable

GROUPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BestLine:
    """The line through the scores over the predictions: ``slope`` is 1 for a model that says it right.

    A slope of 0 says that what the model tells apart is noise; ``mean`` is the effect on everybody.
    """

    mean: Estimate
    slope: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Units whose effect was predicted about alike: what was predicted, and what they say."""

    units: int
    predicted: float
    effect: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Best linear predictor, and the effects in groups by prediction, the lowest first."""

    best_line: BestLine
    groups: tuple[Group, ...]
    top_less_bottom: Estimate


def calibration(predicted: Floats, values: Floats, *, alpha: float) -> Calibration | NotEstimable:
    """How predictions of effects stand up to the scores of units that the model has not seen.

    Question: do units with a larger predicted effect have a larger effect, and as much larger as it says?
    Estimand: BLP: mean and slope of E[score | prediction]; GATES: E[effect | fifth of the predictions].
    Assumes: the model is from other units.
    Formula: least squares of the scores on (1, prediction - mean), errors robust to unequal variances (HC1);
    means of the scores in five equal groups.
    Reference: Chernozhukov, Demirer, Duflo & Fernández-Val (2025), Econometrica 93(4), arXiv:1712.04802.
    """
    centre, n = predicted - predicted.mean(), len(predicted)
    spread = float(centre @ centre)
    if spread <= 1e-18 * max(n * float(np.abs(predicted).max()) ** 2, 1e-300):
        detail = "the model predicts the same effect for all units"
        return NotEstimable(reason="no_spread", detail=detail)
    slope = float(centre @ values) / spread
    error = values - values.mean() - slope * centre
    std_error = float(np.sqrt((centre**2) @ (error**2) * n / (n - 2))) / spread
    mean, line = mean_of(values, alpha=alpha), normal_estimate(slope, std_error, alpha=alpha)
    groups = _groups(predicted, values, alpha)
    if isinstance(mean, NotEstimable):
        return mean
    if isinstance(line, NotEstimable):
        return line
    if isinstance(groups, NotEstimable):
        return groups
    bottom, top = groups[0].effect, groups[-1].effect
    apart = _less(top, bottom, alpha)
    if isinstance(apart, NotEstimable):
        return apart
    return Calibration(best_line=BestLine(mean=mean, slope=line), groups=groups, top_less_bottom=apart)


def _less(top: Estimate, bottom: Estimate, alpha: float) -> Estimate | NotEstimable:
    error = (bottom.std_error**2 + top.std_error**2) ** 0.5
    return normal_estimate(top.value - bottom.value, error, alpha=alpha)


def _groups(predicted: Floats, values: Floats, alpha: float) -> tuple[Group, ...] | NotEstimable:
    found = []
    for ours in np.array_split(np.argsort(predicted, kind="stable"), GROUPS):
        effect = mean_of(values[ours], alpha=alpha)
        if isinstance(effect, NotEstimable):
            return effect
        found.append(Group(units=len(ours), predicted=float(predicted[ours].mean()), effect=effect))
    return tuple(found)
