"""What did one change do to a series that was watched long before and after, with nothing to compare with?"""

from dataclasses import dataclass

import numpy as np

from analyses.moments import Floats
from analyses.quasi.shift import Shift, shift_of
from analyses.results import Check, NotEstimable

FEWEST = 12  # periods on either side, seasons apart: below, a trend and an autocorrelation are guesses
LAGS = 8
PLACEBOS = 20
WHITE = 0.01  # the test of what is left is too eager where seasons take many degrees of freedom
LARGEST = 0.95  # autocorrelation: beyond, a series wanders and no change can be told from it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """M outcomes (M, T) in T evenly spaced periods; the change came at the index ``start``.

    ``season`` is the number of periods after which a pattern repeats (7 for days of a week), None for none.
    ``comparison`` (M, T), if there is one, are the same outcomes where the change never came.
    """

    outcomes: tuple[str, ...]
    values: Floats
    start: int
    season: int | None = None
    comparison: Floats | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or len(self.values) != len(self.outcomes):
            raise ValueError(f"expected a row of values for each outcome, got {self.values.shape}")
        if self.comparison is not None and self.comparison.shape != self.values.shape:
            raise ValueError("expected the comparison in the shape of the values")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The average effect over the periods after the change, its step and its change of trend, and checks.

    ``autocorrelation`` is each outcome's from one period to the next; ``placebo_share`` the share of earlier
    dates, at which nothing happened, that show an effect at alpha.
    """

    overall: Shift
    step: Shift
    trend: Shift
    autocorrelation: tuple[float, ...]
    placebo_share: tuple[float, ...] | NotEstimable
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    """Coefficients (M, k), their covariance (M, M, k, k), innovations (M, T), autocorrelations (M,)."""

    coefficients: Floats
    covariance: Floats
    innovations: Floats
    rho: Floats
    dof: float


def interrupted_series(series: Series, *, alpha: float = 0.05) -> Interrupted | NotEstimable:
    """Effects of a change on outcomes watched over time, against the continuation of their own past.

    Question: how far did the outcomes depart, after the change, from where their trend and season led?
    Estimand: the average over the periods after the change of (what was seen less what the past continues
    to).
    Assumes: trend and season would have gone on as before; nothing else happened at that time; a straight
    trend on each side; errors of first-order autocorrelation. With a comparison, only its difference must.
    Formula: y_t = a + b t + season + step D_t + trend D_t (t - start) + u_t, u_t = r u_t-1 + e_t, by
    generalised least squares at the r of the restricted likelihood; the effect is step + trend x (mean of t -
    start).
    Units: those of the outcomes; the trend per period.
    Errors: Student's t with T - k degrees of freedom less what the autocorrelation costs; .93 to
    .95 in 100 periods at autocorrelations of .4 and .7 (docs/calibration.md); r above .95 is refused.
    Reference: Wagner et al. (2002), J. Clin. Pharm. Ther. 27; Turner et al. (2021), BMC Medical Research
    Methodology 21:181.
    """
    values = series.values if series.comparison is None else series.values - series.comparison
    refused = _refusal(series, values)
    if refused:
        return refused
    fit = _fitted(values, _design(values.shape[1], series.start, series.season))
    if isinstance(fit, NotEstimable):
        return fit
    ahead = (values.shape[1] - series.start - 1) / 2
    weights = np.zeros((3, fit.coefficients.shape[1]))
    weights[0, :2], weights[1, 0], weights[2, 1] = (1.0, ahead), 1.0, 1.0
    shifts = [_shift(series.outcomes, fit, w, alpha) for w in weights]
    overall, step, trend = shifts
    if isinstance(overall, NotEstimable) or isinstance(step, NotEstimable) or isinstance(trend, NotEstimable):
        return next(one for one in shifts if isinstance(one, NotEstimable))
    return Interrupted(
        overall=overall,
        step=step,
        trend=trend,
        autocorrelation=tuple(map(float, fit.rho)),
        placebo_share=_placebos(series, values, alpha),
        checks=_whiteness(series.outcomes, fit),
    )


def _refusal(series: Series, values: Floats) -> NotEstimable | None:
    if not np.isfinite(values).all():
        return NotEstimable(reason="missing_cell", detail="every period needs a value of every outcome")
    sides, seasons = (series.start, values.shape[1] - series.start), (series.season or 1) - 1
    if min(sides) < FEWEST or sides[0] < FEWEST + 2 * seasons:
        needed = f"at least {FEWEST + 2 * seasons} and {FEWEST} are needed"
        detail = f"{sides[0]} periods before the change and {sides[1]} after it: {needed}"
        return NotEstimable(reason="too_few_periods", detail=detail)
    flat = np.flatnonzero(np.ptp(values, axis=1) == 0)
    if len(flat):
        return NotEstimable(reason="no_variation", detail=f"{series.outcomes[flat[0]]} never varies")
    return None


