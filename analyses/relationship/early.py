"""What does an experiment say of the slope while it runs, or when it was stopped off its planned size?"""

from dataclasses import replace
from math import log, log1p

from analyses.moments import Floats
from analyses.relationship.anderson_rubin import anderson_rubin_set
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.question import Question
from analyses.relationship.sets import ConfidenceSet
from analyses.relationship.system import stack
from analyses.results import NotEstimable


def anytime_limit(contrasts: int, units: int, planned_units: int, alpha: float) -> float:
    """What r' V^-1 r of K contrasts exceeds at any look, ever, with chance alpha at most.

    Question: where stands the chi-squared quantile if we reserve the right to look again tomorrow?
    Assumes: the contrasts' covariance shrinks as 1 / units, their errors near normal from the first look on.
    Formula: (1 + y) / y (K ln(1 + y) - 2 ln alpha), y = n rho^2, from the mixture over normal shifts of
    covariance rho^2 V: E = (1 + y)^(-K/2) exp(y AR / (2 (1 + y))), and P(E ever >= 1/alpha) <= alpha (Ville).
    With K = 1 the square of ``anytime_quantile``; y at the planned size is tuned as there, with alpha's
    logarithm per contrast.
    Reference: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Annals of Statistics 52(6), equations 9
    and 161, carried to K dimensions by the same mixture.

    >>> from analyses.effects.anytime import anytime_quantile
    >>> round(anytime_limit(1, 20_000, 40_000, 0.05) / anytime_quantile(20_000, 40_000) ** 2, 9)
    1.0
    """
    if units < 1 or planned_units < 1:
        raise ValueError(f"a look and its plan need at least one unit, got {units} and {planned_units}")
    y = _spread(contrasts, units, planned_units, alpha)
    return (1 + y) / y * (contrasts * log1p(y) - 2 * log(alpha))


def _spread(contrasts: int, units: int, planned_units: int, alpha: float) -> float:
    """The mixture's y = n rho^2, tuned to be sharpest at the planned size."""
    each = -2.0 * log(alpha) / contrasts
    return units * (each + log1p(each)) / planned_units


def log_e_value(ar: Floats, contrasts: int, units: int, planned_units: int, alpha: float) -> Floats:
    """Ln E (n,) at r' V^-1 r (n,) of K contrasts, tuned at alpha: what ``anytime_limit`` turns into a limit.

    >>> import numpy as np
    >>> limit = anytime_limit(2, 20_000, 40_000, 0.05)
    >>> round(float(log_e_value(np.array([limit]), 2, 20_000, 40_000, 0.05)[0]), 6), round(log(20), 6)
    (2.995732, 2.995732)
    """
    y = _spread(contrasts, units, planned_units, alpha)
    found: Floats = y * ar / (2 * (1 + y)) - contrasts / 2 * log1p(y)
    return found


def inflation(contrasts: int, units: int, planned_units: int, alpha: float) -> float:
    """By what an early experiment's covariance grows, so that tests at level alpha hold at any look.

    The larger of what one combination of contrasts needs (scores, one-sided p-values, the likelihood ratio)
    and of what all need together (Anderson-Rubin, Q). Never below 1.
    """
    from scipy.special import chdtri

    shares = [anytime_limit(k, units, planned_units, alpha) / float(chdtri(k, alpha)) for k in (1, contrasts)]
    return max(1.0, *shares)


def widened(experiment: ExperimentContrasts, alpha: float) -> ExperimentContrasts:
    """The experiment as a verdict may use it: as it is, or with the error that looking on the way costs."""
    early = experiment.early
    if early is None:
        return experiment
    factor = inflation(len(experiment.arms), early.units, early.planned_units, alpha)
    segments = {
        name: {value: replace(own, covariance=own.covariance * factor) for value, own in values.items()}
        for name, values in experiment.segments.items()
    }
    return replace(experiment, covariance=experiment.covariance * factor, segments=segments)


def anytime_set(question: Question, experiment: ExperimentContrasts) -> ConfidenceSet | NotEstimable:
    """Slopes that one experiment has not refuted, valid at all its looks together.

    Anderson-Rubin's set with ``anytime_limit`` in place of the chi-squared quantile. Estimand, units and
    signs: the relationship's. It decides nothing; ``experiment.early`` says how far it got of its plan.
    """
    from scipy.special import chdtri

    early = experiment.early
    if early is None:
        raise ValueError(
            f"expected the units and the plan of {experiment.experiment}, which may be looked at"
        )
    k = len(experiment.arms)
    limit = anytime_limit(k, early.units, early.planned_units, question.alpha)
    covariance = experiment.covariance * (limit / float(chdtri(k, question.alpha)))
    system = stack([replace(experiment, covariance=covariance)], question.cpi_step, question.kpi_sign)
    if isinstance(system, NotEstimable):
        return system
    return anderson_rubin_set(system, question.alpha).mirrored(question.kpi_sign)
