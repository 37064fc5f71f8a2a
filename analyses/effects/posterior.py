"""How probable is it that an arm is better, and what would choosing it wrongly cost?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, hypot, isfinite, pi, sqrt

import numpy as np

from analyses.effects.shrinkage import FEWEST, spread_of_effects
from analyses.gaussian import cdf, legendre, upper
from analyses.moments import Floats
from analyses.results import Estimate, Interval, NotEstimable

REACH = 9.0
"""Standard deviations within which a quadrature looks; beyond lies 1e-18."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """A normal distribution of an effect or a mean: a prior, or a posterior."""

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not (isfinite(self.mean) and 0 < self.deviation < float("inf")):
            raise ValueError(f"expected a finite mean and a finite deviation above 0, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beta:
    """A Beta distribution of a rate; Beta(1, 1) knows nothing."""

    a: float
    b: float

    def __post_init__(self) -> None:
        if not (0 < self.a < float("inf") and 0 < self.b < float("inf")):
            raise ValueError(f"expected finite a and b above 0, got {self}")

    def updated(self, successes: int, units: int) -> "Beta":
        """What is known of the rate after so many successes among so many units."""
        if not 0 <= successes <= units:
            raise ValueError(f"expected between 0 and {units} successes, got {successes}")
        return Beta(a=self.a + successes, b=self.b + units - successes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What the posterior of an effect says; in the effect's units, arm minus control, not re-signed.

    ``p_better`` in the sense of the metric's better direction; ``p_negligible`` inside the region of
    practical equivalence, None where none was registered. ``loss_of_choosing`` is what choosing the arm is
    expected to cost where it is in truth worse than control; ``loss_of_keeping`` the same for control.
    """

    mean: float
    deviation: float
    interval: Interval
    p_better: float
    p_negligible: float | None
    loss_of_choosing: float
    loss_of_keeping: float


def normal_posterior(effect: Estimate, prior: Normal | None = None) -> NotEstimable | Normal:
    """What is known of an effect once its prior has met the data; without a prior, the data alone.

    Precision-weighted: 1/s^2 = 1/error^2 + 1/prior^2, mean = s^2 (value/error^2 + prior mean/prior^2). With a
    prior from past effects this is the estimate freed of the winner's curse.

    >>> from analyses.effects.difference import normal
    >>> normal_posterior(normal(2.0, 1.0, 0.05), Normal(mean=0.0, deviation=1.0)).mean
    1.0
    """
    if effect.std_error == 0:
        return NotEstimable(
            reason="no_variance", detail="an effect without an error leaves nothing to believe"
        )
    if prior is None:
        return Normal(mean=effect.value, deviation=effect.std_error)
    share = prior.deviation**2 / (prior.deviation**2 + effect.std_error**2)
    return Normal(
        mean=prior.mean + share * (effect.value - prior.mean), deviation=sqrt(share) * effect.std_error
    )


def belief(
    posterior: Normal, *, better: int = 1, negligible: float | None = None, alpha: float = 0.05
) -> Belief:
    """What a normal posterior of an effect says.

    Question: should we take the arm, and how sorry might we be?
    Estimand: P(better), P(|effect| <= negligible), E[loss] of either choice.
    Assumes: the posterior: prior as registered, estimate near normal.
    Formula: with z = better mean / s: P = Phi(z); loss of choosing s (phi(z) - z Phi(-z)), of keeping
    s (phi(z) + z Phi(z)).
    Reference: Stucchio (2015), Bayesian A/B testing at VWO, section 6 (expected loss); Kruschke (2018),
    Advances in Methods and Practices in Psychological Science 1(2) (practical equivalence).

    >>> said = belief(Normal(mean=1.0, deviation=1.0), negligible=0.5)
    >>> round(said.p_better, 3), round(said.p_negligible, 3), round(said.loss_of_choosing, 3)
    (0.841, 0.242, 0.083)
    """
    m, s = posterior.mean, posterior.deviation
    z = better * m / s
    density = exp(-(z**2) / 2) / sqrt(2 * pi)
    half = upper(alpha / 2) * s
    inside = None if negligible is None else cdf((negligible - m) / s) - cdf((-negligible - m) / s)
    return Belief(
        mean=m,
        deviation=s,
        interval=Interval(lower=m - half, upper=m + half),
        p_better=cdf(z),
        p_negligible=inside,
        loss_of_choosing=max(s * (density - z * cdf(-z)), 0.0),
        loss_of_keeping=max(s * (density + z * cdf(z)), 0.0),
    )