def _design(periods: int, start: int, season: int | None) -> Floats:
    """Columns: step, change of trend, constant, trend, and all seasons but the first (T, k)."""
    t = np.arange(periods, dtype=float)
    after = (t >= start).astype(float)
    seasons = [(t % season == s).astype(float) for s in range(1, season)] if season else []
    return np.column_stack([after, after * (t - start), np.ones(periods), t - t.mean(), *seasons])


def _whitened(columns: Floats, rho: float) -> Floats:
    """Rows (T, k) with independent errors if theirs have first-order autocorrelation (Prais & Winsten)."""
    found = columns.copy()
    found[1:] -= rho * columns[:-1]
    found[0] *= np.sqrt(1 - rho**2)
    return found


def _restricted(y: Floats, X: Floats, rho: float) -> float:
    """Minus twice the restricted log-likelihood of an autocorrelation, but for a constant."""
    spare = len(y) - X.shape[1]
    Q, R = np.linalg.qr(_whitened(X, rho))
    white = _whitened(y[:, None], rho)[:, 0]
    rss = float(white @ white - np.sum((Q.T @ white) ** 2))
    return float(spare * np.log(max(rss, 1e-300)) - np.log(1 - rho**2) + 2 * np.log(np.abs(np.diag(R))).sum())


def _fitted(values: Floats, X: Floats) -> _Fit | NotEstimable:
    """All outcomes by one design, each with its own autocorrelation; errors of a period go together."""
    from scipy.optimize import minimize_scalar

    M, T, k = *values.shape, X.shape[1]
    rho = np.array(
        [
            minimize_scalar(lambda r, y=y: _restricted(y, X, r), bounds=(-0.9, 0.999), method="bounded").x
            for y in values / values.std(axis=1, keepdims=True)
        ]
    )
    if (rho > LARGEST).any():
        detail = f"an outcome follows itself from period to period with {rho.max():.2f}: it wanders"
        return NotEstimable(reason="wandering_series", detail=detail)
    whites = [_whitened(X, r) for r in rho]
    inverses = [np.linalg.inv(Z.T @ Z) for Z in whites]
    coefficients = np.empty((M, k))
    innovations = np.empty((M, T))
    for m in range(M):
        y = _whitened(values[m][:, None], rho[m])[:, 0]
        coefficients[m] = inverses[m] @ whites[m].T @ y
        innovations[m] = y - whites[m] @ coefficients[m]
    shared = innovations @ innovations.T / (T - k)
    covariance = np.empty((M, M, k, k))
    for m in range(M):
        for n in range(M):
            covariance[m, n] = shared[m, n] * inverses[m] @ whites[m].T @ whites[n] @ inverses[n]
    strongest = max(0.0, float(rho.max()))
    dof = max(2.0, (T - k) * (1 - strongest) / (1 + strongest))
    return _Fit(coefficients=coefficients, covariance=covariance, innovations=innovations, rho=rho, dof=dof)


def _shift(outcomes: tuple[str, ...], fit: _Fit, w: Floats, alpha: float) -> Shift | NotEstimable:
    V = np.einsum("i,mnij,j->mn", w, fit.covariance, w)
    return shift_of(outcomes, fit.coefficients @ w, V, fit.dof, alpha)


def _whiteness(outcomes: tuple[str, ...], fit: _Fit) -> tuple[Check, ...]:
    """Whether what is left goes from period to period in some way that the model lacks (Ljung & Box)."""
    from scipy.special import chdtrc

    T = fit.innovations.shape[1]
    found = []
    for outcome, e in zip(outcomes, fit.innovations, strict=True):
        lags = range(1, min(LAGS, T // 4) + 1)
        r = np.array([e[lag:] @ e[:-lag] for lag in lags]) / (e @ e)
        statistic = T * (T + 2) * float(np.sum(r**2 / (T - np.array(lags))))
        p = float(chdtrc(max(len(lags) - 1, 1), statistic))
        detail = f"{outcome}: what is left repeats itself over {len(lags)} periods with p = {p:.3g}"
        found.append(Check(name="errors_independent", passed=p >= WHITE, detail=detail, gates=False))
    return tuple(found)


def _placebos(series: Series, values: Floats, alpha: float) -> tuple[float, ...] | NotEstimable:
    """The share of dates before the change at which the same analysis of earlier periods finds an effect."""
    least = FEWEST + 2 * ((series.season or 1) - 1)
    dates = np.unique(np.linspace(least, series.start - FEWEST, PLACEBOS).astype(int))
    if series.start - FEWEST < least:
        detail = "before the change there is no room for another date with enough periods on either side"
        return NotEstimable(reason="too_few_periods", detail=detail)
    found = []
    for date in dates:
        fit = _fitted(values[:, : series.start], _design(series.start, int(date), series.season))
        if isinstance(fit, NotEstimable):
            continue
        w = np.zeros(fit.coefficients.shape[1])
        w[:2] = 1.0, (series.start - date - 1) / 2
        shift = _shift(series.outcomes, fit, w, alpha)
        if isinstance(shift, Shift):
            found.append([effect.p_value < alpha for effect in shift.effects])
    if not found:
        return NotEstimable(reason="wandering_series", detail="earlier dates cannot be analysed alike")
    return tuple(map(float, np.mean(found, axis=0)))
