"""Which of several KPIs does one CPI move, when each KPI had its own chance to look moved?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyses.multiplicity import Correction, adjusted_p_values
from analyses.relationship.anderson_rubin import minima, statistic
from analyses.relationship.clr import clr_set, p_value, strength
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.instrumental import Overidentification, liml, overidentification
from analyses.relationship.sets import ConfidenceSet
from analyses.relationship.system import System, direction, stack
from analyses.results import NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiSlope:
    """The CPI's slope on one KPI, in units of that KPI per step of the CPI.

    ``set`` holds together with the sets of all other KPIs; ``p_value`` of "slope 0" is this KPI's own,
    ``adjusted`` may be compared with alpha although there are many.
    """

    kpi: str
    estimate: float
    set: ConfidenceSet
    p_value: float
    adjusted: float
    overidentification: Overidentification | NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralKpis:
    """The slopes of one CPI on several KPIs, and those that have none with the reason."""

    cpi: str
    slopes: tuple[KpiSlope, ...]
    refused: tuple[tuple[str, NotEstimable], ...]


def several_kpis(
    contrasts: Sequence[ExperimentContrasts], *, cpi_step: float = 1.0, alpha: float = 0.05
) -> SeveralKpis:
    """The slope of one CPI on each of M KPIs, from contrasts that name the same CPI and a KPI each.

    Question: what else does this CPI move?
    Estimand: for each KPI, KPI effect = slope times CPI effect over all contrasts.
    Assumes: for each KPI by itself, that arms act on it through the CPI alone.
    Formula: the conditional likelihood ratio set at level alpha / M (Bonferroni: all sets cover together);
    its p-value at slope 0, adjusted by Holm over the M KPIs.
    Units: units of each KPI per step of improvement of the CPI.
    Errors: the chance of even one false signal, or one set that misses, is at most alpha under any
    dependence between the KPIs.
    Reference: Moreira (2003), Econometrica 71(4); Holm (1979), Scandinavian Journal of Statistics 6.
    """
    named = [one.metrics[1] for one in contrasts]
    if len(set(named)) < len(named) or len({one.metrics[0] for one in contrasts}) != 1:
        raise ValueError(f"expected one CPI and different KPIs, got {[one.metrics[:2] for one in contrasts]}")
    systems = {one.metrics[1]: stack([one], cpi_step, 1.0) for one in contrasts}
    usable = {kpi: one for kpi, one in systems.items() if isinstance(one, System)}
    p_values = {kpi: _p_at_zero(one) for kpi, one in usable.items()}
    adjusted = adjusted_p_values(p_values, correction=Correction.HOLM)
    return SeveralKpis(
        cpi=contrasts[0].metrics[0],
        slopes=tuple(
            KpiSlope(
                kpi=kpi,
                estimate=liml(one).estimate,
                set=clr_set(one, alpha / len(usable)),
                p_value=p_values[kpi],
                adjusted=adjusted[kpi],
                overidentification=overidentification(one),
            )
            for kpi, one in usable.items()
        ),
        refused=tuple((kpi, one) for kpi, one in systems.items() if isinstance(one, NotEstimable)),
    )


def _p_at_zero(system: System) -> float:
    """Of the test whose set ``clr_set`` is."""
    from scipy.special import chdtrc

    zero = np.array([0.0])
    at = statistic(system, direction(zero))
    if system.size == 1:
        return float(chdtrc(1, at[0]))
    lr = np.maximum(at - statistic(system, direction(minima(system)[:1])), 0.0)
    return float(min(max(p_value(lr, strength(system, zero), system.size)[0], 0.0), 1.0))
