"""Is the estimate one of its straight lines? Asked by double machine learning with named curves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analyses.observational.estimate import AdjustedSlope
from analyses.observational.linear import Held, fit, interval
from analyses.observational.sample import Sample
from analyses.quiet import silenced, told
from analyses.results import NotEstimable

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

NUISANCES = (
    "KPI and CPI by cubic splines (5 knots at quantiles) of each covariate and, up to 20, products of pairs, "
    "with a ridge chosen by cross-validation; a CPI of two values by logistic regression on the same"
)
FOLDS = 5
MOST_UNITS = 20_000
MOST_PAIRED = 20
LEAST_UNITS = 100


def doubly_learned(
    sample: Sample,
    treatment: str,
    outcome: str,
    covariates: Sequence[str],
    *,
    alpha: float = 0.05,
    seed: int = 0,
) -> AdjustedSlope | NotEstimable:
    """The CPI's effect with covariates held fixed by learned curves instead of straight lines (LinearDML).

    Question: does the estimate change when covariates may act by curves and together?
    Estimand: as ``adjusted_slope``: the average effect per unit of the CPI, weighted by how much the CPI
    varies among units alike.
    Assumes: the backdoor strategy's assumptions; that the named curves are rich enough.
    Formula: residuals of KPI and CPI from curves fitted on other folds (5), the one regressed on the other.
    Nuisances, by name: cubic splines of each covariate with 5 knots at quantiles, straight beyond the
    outermost, and products of pairs (up to 20 covariates), ridge by cross-validation; logistic regression on
    the same for a CPI of two values.
    Units: KPI units per raw CPI unit.
    Errors: intervals at 1 - alpha, normal; at most 20,000 units, the first of the sample. EconML's.
    Reference: Chernozhukov et al. (2018), Econometrics Journal 21(1); EconML's LinearDML.
    """
    some = sample.only(slice(MOST_UNITS))
    if some.n < LEAST_UNITS:
        return NotEstimable(
            reason="too_few_units", detail=f"learned curves need at least {LEAST_UNITS} units, got {some.n}"
        )
    held = Held.fixed(some.values(covariates))
    kept = [name for at, name in enumerate(covariates) if at not in held.dropped]
    # What straight lines cannot tell apart, curves fitted to the same units only seem to.
    straight = fit(held, some.values([treatment]), some.values([outcome])[:, 0], (treatment,))
    if isinstance(straight, NotEstimable):
        return straight
    if not kept:
        return NotEstimable(reason="no_covariates", detail="nothing is held fixed: no curve to learn")
    with silenced() as said:
        value, error = _learned(some, treatment, outcome, kept, seed)
    if not (np.isfinite(value) and np.isfinite(error)):
        return NotEstimable(reason="not_finite", detail="the learned curves left nothing of the CPI")
    return AdjustedSlope(
        value=interval(value, error, some.n - len(kept) - 2, alpha), units=some.n, checks=told("EconML", said)
    )


def _learned(
    sample: Sample, treatment: str, outcome: str, covariates: Sequence[str], seed: int
) -> tuple[float, float]:
    from econml.dml import LinearDML

    t, y = (sample.values([name])[:, 0] for name in (treatment, outcome))
    w = sample.values(covariates)
    two = len(np.unique(t)) == 2
    step = float(np.ptp(t)) if two else 1.0
    t = (t == t.max()).astype(np.float64) if two else t  # EconML knows no other two values than 0 and 1
    model = LinearDML(
        model_y=_curves(w.shape[1], classify=False),
        model_t=_curves(w.shape[1], classify=two),
        discrete_treatment=two,
        cv=FOLDS,
        random_state=seed,
    )
    model.fit(y, t, X=None, W=w)
    found = model.ate_inference(T0=0, T1=1)
    value, error = (float(np.ravel(one)[0]) for one in (found.mean_point, found.stderr_mean))
    return value / step, error / step


def _curves(covariates: int, *, classify: bool) -> "BaseEstimator":
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import PolynomialFeatures, SplineTransformer, StandardScaler

    # Few units lie far out: with even knots the tails are learned from a handful, and what is constant beyond
    # them leaves both residuals with the same confounder.
    splines = SplineTransformer(
        n_knots=5, degree=3, include_bias=False, knots="quantile", extrapolation="linear"
    )
    pairs = PolynomialFeatures(degree=2, interaction_only=True, include_bias=False)
    features = make_union(splines, pairs) if covariates <= MOST_PAIRED else splines
    last = LogisticRegression(C=1.0, max_iter=500) if classify else RidgeCV(alphas=np.logspace(-3, 3, 7))
    return make_pipeline(StandardScaler(), features, StandardScaler(), last)
