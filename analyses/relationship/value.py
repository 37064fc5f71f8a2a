"""What is a lever worth in a year, as far as it was tested and no further?"""

from dataclasses import dataclass
from math import isfinite

from analyses.results import NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSlope:
    """KPI units per increment of improvement, with an interval at 1 - alpha; None where it has no end."""

    estimate: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class YearlyValue:
    """What improving the CPI by ``increments`` for everybody brings a year; None where the slope has no end.

    In the money of ``value_per_kpi_unit``, or in KPI units summed over customers where none is given.
    ``tested_up_to`` is the largest improvement, in increments, that an arm brought.
    """

    estimate: float | None
    lower: float | None
    upper: float | None
    increments: float
    volume: float
    value_per_kpi_unit: float | None
    tested_up_to: float


def yearly_value(
    slope: KnownSlope,
    *,
    increments: float,
    volume: float,
    value_per_kpi_unit: float | None,
    tested_up_to: float,
) -> YearlyValue | NotEstimable:
    """The slope carried to a year's customers, with its uncertainty.

    Question: what would a year bring if every customer got this much of the CPI?
    Estimand: slope times increments times customers a year times the value of one KPI unit.
    Assumes: the effect of a customer's window lasts once per customer and year; future customers are like
    those of the experiments; volume and value per unit are given, their own uncertainty is not in it.
    Formula: each of estimate, lower and upper of the slope times the product; a negative factor swaps ends.
    Units: money a year, or KPI units a year where no value per unit is given.
    Errors: the interval covers as often as the slope's does. Refuses, as ``extrapolation``, more increments
    than any arm surely brought: beyond the doses tested nothing is known.
    Reference: this product's own rule; for the extrapolation see Manski (2013), Public Policy in an Uncertain
    World, chapter 1.

    >>> slope = KnownSlope(estimate=0.5, lower=0.4, upper=0.6)
    >>> at = {"volume": 1000, "value_per_kpi_unit": 2.0, "tested_up_to": 1.5}
    >>> found = yearly_value(slope, increments=1, **at)
    >>> found.lower, found.estimate, found.upper
    (800.0, 1000.0, 1200.0)
    >>> yearly_value(slope, increments=2, **at).reason
    'extrapolation'
    """
    if not (isfinite(increments) and increments > 0 and isfinite(volume) and volume >= 0):
        raise ValueError(f"expected increments > 0 and volume >= 0, got {increments} and {volume}")
    if slope.estimate is None and slope.lower is None and slope.upper is None:
        return NotEstimable(reason="slope_unknown", detail="the slope has neither an estimate nor an end")
    if increments > tested_up_to:
        detail = (
            f"the largest improvement that an arm surely brought is {tested_up_to:.3g} increments, and "
            f"{increments:g} were asked for: beyond the doses that were tested nothing is known"
        )
        return NotEstimable(reason="extrapolation", detail=detail)
    factor = increments * volume * (1.0 if value_per_kpi_unit is None else value_per_kpi_unit)
    lower, upper = (slope.lower, slope.upper) if factor >= 0 else (slope.upper, slope.lower)
    return YearlyValue(
        estimate=_times(slope.estimate, factor),
        lower=_times(lower, factor),
        upper=_times(upper, factor),
        increments=increments,
        volume=volume,
        value_per_kpi_unit=value_per_kpi_unit,
        tested_up_to=tested_up_to,
    )


def _times(end: float | None, factor: float) -> float | None:
    """An end that is unknown stays unknown."""
    if end is None:
        return None
    found = end * factor
    if not isfinite(found):
        raise ValueError(f"expected a finite value, got {end} times {factor}")
    return found
