"""Point estimates of the slope, and whether one slope fits all contrasts."""

from dataclasses import dataclass

import numpy as np

from analyses.moments import Floats
from analyses.relationship.anderson_rubin import minima, statistic
from analyses.relationship.system import System, direction
from analyses.results import NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Liml:
    """Limited-information maximum likelihood: the slope that the contrasts contradict least."""

    estimate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tsls:
    """Two-stage least squares with the arms as instruments; biased towards correlation by weak arms."""

    estimate: float
    std_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Overidentification:
    """J = min AR: chi-squared with K - 1 degrees of freedom when one slope, and no side effect, fits all."""

    statistic: float
    df: int
    p_value: float


def liml(system: System, lows: Floats | None = None) -> Liml:
    """Argmin AR, with each arm's own covariance (the continuously updated estimator)."""
    lows = minima(system) if lows is None else lows
    return Liml(estimate=float(np.tan(lows[0]) * system.slope_unit))


def information(system: System, lows: Floats) -> float:
    """Sum of a^2 / v at the LIML slope, a'V^-1 a: 1 / SE^2 of the slope, in real units."""
    a = system.effects[1]
    _, V = system.residual(direction(lows[:1]) / np.cos(lows[0]))
    return float(a @ np.linalg.solve(V[0], a)) / system.slope_unit**2


def tsls(system: System) -> Tsls | NotEstimable:
    """2SLS of KPI on CPI with arm indicators as instruments and experiment intercepts, from contrasts alone.

    a'W b / a'W a with W the inverse design; the error is heteroskedasticity-robust. Without unit counts W is
    the inverse of the CPI's own covariance, which is proportional to it when arms are alike.
    """
    a, b = system.effects[1], system.effects[0]
    design = system.covariance[1, 1] if system.design is None else system.design
    weighted = np.linalg.solve(design, a)
    moved = float(weighted @ a)
    if moved <= 0:
        return NotEstimable(reason="cpi_not_moved", detail="no arm moved the CPI at all")
    slope = float(weighted @ b) / moved
    _, V = system.residual(np.array([[1.0, -slope]]))
    error = float(np.sqrt(weighted @ V[0] @ weighted)) / moved
    return Tsls(estimate=slope * system.slope_unit, std_error=error * system.slope_unit)


def overidentification(system: System, lows: Floats | None = None) -> Overidentification | NotEstimable:
    """J = min AR over slopes, Hansen (1982) with the arms' own covariances."""
    from scipy.special import chdtrc

    if system.size < 2:
        return NotEstimable(reason="one_contrast", detail="one contrast always fits some slope exactly")
    lows = minima(system) if lows is None else lows
    least = float(statistic(system, direction(lows[:1]))[0])
    return Overidentification(
        statistic=least, df=system.size - 1, p_value=float(chdtrc(system.size - 1, least))
    )
