"""How does an effect change with what is known of a unit? Lines and a forest, by EconML with named models.

Lines are drawn in either half on its own, so that what the first shows the second can contradict. The forest
sees a sample of the discovery half: its cost grows with every unit, and 20,000 show it what there is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.heterogeneity.design import Design
from analyses.heterogeneity.scores import normal_estimate, totals_of
from analyses.heterogeneity.trial import LEAST_UNITS, UNITS_A_COLUMN, Codes, Trial
from analyses.moments import Floats
from analyses.multiplicity import Correction, adjusted_p_values
from analyses.results import Estimate, NotEstimable

FOREST_UNITS = 20_000
FOREST_CELLS = 400_000  # units times columns: what more columns cost, fewer units save
FOREST = {"n_estimators": 100, "max_depth": 6, "min_samples_leaf": 50, "inference": False, "n_jobs": 1}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """A line: the effect, or the slope, at the average of every column, and what each column adds."""

    centre: Estimate
    terms: tuple[Estimate, ...]  # per standard deviation of the column
    predicts: Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTerm:
    """What one more of a covariate adds to the effect, in its own unit, in either half.

    ``adjusted_p_value`` is Holm's over the terms of the line, in the confirming half.
    """

    words: str
    discovery: Estimate
    confirmation: Estimate
    adjusted_p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The best linear description of an effect; ``average`` is at the averages of all covariates."""

    method: str
    average_discovery: Estimate
    average_confirmation: Estimate
    terms: tuple[LineTerm, ...]


def effect_line(half: Trial, outcome: Floats, matrix: Floats, *, seed: int, alpha: float) -> Fit:
    """The effect on one outcome, by LinearDRLearner.

    Question: with which covariates does the arm's effect change?
    Estimand: the best linear projection of E[Y(1) - Y(0) | X] on X.
    Assumes: the arm was drawn with a chance that is constant in each stratum.
    Settings: linear outcome model; the chance is the arm's share, in several strata a logistic regression on
    them; two folds.
    Reference: Semenova & Chernozhukov (2021), Econometrics Journal 24(2); Battocchi et al., EconML.
    """
    from econml.dr import LinearDRLearner
    from sklearn.linear_model import LinearRegression

    model = LinearDRLearner(
        model_propensity=_chance(half),
        model_regression=LinearRegression(),
        cv=2,
        random_state=seed,
    )
    model.fit(outcome, half.treated.astype(int), X=matrix, W=_strata(half))
    return _fit(model.coef__inference(T=1), model.intercept__inference(T=1), alpha)


def clustered_line(values: Floats, clusters: Codes, matrix: Floats, *, alpha: float) -> Fit | NotEstimable:
    """The effect on one outcome where clusters were drawn: the same line, with errors that allow for it.

    Question: with which covariates does the arm's effect change?
    Estimand: the best linear projection of E[Y(1) - Y(0) | X] on X.
    Assumes: ``values`` are doubly robust scores, whose outcome models saw no unit of the same cluster.
    Formula: least squares of the scores on the columns; (X'X)^-1 sum S_g S_g' (X'X)^-1 G / (G - 1)
    (n - 1) / (n - k) with S_g the sum of column times residual over cluster g.
    Errors: NotEstimable where there are fewer than ten clusters a column.
    Reference: Semenova & Chernozhukov (2021), Econometrics Journal 24(2); Cameron & Miller (2015), Journal of
    Human Resources 50(2).
    """
    n, k = len(values), matrix.shape[1] + 1
    count = len(np.unique(clusters))
    if count < UNITS_A_COLUMN * (k - 1):
        detail = f"{k - 1} columns take {UNITS_A_COLUMN * (k - 1):,} clusters in each half, got {count:,}"
        return NotEstimable(reason="too_few_clusters", detail=detail)
    around = np.column_stack([np.ones(n), matrix])
    inverse = np.linalg.inv(around.T @ around)
    weights = inverse @ (around.T @ values)
    left = values - around @ weights
    totals = np.column_stack([totals_of(column * left, clusters) for column in around.T])
    scale = count / (count - 1) * (n - 1) / (n - k)
    errors = np.sqrt(np.diag(inverse @ (totals.T @ totals) @ inverse) * scale)
    return Fit(
        centre=_estimate(float(weights[0]), float(errors[0]), alpha),
        terms=tuple(
            _estimate(float(v), float(e), alpha) for v, e in zip(weights[1:], errors[1:], strict=True)
        ),
        predicts=lambda columns: np.asarray(weights[0] + columns @ weights[1:]),
    )


def slope_line(half: Trial, matrix: Floats, *, step: float, seed: int, alpha: float) -> Fit:
    """The local slope, KPI units per increment of the CPI, by LinearIntentToTreatDRIV or LinearDRIV.

    Question: with which covariates does the CPI's worth change, among those whose CPI the arm changes?
    Estimand: the best linear projection of E[KPI effect | X] / E[CPI effect | X] on X.
    Assumes: the arm acts through the CPI alone, everywhere; a first stage that is nowhere near zero.
    Settings: linear models of CPI and KPI, the arm's share as its chance, covariances clipped at .05, two
    folds. A CPI of 0 and 1 goes to LinearIntentToTreatDRIV, any other to LinearDRIV, of which it is the case.
    Reference: Syrgkanis et al. (2019), NeurIPS 32, arXiv:1905.10176.
    """
    model = _driv(half, seed)
    model.fit(half.kpi, _cpi(half), Z=half.treated.astype(int), X=matrix, W=_strata(half))
    return _fit(model.coef__inference(), model.intercept__inference(), alpha, scale=step)


