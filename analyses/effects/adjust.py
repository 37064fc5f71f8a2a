"""How much sharper does an effect get once what was known before exposure is taken out?"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from analyses.moments import (
    ROUNDING,
    ArmMeans,
    Floats,
    Measure,
    Moments,
    few_observed,
    gradients,
    means_of,
    observed_units,
    refusal,
    unit_covariance,
)
from analyses.results import NotEstimable

COLLINEAR = 1e-10
"""Smallest share of a direction's variance, in correlations, that still counts as information of its own."""


def adjust(arms: Mapping[str, Moments], measures: Sequence[Measure]) -> dict[str, ArmMeans] | NotEstimable:
    """Means of every arm at the same covariates: the pooled ones.

    Question: what would the arms' means be, had chance dealt each arm the same units?
    Estimand: E[measure | arm], as without adjustment; only the noise shrinks.
    Assumes: covariates known before exposure; units randomised and independent. The regression need not be
    true.
    Formula: per arm k, theta_k regresses the (linearised) measure on its covariates inside the arm; the mean
    is m_k - theta_k'(x_k - x_pooled), its variance that of the residuals over n_k, times
    (n_k - 1)/(n_k - 1 - p) for the p slopes that were fitted. Residuals are linear in the raw columns, so
    measures with different covariates keep their joint covariance. The pooled covariate means are taken as
    fixed, so arms stay independent: the effect is on the units of this experiment. A relative effect divides
    by a mean that moves with them, so what the arms share is kept in ``shared`` and enters there.
    A covariate that is constant, or a combination of the others (less than 1e-10 of its correlation is its
    own), adds nothing: the least-squares solution of smallest norm leaves it out.
    Units: those of the measures.
    Reference: Lin (2013), Annals of Applied Statistics 7(1), section 4; from moments, so within-arm residual
    variances stand where HC2 reweighs each row (2e-4 apart at 20,000 units).

    >>> import numpy as np
    >>> from analyses.moments import moments_of
    >>> draw = np.random.default_rng(1)
    >>> before, noise = draw.normal(size=(2, 400))
    >>> rows = np.column_stack([before + 0.1 * noise, before])
    >>> arms = {"0": moments_of(["y", "x"], rows[:200]), "1": moments_of(["y", "x"], rows[200:])}
    >>> adjusted = adjust(arms, [Measure(name="y", value="y", covariates=("x",))])
    >>> bool(adjusted["1"].covariance[0, 0] < 0.02 * arms["1"].covariance[0, 0] / 200)
    True
    """
    for moments in arms.values():
        for measure in measures:
            if why := refusal(moments, measure) or _too_small(moments, measure):
                return why
    pooled = reduce(add, arms.values())
    known = sorted({pooled.index(column) for measure in measures for column in measure.covariates})
    root = np.zeros((len(pooled.columns), len(known)))
    root[known] = _root(pooled.covariance[np.ix_(known, known)]) / np.sqrt(pooled.n)
    alike: dict[tuple[str, ...], list[int]] = {}
    for row, measure in enumerate(measures):
        alike.setdefault(measure.covariates, []).append(row)
    return {name: _adjusted(moments, measures, alike, pooled.mean, root) for name, moments in arms.items()}


def _too_small(moments: Moments, measure: Measure) -> NotEstimable | None:
    slopes = len(measure.covariates)
    if moments.n > slopes + 1:
        return None
    return NotEstimable(
        reason="too_few_units",
        detail=f"{measure.name} with {slopes} covariates needs more than {slopes + 1} units in each arm, "
        f"got {moments.n}",
    )


def _adjusted(
    moments: Moments,
    measures: Sequence[Measure],
    alike: Mapping[tuple[str, ...], Sequence[int]],
    centre: Floats,
    root: Floats,
) -> ArmMeans:
    """One arm; ``alike`` are the places of the measures that have the same covariates."""
    weights = gradients(moments, measures)
    slopes = np.zeros_like(weights)
    ranks = np.zeros(len(measures))
    covariance, varies = moments.covariance, varying(moments)
    explained = weights @ covariance
    alone: list[tuple[int, int]] = []
    for covariates, rows in alike.items():
        at = [place for place in map(moments.index, covariates) if varies[place]]
        if (
            len(at) == 1
        ):  # most plans name one, and twenty eigenvalues of one number take longer than the rest
            alone += [(row, at[0]) for row in rows]
        else:
            slopes[np.ix_(rows, at)], ranks[rows] = slopes_on(covariance, explained[rows], at)
    if alone:
        own, on = np.array(alone).T
        slopes[own, on], ranks[own] = explained[own, on] / covariance[on, on], 1.0
    residual = weights - slopes
    spare = moments.n - 1.0 - ranks
    observed = np.array([observed_units(moments, measure) for measure in measures])
    inflation = np.sqrt((moments.n - 1.0) / spare)
    means = means_of(moments, measures) - slopes @ (moments.mean - centre)
    return ArmMeans(
        measures=tuple(m.name for m in measures),
        n=moments.n,
        mean=means,
        covariance=unit_covariance(moments, residual, means)
        * np.outer(inflation, inflation)
        * few_observed(moments, observed)
        / moments.n,
        dof=np.minimum(spare, observed - 1.0),
        shared=slopes @ root,
    )


def _root(covariance: Floats) -> Floats:
    """A square root of a covariance that may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


def varying(moments: Moments) -> npt.NDArray[np.bool_]:
    """Which columns are more than one value and its rounding in this arm."""
    spread = np.sqrt(np.diag(moments.covariance))
    found: npt.NDArray[np.bool_] = spread > ROUNDING * np.abs(moments.mean)
    return found


def slopes_on(covariance: Floats, explained: Floats, at: Sequence[int]) -> tuple[Floats, int]:
    """Least-squares slopes (q, p) of functionals of the columns on the covariates, and their rank.

    ``explained`` (q, columns) is the functionals' covariance with every column.
    """
    scale = np.sqrt(np.diag(covariance)[list(at)])
    values, vectors = np.linalg.eigh(covariance[np.ix_(at, at)] / np.outer(scale, scale))
    own = values > COLLINEAR
    free = vectors[:, own]
    target = explained[:, list(at)] / scale
    slopes: Floats = ((target @ free / values[own]) @ free.T) / scale
    return slopes, int(own.sum())
