"""What did one change do to several outcomes at once, and which slope between two of them does that allow?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyses.effects.difference import quantile, student
from analyses.moments import Floats
from analyses.relationship.sets import ConfidenceSet, invert
from analyses.relationship.system import direction
from analyses.results import Estimate, NotEstimable

NOTHING = 1e-12  # of an outcome's own size: what is left of it is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Effects of one change on M outcomes in their raw units, with the errors' covariance and freedom.

    ``covariance`` (M, M) is that of the effects; ``dof`` the degrees of freedom behind it.
    """

    outcomes: tuple[str, ...]
    effects: tuple[Estimate, ...]
    covariance: tuple[tuple[float, ...], ...]
    dof: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QuasiSlope:
    """KPI units per raw CPI unit if the change reached the KPI through the CPI alone."""

    value: float
    confidence: ConfidenceSet


def shift_of(
    outcomes: Sequence[str], values: Floats, covariance: Floats, dof: float, alpha: float
) -> Shift | NotEstimable:
    """The effects (M,) with their covariance (M, M); an outcome without error has no interval."""
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    if not np.isfinite(values).all() or not np.isfinite(errors).all():
        return NotEstimable(reason="not_finite", detail="the numbers are too large to be computed with")
    still = np.flatnonzero(errors <= NOTHING * np.maximum(np.abs(values), 1.0))
    if len(still):
        detail = f"{outcomes[still[0]]} does not vary but by the change, so it has no sampling error"
        return NotEstimable(reason="no_variation", detail=detail)
    return Shift(
        outcomes=tuple(outcomes),
        effects=tuple(
            student(float(value), float(error), dof, alpha)
            for value, error in zip(values, errors, strict=True)
        ),
        covariance=tuple(tuple(map(float, row)) for row in covariance),
        dof=dof,
    )


def quasi_slope(shift: Shift, cpi: str, kpi: str, *, alpha: float = 0.05) -> QuasiSlope | NotEstimable:
    """The slope that a change nobody randomised implies, with the slopes its errors allow.

    Question: had the change reached the KPI only through the CPI, how much KPI would a unit of CPI be worth?
    Estimand: (effect on the KPI) / (effect on the CPI).
    Assumes: what the design behind ``shift`` assumes, and no way from the change to the KPI but the CPI.
    Formula: all z with (b - z a)^2 <= t^2 (V_bb - 2 z V_ab + z^2 V_aa), t Student's with the shift's freedom.
    Units: KPI units per raw CPI unit, before direction and increment.
    Errors: the set is the whole line, or open, where the CPI's own effect is not told from none.
    Reference: Fieller (1954), JRSS B 16(2); Anderson & Rubin (1949), Annals of Mathematical Statistics 20.
    """
    at = [shift.outcomes.index(name) for name in (kpi, cpi)]
    values = np.array([shift.effects[k].value for k in at])
    V = np.array(shift.covariance)[np.ix_(at, at)]
    if values[1] == 0:
        return NotEstimable(reason="cpi_not_moved", detail=f"the change did not move {cpi} at all")
    unit = np.sqrt(np.diag(V))
    m, C = values / unit, V / np.outer(unit, unit)
    limit = quantile(alpha, shift.dof) ** 2

    def excess(angles: Floats) -> Floats:
        w = direction(angles)
        found: Floats = (w @ m) ** 2 - limit * np.einsum("nm,ml,nl->n", w, C, w)
        return found

    seed = np.array([np.arctan2(m[0], m[1])])
    return QuasiSlope(
        value=float(values[0] / values[1]), confidence=invert(excess, seed, float(unit[0] / unit[1]))
    )