def slope_method(half: Trial) -> str:
    """Which of the two draws the line of slopes."""
    return "LinearIntentToTreatDRIV" if _binary(half.cpi) else "LinearDRIV"


def _driv(half: Trial, seed: int) -> Any:
    from econml.iv.dr import LinearDRIV, LinearIntentToTreatDRIV
    from sklearn.linear_model import LinearRegression, LogisticRegression

    common: dict[str, Any] = {
        "model_y_xw": LinearRegression(),
        "flexible_model_effect": LinearRegression(),
        "prel_cate_approach": "driv",
        "prel_cv": 1,
        "prel_opt_reweighted": False,
        "cov_clip": 0.05,
        "cv": 2,
        "random_state": seed,
    }
    if _binary(half.cpi):
        share = _chance(half) if len(np.unique(half.strata)) > 1 else float(half.treated.mean())
        return LinearIntentToTreatDRIV(model_t_xwz=LogisticRegression(), z_propensity=share, **common)
    return LinearDRIV(
        model_t_xw=LinearRegression(),
        model_z_xw=_chance(half),
        model_tz_xw=LinearRegression(),
        discrete_instrument=True,
        **common,
    )


def _cpi(half: Trial) -> Floats:
    return half.cpi.astype(int) if _binary(half.cpi) else half.cpi


def _binary(values: Floats) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def forest(
    half: Trial, outcome: Floats, matrix: Floats, *, seed: int
) -> tuple[Callable[[Floats], Floats], int] | NotEstimable:
    """The effect on one outcome as a forest predicts it, by CausalForestDML on 20,000 units or fewer.

    With it, how many units it has seen.

    Question: is there anything that a line does not see?
    Estimand: E[Y(1) - Y(0) | X].
    Settings: linear outcome model, the arm's share as its chance, 100 honest trees of depth 6 with 50 units
    or more in a leaf, two folds; where clusters were drawn, all units of one in one fold.
    Errors: NotEstimable where an arm has too few units in the sample.
    Reference: Athey, Tibshirani & Wager (2019), Annals of Statistics 47(2).
    """
    from econml.dml import CausalForestDML
    from sklearn.linear_model import LinearRegression

    first = slice(0, min(FOREST_UNITS, FOREST_CELLS // matrix.shape[1]))
    sample = half.at(first)
    fewest = min(int((sample.treated == arm).sum()) for arm in (True, False))
    if fewest < LEAST_UNITS:
        detail = f"an arm has {fewest:,} of the {sample.n:,} units that a forest sees; it takes {LEAST_UNITS}"
        return NotEstimable(reason="too_few_units", detail=detail)
    model = CausalForestDML(
        model_y=LinearRegression(),
        model_t=_chance(sample),
        discrete_treatment=True,
        cv=2,
        random_state=seed,
        **FOREST,
    )
    arm = sample.treated.astype(int)
    model.fit(outcome[first], arm, X=matrix[first], W=_strata(sample), groups=sample.clusters)

    def predicts(columns: Floats) -> Floats:
        found: Floats = np.asarray(model.effect(columns), dtype=float)
        return found

    return predicts, sample.n


def _chance(half: Trial) -> Any:
    """The arm's share; where it differs between strata, as a logistic regression on them finds it."""
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(half.strata)) == 1:
        return DummyClassifier(strategy="prior")
    return LogisticRegression(C=1e4, max_iter=200)


def _strata(half: Trial) -> Floats | None:
    phases = np.unique(half.strata)[1:]
    return np.column_stack([half.strata == one for one in phases]).astype(float) if phases.size else None


def _fit(coefficients: Any, centre: Any, alpha: float, scale: float = 1.0) -> Fit:
    """EconML's numbers as ours, times ``scale``; the centre is where every standardised column is 0."""
    values, errors = np.ravel(coefficients.point_estimate) * scale, np.ravel(coefficients.stderr) * abs(scale)
    middle, error = _first(centre.point_estimate) * scale, _first(centre.stderr) * abs(scale)

    def predicts(columns: Floats) -> Floats:
        found: Floats = middle + columns @ values
        return found

    return Fit(
        centre=_estimate(middle, error, alpha),
        terms=tuple(_estimate(float(v), float(e), alpha) for v, e in zip(values, errors, strict=True)),
        predicts=predicts,
    )


def _first(value: Any) -> float:
    return float(np.ravel(value)[0])


class NoError(ArithmeticError):
    """A fit without a standard error; the data hold no variation to estimate one from."""


def _estimate(value: float, error: float, alpha: float) -> Estimate:
    found = normal_estimate(value, error, alpha=alpha) if np.isfinite([value, error]).all() else None
    if not isinstance(found, Estimate):
        raise NoError(f"expected a finite estimate with an error above 0, got {value} and {error}")
    return found


def line_of(method: str, drawn: Design, discovery: Fit, confirmation: Fit, *, alpha: float) -> Line:
    """Both halves' lines side by side, in the covariates' own units."""
    p_values = {place: one.p_value for place, one in enumerate(confirmation.terms)}
    adjusted = adjusted_p_values(p_values, correction=Correction.HOLM)
    return Line(
        method=method,
        average_discovery=discovery.centre,
        average_confirmation=confirmation.centre,
        terms=tuple(
            LineTerm(
                words=term.words,
                discovery=_rescaled(discovery.terms[place], term.scale, alpha),
                confirmation=_rescaled(confirmation.terms[place], term.scale, alpha),
                adjusted_p_value=adjusted[place],
            )
            for place, term in enumerate(drawn.terms)
        ),
    )


def _rescaled(found: Estimate, scale: float, alpha: float) -> Estimate:
    return _estimate(found.value / scale, found.std_error / scale, alpha)
