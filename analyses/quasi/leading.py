"""Does a CPI foretell where the KPI goes, better than the KPI's own past does?"""

from dataclasses import dataclass

import numpy as np

from analyses.effects.difference import quantile
from analyses.moments import Floats
from analyses.results import Interval, NotEstimable

FEWEST_ORIGINS = 12  # forecasts at different times: fewer say nothing of how they fare


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """A CPI and a KPI (G, T) of G groups over T evenly spaced periods, in raw units."""

    groups: tuple[str, ...]
    cpi: Floats
    kpi: Floats

    def __post_init__(self) -> None:
        if self.cpi.shape != self.kpi.shape or len(self.groups) != len(self.kpi):
            raise ValueError(f"expected a row a group, got {self.cpi.shape} and {self.kpi.shape}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretelling:
    """How forecasts with the other metric fare against forecasts without it.

    ``gain`` is the share of the mean squared forecast error that it takes away (below zero: it does harm);
    ``p_value`` one-sided, of the hypothesis that it foretells nothing.
    """

    gain: float
    interval: Interval
    p_value: float
    origins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadingIndicator:
    """The CPI as an indicator of the KPI's growth, and the other way round: both can follow a third cause."""

    kpi_by_cpi: Foretelling
    cpi_by_kpi: Foretelling
    horizon: int
    lags: int


def leading_indicator(
    course: Course, *, horizon: int, lags: int = 2, alpha: float = 0.05
) -> LeadingIndicator | NotEstimable:
    """Forecasts of the KPI's growth out of time, with and without the CPI.

    Question: would knowing the CPI have made forecasts of the KPI's growth better, made at each time with
    what was known then?
    Estimand: 1 - MSE(own past and CPI) / MSE(own past), over origins, of the KPI's change within ``horizon``.
    Assumes: nothing of cause; a CPI that leads may be led by the KPI's own causes. Origins alike over time.
    Formula: at each origin a pooled regression of y_t+h - y_t on the last ``lags`` levels and the groups' own
    means, of y alone and of y and x, fitted to what had ended by then; squared errors averaged over groups.
    The test is Clark and West's, the interval Diebold and Mariano's on the ratio; both with a long-run
    variance by cosines and Student's t.
    Units: shares.
    Errors: the interval is of the forecasts as made, errors of estimation included; the p-value is of nested
    models. The first half of the periods is only ever learnt from.
    Reference: Clark & West (2007), Journal of Econometrics 138(1); Lazarus, Lewis, Stock & Watson (2018),
    JBES 36(4).
    """
    refused = _refusal(course, horizon, lags)
    if refused:
        return refused
    ours = _foretelling(course.kpi, course.cpi, horizon, lags, alpha)
    back = _foretelling(course.cpi, course.kpi, horizon, lags, alpha)
    if isinstance(ours, NotEstimable):
        return ours
    if isinstance(back, NotEstimable):
        return back
    return LeadingIndicator(kpi_by_cpi=ours, cpi_by_kpi=back, horizon=horizon, lags=lags)


def _refusal(course: Course, horizon: int, lags: int) -> NotEstimable | None:
    if horizon < 1 or lags < 1:
        raise ValueError("a horizon and a number of lags of at least one period are needed")
    if not np.isfinite(course.kpi).all() or not np.isfinite(course.cpi).all():
        return NotEstimable(reason="missing_cell", detail="every group needs both metrics in every period")
    origins = len(_origins(course.kpi.shape[1], horizon, lags))
    if origins < FEWEST_ORIGINS:
        detail = (
            f"{course.kpi.shape[1]} periods leave {max(origins, 0)} forecasts; {FEWEST_ORIGINS} are needed"
        )
        return NotEstimable(reason="too_few_periods", detail=detail)
    if (np.ptp(course.kpi, axis=1) == 0).all() or (np.ptp(course.cpi, axis=1) == 0).all():
        return NotEstimable(reason="no_variation", detail="one of the metrics never varies over time")
    return None


def _origins(periods: int, horizon: int, lags: int) -> range:
    return range(max(periods // 2, 2 * (lags + horizon)), periods - horizon)


def _known(y: Floats, t: int, lags: int) -> Floats:
    """The last levels at t (G, lags)."""
    return y[:, t - lags + 1 : t + 1][:, ::-1]


def _forecasts(y: Floats, others: list[Floats], origin: int, horizon: int, lags: int) -> Floats:
    """Growth from the origin (G,), by a regression of what had ended by then."""
    columns = [y, *others]
    means = [column[:, : origin + 1].mean(axis=1, keepdims=True) for column in columns]

    def features(t: int) -> Floats:
        seen = [_known(column - mean, t, lags) for column, mean in zip(columns, means, strict=True)]
        return np.column_stack([np.ones(len(y)), *seen])

    past = range(lags - 1, origin - horizon + 1)
    X = np.concatenate([features(t) for t in past])
    grown = np.concatenate([y[:, t + horizon] - y[:, t] for t in past])
    found: Floats = features(origin) @ np.linalg.lstsq(X, grown, rcond=1e-10)[0]
    return found


def _foretelling(y: Floats, x: Floats, horizon: int, lags: int, alpha: float) -> Foretelling | NotEstimable:
    from scipy.special import stdtr

    origins = _origins(y.shape[1], horizon, lags)
    without = np.array([_forecasts(y, [], t, horizon, lags) for t in origins])
    beside = np.array([_forecasts(y, [x], t, horizon, lags) for t in origins])
    grown = np.array([y[:, t + horizon] - y[:, t] for t in origins])
    plain = ((grown - without) ** 2).mean(axis=1)
    better = ((grown - beside) ** 2).mean(axis=1)
    if plain.mean() == 0:
        return NotEstimable(reason="no_variation", detail="the metric's own past foretells it without error")
    gain = 1 - float(better.mean() / plain.mean())
    error, dof = _long_run((better - (1 - gain) * plain) / plain.mean())
    spared = plain - better + ((without - beside) ** 2).mean(axis=1)
    spared_error, _ = _long_run(spared - spared.mean())
    half = quantile(alpha, dof) * error
    t = float(spared.mean()) / spared_error if spared_error > 0 else 0.0
    return Foretelling(
        gain=gain,
        interval=Interval(lower=gain - half, upper=gain + half),
        p_value=float(stdtr(dof, -t)),
        origins=len(origins),
    )


def _long_run(series: Floats) -> tuple[float, float]:
    """Standard error of a mean of what goes from period to period, by B cosines, and its freedom B."""
    T = len(series)
    B = max(4, int(0.4 * T ** (2 / 3)))
    time = (np.arange(T) + 0.5) / T
    cosines = np.sqrt(2 / T) * np.cos(np.pi * np.outer(np.arange(1, B + 1), time))
    return float(np.sqrt(np.mean((cosines @ series) ** 2) / T)), float(B)
