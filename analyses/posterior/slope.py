"""What do all experiments say together, as probabilities? The posterior of a lever's slope."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import numpy.typing as npt

from analyses.moments import Floats
from analyses.posterior import importance, nuts
from analyses.posterior.blocks import Evidence, evidence_of
from analyses.posterior.experiments import Slopes, resampled, slopes
from analyses.posterior.importance import Draws
from analyses.posterior.prior import NAMES, SlopePrior, log_prior
from analyses.posterior.smoothing import smoothed
from analyses.quiet import told
from analyses.relationship.contrast import ExperimentContrasts
from analyses.results import Check, Interval, NotEstimable
from analyses.rule import Rule

LEVEL = 0.95
SURPRISED = 0.01  # a predictive p-value below it says that the model does not fit
SENSITIVE = 0.05  # a change of a probability worth telling
SCALES = (0.5, 2.0)
LEAST_REWEIGHTED = 400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probability:
    """A probability and the Monte Carlo error of its computation, which is not a doubt about the lever."""

    value: float
    mc_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Marginal:
    """Mean, standard deviation, median and the equal-tailed 95 % interval of one quantity."""

    mean: float
    deviation: float
    median: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSlope:
    """One experiment's own slope, drawn towards the others by what they say; rank 1 is the strongest."""

    experiment: str
    slope: Marginal
    p_positive: float
    rank: float
    rank_interval: Interval
    p_strongest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What the probabilities become when slopes and direct effects are believed ``factor`` times as large."""

    factor: float
    p_positive: float
    p_below_smallest: float
    p_new_positive: float
    slope: Marginal


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """Do contrasts lie as far from their prediction as the model says? Small p: further than that.

    ``p_value`` over all of them, ``farthest`` the one that lies furthest, with its p-value, corrected for
    being the furthest. Both use the data twice and so are too large rather than too small.
    """

    p_value: float
    farthest: str
    p_farthest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The same posterior by the other method: its answer, and by how many Monte Carlo errors they differ."""

    method: str
    p_positive: float
    slope_mean: float
    apart: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """What vouches for the draws; None where the method has no such figure."""

    draws: int
    ess: float
    psis_k: float | None
    r_hat: float | None
    tail_ess: float | None
    divergences: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlopePosterior:
    """Slopes in KPI units per increment of improvement; direct effects in KPI units of an arm.

    Probabilities are of the hypothesised direction: ``p_positive`` that the mean slope has its sign,
    ``p_below_smallest`` that it is below d, ``p_new_positive`` that a new experiment's slope has its sign.
    """

    method: str
    p_positive: Probability
    p_below_smallest: Probability
    p_new_positive: Probability
    slope: Marginal
    slope_spread: Marginal
    direct_effect: Marginal
    direct_spread: Marginal
    experiments: tuple[ExperimentSlope, ...]
    sensitivity: tuple[Sensitivity | NotEstimable, ...]
    predicted: Predicted
    checks: tuple[Check, ...]
    diagnostics: Diagnostics
    audit: Audit | NotEstimable | None
    prior: SlopePrior
    typical_shift: float
    smallest_slope: float
    contrasts: int
    seed: int


def slope_posterior(
    rule: Rule,
    experiments: Sequence[ExperimentContrasts],
    *,
    seed: int,
    prior: SlopePrior | None = None,
) -> SlopePosterior | NotEstimable:
    """The posterior of a lever's slope, by importance sampling.

    Question: how probable is it, given all experiments, that the CPI moves the KPI, and by how much?
    Estimand: the mean slope over experiments like these, its spread between them, and the slope of a new one.
    Assumes: arms shift the CPI by amounts from one normal distribution; an experiment's slope is normal
    around the mean; what an arm does to the KPI past the CPI is normal and independent of the shift, around a
    common effect. A direct effect in proportion to the shift looks like a slope here as everywhere. Errors
    are normal with known covariance, arms of one experiment sharing their control's. The contrasts are those
    that the verdict counts, with what early looks cost.
    Formula: a ~ N(alpha, S_aa), b | a ~ N(beta_e alpha + g + S_ba S_aa^-1 (a - alpha), rest);
    alpha ~ N(mu_a, s_a^2), beta_e ~ N(beta, tau_b^2), g ~ N(mu_g, tau_g^2); in units of d and of the typical
    shift beta ~ N(0, 5), tau_b ~ HN(2), mu_g ~ N(0, 1), tau_g ~ HN(1), mu_a ~ N(0, 2), s_a ~ HN(2), the
    direct scales at most half the registered bound. Shifts and direct effects are integrated out exactly,
    each experiment's slope by quadrature, the six parameters by Pareto-smoothed importance sampling.
    Units: slopes in KPI units per increment of improvement, probabilities toward the hypothesised sign.
    Errors: k at or above .7 or fewer than 1,000 effective draws give NotEstimable, never a number.
    Reference: Gelman et al. (2013), Bayesian Data Analysis, ch. 5; Vehtari et al. (2024), JMLR 25(72);
    Higgins, Thompson & Spiegelhalter (2009), JRSS A 172(1), for the new experiment.
    """
    believed = prior or SlopePrior()
    evidence = evidence_of(rule, experiments, believed)
    if isinstance(evidence, NotEstimable):
        return evidence
    draws = importance.sampled(evidence, seed)
    if isinstance(draws, NotEstimable):
        return draws
    return _described(evidence, draws, believed, seed, "importance sampling")


