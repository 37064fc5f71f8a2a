"""Can a model's prediction of each unit's effect be believed? Asked of units that it has not seen."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.heterogeneity.scores import difference_of, error_of, mean_of, normal_estimate
from analyses.heterogeneity.trial import Codes
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


def calibration(
    predicted: Floats, values: Floats, *, alpha: float, clusters: Codes | None = None
) -> Calibration | NotEstimable:
    """How predictions of effects stand up to the scores of units that the model has not seen.

    Question: do units with a larger predicted effect have a larger effect, and as much larger as it says?
    Estimand: BLP: mean and slope of E[score | prediction]; GATES: E[effect | fifth of the predictions].
    Assumes: the model is from other units.
    Formula: least squares of the scores on (1, prediction - mean), errors robust to unequal variances (HC1)
    and, where clusters were drawn, to what units of one have in common; means of the scores in five equal
    groups.
    Reference: Chernozhukov, Demirer, Duflo & Fernández-Val (2025), Econometrica 93(4), arXiv:1712.04802.
    """
    centre, n = predicted - predicted.mean(), len(predicted)
    spread = float(centre @ centre)
    if spread <= 1e-18 * max(n * float(np.abs(predicted).max()) ** 2, 1e-300):
        detail = "the model predicts the same effect for all units"
        return NotEstimable(reason="no_spread", detail=detail)
    slope = float(centre @ values) / spread
    error = values - values.mean() - slope * centre
    std_error = n * error_of(centre * error, clusters) * float(np.sqrt((n - 1) / (n - 2))) / spread
    mean = mean_of(values, alpha=alpha, clusters=clusters)
    line = normal_estimate(slope, std_error, alpha=alpha)
    places = np.array_split(np.argsort(predicted, kind="stable"), GROUPS)
    groups = _groups(places, predicted, values, clusters, alpha)
    if isinstance(mean, NotEstimable):
        return mean
    if isinstance(line, NotEstimable):
        return line
    if isinstance(groups, NotEstimable):
        return groups
    bottom, top = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    bottom[places[0]], top[places[-1]] = True, True
    apart = difference_of(values, top, bottom, alpha=alpha, clusters=clusters)
    if isinstance(apart, NotEstimable):
        return apart
    return Calibration(best_line=BestLine(mean=mean, slope=line), groups=groups, top_less_bottom=apart)


def _groups(
    places: list[npt.NDArray[np.intp]],
    predicted: Floats,
    values: Floats,
    clusters: Codes | None,
    alpha: float,
) -> tuple[Group, ...] | NotEstimable:
    found = []
    for ours in places:
        effect = mean_of(values[ours], alpha=alpha, clusters=None if clusters is None else clusters[ours])
        if isinstance(effect, NotEstimable):
            return effect
        found.append(Group(units=len(ours), predicted=float(predicted[ours].mean()), effect=effect))
    return tuple(found)
