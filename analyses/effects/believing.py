"""What may be believed of an effect, given what was registered about it before the data?"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analyses.effects.difference import means_in
from analyses.effects.phases import Pair
from analyses.effects.posterior import (
    Belief,
    Beta,
    Normal,
    Standing,
    belief,
    best_arm,
    normal_posterior,
    rate_belief,
)
from analyses.moments import ArmMeans
from analyses.results import Estimate, NotEstimable


class PriorSource(StrEnum):
    """Where a prior comes from."""

    NONE = "none"
    """The data alone: a flat prior of an effect, Beta(1, 1) of a rate."""
    REGISTERED = "registered"
    PAST = "past_experiments"
    """Estimated from what earlier experiments did to the metric (empirical Bayes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What was known before, in the metric's units, and from where; a Beta is of each arm's own rate.

    ``why_not`` says why the prior that was registered could not be had (too few past experiments, say).
    """

    source: PriorSource
    distribution: Normal | Beta | None
    why_not: NotEstimable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """A posterior beside the prior that went into it; ``p_better`` of an unknown direction is of "higher"."""

    prior: Prior
    belief: Belief
    direction_known: bool


UNINFORMED = Prior(source=PriorSource.NONE, distribution=None)


def believed(
    pair: Pair | NotEstimable,
    effect: Estimate | NotEstimable,
    *,
    better: int | None = None,
    rate: bool = False,
    negligible: float | None = None,
    prior: Prior | None = None,
    alpha: float = 0.05,
) -> Believed | NotEstimable:
    """The posterior of one effect: Beta where the metric is a share of single units, normal elsewhere.

    Question: how probable is it that the arm is better, and by how much does a winner's estimate flatter it?
    Estimand: those of ``belief``.
    Assumes: the prior as it was registered, or as past experiments give it. A rate that is adjusted, has
    several phases or comes in clusters is no count of single units: its effect is taken as near normal.
    """
    prior = prior or UNINFORMED
    if isinstance(pair, NotEstimable):
        return pair
    distribution = prior.distribution
    if rate and not isinstance(distribution, Normal):
        found = _of_rates(pair, distribution or Beta(a=1.0, b=1.0), better, negligible, alpha)
    elif isinstance(distribution, Beta):
        return NotEstimable(
            reason="prior_does_not_fit",
            detail="a Beta prior is of a share of single units in one phase, unadjusted: register a normal "
            "prior of the effect instead",
        )
    else:
        if isinstance(effect, NotEstimable):
            return effect
        posterior = normal_posterior(effect, distribution)
        if isinstance(posterior, NotEstimable):
            return posterior
        found = belief(posterior, better=better or 1, negligible=negligible, alpha=alpha)
    return Believed(prior=prior, belief=found, direction_known=better is not None)


def _of_rates(pair: Pair, prior: Beta, better: int | None, negligible: float | None, alpha: float) -> Belief:
    control, arm = (prior.updated(_successes(means), means.n) for means in pair)
    return rate_belief(control, arm, better=better or 1, negligible=negligible, alpha=alpha)


def _successes(means: ArmMeans) -> int:
    return round(float(means.mean[0]) * means.n)


def standings(
    arms: Mapping[str, ArmMeans], *, better: int | None, rate: bool = False
) -> dict[str, Standing] | NotEstimable:
    """The chance of each arm, control included, to be the best in one metric, from the data alone.

    Question: which of all arms should be taken, and how sorry might we be?
    Estimand: those of ``best_arm``; arms' own means, not their effects, so that no control is shared.
    Assumes: a direction; arms' means near normal, or rates of single units.
    """
    if better is None:
        return NotEstimable(
            reason="direction_unknown", detail="nobody said whether more or less of the metric is better"
        )
    if rate:
        flat = Beta(a=1.0, b=1.0)
        return best_arm({k: flat.updated(_successes(m), m.n) for k, m in arms.items()}, better=better)
    means = means_in([one.only(0) for one in arms.values()])
    if means.variance.min() <= 0:
        return NotEstimable(
            reason="no_variance", detail="an arm has the same value for every unit: nothing is left to chance"
        )
    errors = np.sqrt(means.variance).tolist()
    known = zip(arms, means.value.tolist(), errors, strict=True)
    return best_arm({name: Normal(mean=m, deviation=e) for name, m, e in known}, better=better)