def audited_posterior(
    rule: Rule,
    experiments: Sequence[ExperimentContrasts],
    *,
    seed: int,
    prior: SlopePrior | None = None,
) -> SlopePosterior | NotEstimable:
    """The posterior of a lever's slope by NUTS, with importance sampling beside it where that passes.

    Question: does a sampler that needs no proposal give the same posterior?
    Assumes: as ``slope_posterior``.
    Formula: the same model with every arm's shift drawn and slopes integrated out instead; 4 chains of 1,000
    draws after 500 for tuning, or after 1,000 and in smaller steps where those do not pass. ``audit.apart``
    is the larger difference of the two methods, of P(slope > 0) or of the slope's mean, in Monte Carlo
    errors.
    Units: those of ``slope_posterior``.
    Errors: R-hat above 1.01, fewer than 400 effective draws or more than one draw in a thousand that diverged
    give NotEstimable, never a number.
    Reference: Hoffman & Gelman (2014), JMLR 15; Vehtari et al. (2021), Bayesian Analysis 16(2).
    """
    believed = prior or SlopePrior()
    evidence = evidence_of(rule, experiments, believed)
    if isinstance(evidence, NotEstimable):
        return evidence
    draws = nuts.sampled(evidence, seed)
    if isinstance(draws, NotEstimable):
        return draws
    found = _described(evidence, draws, believed, seed, "NUTS")
    other = importance.sampled(evidence, seed)
    return replace(
        found,
        audit=other if isinstance(other, NotEstimable) else _audit(evidence, draws, other),
        checks=(*found.checks, *told("PyMC", draws.said)),
    )


def _audit(evidence: Evidence, draws: Draws, other: Draws) -> Audit:
    (p, p_error), (q, q_error) = (_share(one, one.theta[:, 0] > 0) for one in (draws, other))
    means = [float(one.weights @ one.theta[:, 0]) for one in (draws, other)]
    errors = [_deviation(one.theta[:, 0], one.weights) / one.ess**0.5 for one in (draws, other)]
    apart = max(
        abs(p - q) / (p_error**2 + q_error**2) ** 0.5,
        abs(means[0] - means[1]) / (errors[0] ** 2 + errors[1] ** 2) ** 0.5,
    )
    unit = evidence.smallest * evidence.sign
    return Audit(method="importance sampling", p_positive=q, slope_mean=means[1] * unit, apart=apart)


def _described(evidence: Evidence, draws: Draws, prior: SlopePrior, seed: int, method: str) -> SlopePosterior:
    beta, mu_g, tau_g, tau_b = draws.theta[:, :4].T
    slope, direct = evidence.smallest * evidence.sign, evidence.smallest * evidence.shift
    own = slopes(evidence, resampled(draws, seed), seed)
    predicted = _predicted(evidence, own)
    sensitivity = tuple(_sensitivity(evidence, draws, prior, factor) for factor in SCALES)
    probabilities = _probabilities(draws.theta, draws.weights)
    return SlopePosterior(
        method=method,
        p_positive=_probability(draws, probabilities[0]),
        p_below_smallest=_probability(draws, probabilities[1]),
        p_new_positive=_probability(draws, probabilities[2]),
        slope=_marginal(beta * slope, draws.weights),
        slope_spread=_marginal(tau_b * evidence.smallest, draws.weights),
        direct_effect=_marginal(mu_g * direct * evidence.sign, draws.weights),
        direct_spread=_marginal(tau_g * direct, draws.weights),
        experiments=_experiments(evidence, own),
        sensitivity=sensitivity,
        predicted=predicted,
        checks=_checks(predicted, probabilities, sensitivity),
        diagnostics=Diagnostics(
            draws=len(draws.weights),
            ess=draws.ess,
            psis_k=draws.psis_k,
            r_hat=draws.r_hat,
            tail_ess=draws.tail_ess,
            divergences=draws.divergences,
        ),
        audit=None,
        prior=prior,
        typical_shift=evidence.shift,
        smallest_slope=evidence.smallest,
        contrasts=evidence.total,
        seed=seed,
    )


def _probabilities(theta: Floats, weights: Floats) -> tuple[float, float, float]:
    """Of a slope above 0, of one below d, and of a new experiment's slope above 0."""
    from scipy.special import ndtr

    beta, tau = theta[:, NAMES.index("beta")], theta[:, NAMES.index("tau_b")]
    new = ndtr(beta / np.maximum(tau, 1e-12))
    found = (weights @ (beta > 0), weights @ (beta < 1), weights @ new)
    first, second, third = (min(max(float(one), 0.0), 1.0) for one in found)
    return first, second, third


