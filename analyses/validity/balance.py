"""Were the arms alike before the experiment began?"""

from collections.abc import Mapping, Sequence
from functools import reduce
from math import inf, sqrt
from operator import add

import numpy as np

from analyses.moments import ROUNDING, Floats, Moments
from analyses.results import Check
from analyses.validity.chi_square import ChiSquare

BALANCE_ALPHA = 0.001
"""As for the arms' sizes: a false alarm throws an experiment away."""

FEWEST_UNITS_PER_COVARIATE = 20
"""Below this many units of an arm for each covariate the chi-square is not trusted."""

OWN = 1e-10
"""Smallest share of a direction's variance, in correlations, that counts as information of its own."""


def covariate_balance(covariates: Sequence[str], *phases: Mapping[str, Moments]) -> Check:
    """Whether pre-exposure covariates differ between arms beyond chance, all of them at once.

    Question: did assignment deal the arms the same kind of units, and has none of them been lost since?
    Estimand: none; a test that each covariate has the same mean in all arms of a phase.
    Assumes: covariates known before exposure; units independent; means near normal (cap heavy tails first).
    Formula: sum over arms of n_k d_k' S^-1 d_k, d_k the arm's means less the phase's, S the covariance of all
    units of the phase; chi-square with (arms - 1) x rank(S) degrees of freedom, summed over phases; alarm at
    p < .001. One test, so the number of covariates rings no alarm by itself.
    Reference: Hansen & Bowers (2008), Statistical Science 23(2), section 3.

    >>> import numpy as np
    >>> from analyses.moments import moments_of
    >>> draw = np.random.default_rng(1)
    >>> arms = {k: moments_of(["age"], draw.normal(40, 9, size=(500, 1))) for k in ("0", "1")}
    >>> covariate_balance(["age"], arms).passed
    True
    """
    name = "covariate_balance"
    if not covariates or not phases:
        return Check(name=name, passed=None, detail="no covariate known before exposure")
    fewest = min(arm.n for phase in phases for arm in phase.values())
    if fewest < FEWEST_UNITS_PER_COVARIATE * len(covariates):
        return Check(
            name=name,
            passed=None,
            detail=f"too few units: an arm has {fewest:,} for {len(covariates)} covariates, the test needs "
            f"{FEWEST_UNITS_PER_COVARIATE} for each",
        )
    total = ChiSquare.of([_omnibus(covariates, phase) for phase in phases])
    if total.df == 0:
        return Check(name=name, passed=None, detail="the covariates are the same for every unit")
    if total.p_value >= BALANCE_ALPHA:
        return Check(
            name=name, passed=True, detail=f"arms were alike in {len(covariates)} covariates ({total.text})"
        )
    arm, covariate, size = _worst(covariates, phases)
    return Check(
        name=name,
        passed=False,
        detail=f"the arms were not alike before exposure ({total.text}), most so in {covariate}: arm {arm} "
        f"lies {size:+.3f} standard deviations off the mean of all; find out how units got into arms, and "
        "whether the covariate was really recorded before exposure: adjusting does not repair assignment",
    )


def _omnibus(covariates: Sequence[str], phase: Mapping[str, Moments]) -> ChiSquare:
    distances, covariance, units = _distances(covariates, phase)
    spread = np.sqrt(np.diag(covariance))
    varies = spread > ROUNDING * abs(_means(covariates, reduce(add, phase.values())))
    if not varies.any():
        return ChiSquare(statistic=0.0, df=0, fewest=inf)
    scaled = distances[:, varies] / spread[varies]
    values, vectors = np.linalg.eigh(
        covariance[np.ix_(varies, varies)] / np.outer(spread[varies], spread[varies])
    )
    own = values > OWN
    parts = (scaled @ vectors[:, own]) ** 2 / values[own]
    return ChiSquare(
        statistic=float(units @ parts.sum(axis=1)),
        df=(len(units) - 1) * int(own.sum()),
        fewest=inf,
    )


def _means(covariates: Sequence[str], moments: Moments) -> Floats:
    return moments.mean[[moments.index(c) for c in covariates]]


def _distances(covariates: Sequence[str], phase: Mapping[str, Moments]) -> tuple[Floats, Floats, Floats]:
    """Each arm's means less the phase's (K, p), the covariance of all units (p, p), and units (K,)."""
    pooled = reduce(add, phase.values())
    at = [pooled.index(c) for c in covariates]
    arms = list(phase.values())
    distances = np.array([_means(covariates, arm) for arm in arms]) - _means(covariates, pooled)
    return distances, pooled.covariance[np.ix_(at, at)], np.array([float(arm.n) for arm in arms])


def _worst(covariates: Sequence[str], phases: Sequence[Mapping[str, Moments]]) -> tuple[str, str, float]:
    """The arm and covariate furthest from its phase's mean, weighed by what chance would do."""
    found: list[tuple[float, str, str, float]] = []
    for phase in phases:
        distances, covariance, units = _distances(covariates, phase)
        for k, arm in enumerate(phase):
            for c, covariate in enumerate(covariates):
                spread = sqrt(covariance[c, c])
                size = float(distances[k, c]) / spread if spread > 0 else 0.0
                found.append((abs(size) * sqrt(units[k]), arm, covariate, size))
    _, arm, covariate, size = max(found)
    return arm, covariate, size