def rate_belief(
    control: Beta, arm: Beta, *, better: int = 1, negligible: float | None = None, alpha: float = 0.05
) -> Belief:
    """What two Beta posteriors say of the difference of their rates, exact where the normal is not yet.

    Question: as ``belief``, for a share of units, at any number of units and at rates near 0 or 1.
    Estimand: those of ``belief`` for arm rate minus control rate.
    Assumes: units independent; posteriors of the two arms independent.
    Formula: P(difference <= x) = integral of P(arm rate <= r + x) over the control's posterior, by
    Gauss-Legendre quadrature between the quantiles of both; the loss of choosing is the integral of
    P(difference <= x) over x < 0, that is of F_arm (1 - F_control) over the rate; the interval inverts.
    Reference: as ``belief``; the integrals are elementary.

    >>> know_nothing = Beta(a=1, b=1)
    >>> said = rate_belief(know_nothing.updated(10, 100), know_nothing.updated(18, 100))
    >>> round(said.p_better, 3), round(said.mean, 4)
    (0.946, 0.0784)
    """
    from scipy.optimize import brentq
    from scipy.special import betainc

    own, others = _pieces(control), _pieces(arm)

    def below(x: float) -> float:
        """Pieces end where either distribution bends, the arm's moved to where they are asked for."""
        rate, weight = _between(np.clip(np.concatenate([own, others - x]), 0.0, 1.0))
        chance = betainc(arm.a, arm.b, np.clip(rate + x, 0.0, 1.0))
        return float((weight * _density(control, rate)) @ chance)

    rate, weight = _grid([control, arm])
    mean, deviation = _difference(control, arm)
    lower, upper = (
        float(brentq(lambda x, p=p: below(x) - p, -1.0, 1.0, xtol=1e-12)) for p in (alpha / 2, 1 - alpha / 2)
    )
    F_control, F_arm = betainc(control.a, control.b, rate), betainc(arm.a, arm.b, rate)
    worse, gain = float(weight @ (F_arm * (1 - F_control))), float(weight @ (F_control * (1 - F_arm)))
    p_higher = min(max(1.0 - below(0.0), 0.0), 1.0)
    return Belief(
        mean=mean,
        deviation=deviation,
        interval=Interval(lower=lower, upper=upper),
        p_better=p_higher if better > 0 else 1.0 - p_higher,
        p_negligible=None if negligible is None else below(negligible) - below(-negligible),
        loss_of_choosing=worse if better > 0 else gain,
        loss_of_keeping=gain if better > 0 else worse,
    )