def _share(draws: Draws, holds: npt.NDArray[np.bool_]) -> tuple[float, float]:
    p = min(max(float(draws.weights @ holds), 0.0), 1.0)
    return p, _error(p, draws.ess)


def _error(p: float, ess: float) -> float:
    """Of a share: at 0 or 1 as if one draw more had said otherwise."""
    inside = min(max(p, 1 / (ess + 2)), 1 - 1 / (ess + 2))
    return float((inside * (1 - inside) / ess) ** 0.5)


def _probability(draws: Draws, p: float) -> Probability:
    return Probability(value=p, mc_error=_error(p, draws.ess))


def _deviation(values: Floats, weights: Floats) -> float:
    mean = float(weights @ values)
    return sqrt(max(float(weights @ (values - mean) ** 2), 0.0))


def _marginal(values: Floats, weights: Floats) -> Marginal:
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order]) - weights[order] / 2
    ends = ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2)
    low, median, high = (float(one) for one in np.interp(ends, cumulative, values[order]))
    return Marginal(
        mean=float(weights @ values),
        deviation=_deviation(values, weights),
        median=median,
        interval=Interval(lower=low, upper=high),
    )


def _experiments(evidence: Evidence, own: Slopes) -> tuple[ExperimentSlope, ...]:
    equal = np.full(len(own.x), 1 / len(own.x))
    ranks: Floats = (-own.x).argsort(axis=1).argsort(axis=1) + np.float64(1.0)
    unit = evidence.smallest * evidence.sign
    return tuple(
        ExperimentSlope(
            experiment=name,
            slope=_marginal(own.x[:, j] * unit, equal),
            p_positive=float((own.x[:, j] > 0).mean()),
            rank=float(ranks[:, j].mean()),
            rank_interval=_marginal(ranks[:, j], equal).interval,
            p_strongest=float((ranks[:, j] == 1).mean()),
        )
        for j, name in enumerate(evidence.names)
    )


def _predicted(evidence: Evidence, own: Slopes) -> Predicted:
    from scipy.special import chdtrc

    each = chdtrc(own.df, own.distance).mean(axis=0)
    worst = int(each.argmin())
    count = evidence.count
    return Predicted(
        p_value=float(chdtrc(own.df.sum(), own.distance.sum(axis=1)).mean()),
        farthest=evidence.names[worst],
        p_farthest=float(-np.expm1(count * np.log1p(-min(each[worst], 1 - 1e-12)))),
    )


def _sensitivity(
    evidence: Evidence, draws: Draws, prior: SlopePrior, factor: float
) -> Sensitivity | NotEstimable:
    """The same draws weighed by the other prior; sampled anew where too few of them fit it."""
    ratio = np.array(prior.times(factor).scales) / np.array(prior.scales)
    scales = evidence.scales * ratio
    change = log_prior(draws.theta, scales) - log_prior(draws.theta, evidence.scales)
    with np.errstate(divide="ignore"):
        weights = smoothed(np.log(draws.weights) + change)
    theta, values = draws.theta, weights.values
    if weights.k >= importance.WORST_K or weights.ess < LEAST_REWEIGHTED:
        anew = importance.sampled(replace(evidence, scales=scales), 0)
        if isinstance(anew, NotEstimable):
            return anew
        theta, values = anew.theta, anew.weights
    p, below, new = _probabilities(theta, values)
    return Sensitivity(
        factor=factor,
        p_positive=p,
        p_below_smallest=below,
        p_new_positive=new,
        slope=_marginal(theta[:, 0] * evidence.smallest * evidence.sign, values),
    )


def _checks(
    predicted: Predicted,
    probabilities: tuple[float, float, float],
    sensitivity: Sequence[Sensitivity | NotEstimable],
) -> tuple[Check, ...]:
    """What is doubtful is told beside the numbers; none of it gates a verdict, which uses none of them."""
    p = min(predicted.p_value, predicted.p_farthest)
    fits = Check(
        name="posterior_predictive",
        passed=p >= SURPRISED,
        detail=f"contrasts against their prediction: p = {predicted.p_value:.2g} over all, "
        f"p = {predicted.p_farthest:.2g} for {predicted.farthest}",
        gates=False,
    )
    moved = [
        max(abs(one.p_positive - probabilities[0]), abs(one.p_below_smallest - probabilities[1]))
        for one in sensitivity
        if isinstance(one, Sensitivity)
    ]
    robust = Check(
        name="prior_sensitivity",
        passed=max(moved) <= SENSITIVE if moved else None,
        detail=f"half and double the prior's scales move the probabilities by up to {max(moved):.2f}"
        if moved
        else "the posterior under other scales could not be computed",
        gates=False,
    )
    return fits, robust
