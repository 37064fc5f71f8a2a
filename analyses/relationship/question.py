"""How is a slope to be read? Units and signs of CPI and KPI, d, the bound, and the error rate."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the contrasts.

    ``cpi_step`` divides the CPI (its increment, negative where lower is better), ``kpi_sign`` turns the KPI.
    ``smallest_slope`` (d) is in KPI units per increment, ``bound`` in KPI units, None for unknown.
    """

    cpi_step: float
    kpi_sign: int
    smallest_slope: float | None
    bound: float | None
    alpha: float