def _difference(control: Beta, arm: Beta) -> tuple[float, float]:
    (m0, s0), (m1, s1) = _centre(control), _centre(arm)
    return m1 - m0, hypot(s0, s1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One arm among all, control included.

    ``p_best`` is the chance to be the best, ``expected_loss`` what choosing the arm is expected to cost
    against the best.
    """

    p_best: float
    expected_loss: float


def best_arm[D: (Normal, Beta)](arms: Mapping[str, D], *, better: int = 1) -> dict[str, Standing]:
    """Which of many arms, control among them, is the best?

    Question: which arm should we take, and how sorry might we be?
    Estimand: P(arm's mean is the best of all), E[best mean - arm's mean].
    Assumes: posteriors of the arms' own means (not of differences, which share the control), independent.
    Formula: P(k best) = integral of f_k times the product of the others' F; E[best] = integral of x over the
    density of the maximum; Gauss-Legendre between the quantiles of all arms, no sampling.
    Reference: Scott (2010), Applied Stochastic Models in Business and Industry 26(6), section 3.

    >>> arms = {"0": Normal(mean=0.0, deviation=1.0), "1": Normal(mean=1.0, deviation=1.0)}
    >>> {k: round(v.p_best, 3) for k, v in best_arm(arms).items()}
    {'0': 0.24, '1': 0.76}
    """
    known = _centred(list(arms.values()))
    x, weight = _grid(known)
    chances = np.array([_chance(arm, x) for arm in known])
    if better < 0:
        chances = 1.0 - chances
    first = np.array(
        [
            weight * _density(arm, x) * np.prod(np.delete(chances, k, axis=0), axis=0)
            for k, arm in enumerate(known)
        ]
    )
    best = float(first.sum(axis=0) @ x)
    return {
        name: Standing(
            p_best=min(float(first[k].sum()), 1.0),
            expected_loss=max(better * (best - _centre(known[k])[0]), 0.0),
        )
        for k, name in enumerate(arms)
    }


def _centred(known: Sequence[Normal | Beta]) -> list[Normal | Beta]:
    """The arms from where the first one lies: far from zero, a quadrature has no digits left for a loss."""
    origin = next((d.mean for d in known if isinstance(d, Normal)), 0.0)
    return [
        Normal(mean=d.mean - origin, deviation=d.deviation) if isinstance(d, Normal) else d for d in known
    ]


def past_prior(effects: Sequence[Estimate]) -> Normal | NotEstimable:
    """The prior of a metric's next effect, from its past ones (empirical Bayes).

    Question: how far did arms move this metric, once the noise of their estimates is taken off?
    Estimand: mean and standard deviation of the true effects that past arms had.
    Assumes: past effects were kept whatever they showed, independent (one arm an experiment), and the next
    arm is of their kind. A prior from winners only is no prior.
    Formula: value_i ~ N(m, error_i^2 + t^2); t maximises the restricted likelihood times t, which keeps t off
    zero where noise hides the spread and changes nothing where it does not; m is the weighted mean, and the
    prior's variance t^2 + var(m).
    Reference: Chung, Rabe-Hesketh, Dorie, Gelman & Liu (2013), Psychometrika 78(4) (the
    penalty); Deng (2015), Objective Bayesian two sample hypothesis testing for online controlled experiments,
    WWW (priors from past experiments).

    >>> from analyses.effects.difference import normal
    >>> past = [normal(v, 0.1, 0.05) for v in (-1.0, -0.4, 0.1, 0.3, 1.2, 0.2)]
    >>> prior = past_prior(past)
    >>> round(prior.mean, 2), round(prior.deviation, 2)
    (0.07, 0.89)
    """
    if len(effects) < FEWEST:
        return NotEstimable(
            reason="too_few_past_effects",
            detail=f"a prior needs at least {FEWEST} past effects, got {len(effects)}",
        )
    values, errors = [e.value for e in effects], [e.std_error for e in effects]
    if min(errors) <= 0:
        raise ValueError("a past effect without an error cannot be weighed")
    mean, deviation = spread_of_effects(values, errors)
    return Normal(mean=mean, deviation=deviation)


def _centre(d: Normal | Beta) -> tuple[float, float]:
    if isinstance(d, Normal):
        return d.mean, d.deviation
    total = d.a + d.b
    return d.a / total, sqrt(d.a * d.b / (total + 1.0)) / total


def _density(d: Normal | Beta, x: Floats) -> Floats:
    from scipy.special import betaln

    if isinstance(d, Normal):
        density: Floats = np.exp(-(((x - d.mean) / d.deviation) ** 2) / 2) / (d.deviation * sqrt(2 * pi))
        return density
    inner = np.clip(x, np.finfo(np.float64).tiny, 1.0 - np.finfo(np.float64).epsneg)
    return np.exp((d.a - 1) * np.log(inner) + (d.b - 1) * np.log1p(-inner) - betaln(d.a, d.b))


def _chance(d: Normal | Beta, x: Floats) -> Floats:
    from scipy.special import betainc, ndtr

    found: Floats = ndtr((x - d.mean) / d.deviation) if isinstance(d, Normal) else betainc(d.a, d.b, x)
    return found


def _grid(known: Sequence[Normal | Beta]) -> tuple[Floats, Floats]:
    """Points and weights of a quadrature that resolves every one of the distributions, however narrow."""
    return _between(np.concatenate([_pieces(d) for d in known]))


def _pieces(d: Normal | Beta) -> Floats:
    """Places between which a distribution is smooth: its quantiles, and the ends of a rate."""
    from scipy.special import betaincinv, ndtr

    steps = np.linspace(-REACH, REACH, 13)
    if isinstance(d, Normal):
        return d.mean + d.deviation * steps
    ends: Floats = np.append(betaincinv(d.a, d.b, ndtr(steps)), [0.0, 1.0])
    return ends


def _between(ends: Floats) -> tuple[Floats, Floats]:
    """Thirty Gauss-Legendre points, with their weights, in each piece."""
    nodes, weights = legendre(30)
    ends = np.unique(ends)
    half = np.diff(ends)[:, None] / 2
    points = ends[:-1, None] + half * (1 + nodes)
    return points.ravel(), (half * weights).ravel()
