"""Did the arms move the CPI at all?"""

import numpy as np

from analyses.moments import Floats
from analyses.relationship.contrast import ExperimentContrasts
from analyses.results import Check, NotEstimable
from analyses.validity.chi_square import ChiSquare


def first_stage(metric: str, shifts: Floats, covariance: Floats, *, alpha: float = 0.05) -> Check:
    """Whether the CPI moved in the arms that were to move it; informs, and gates nothing.

    Question: is there any movement of the CPI from which a slope could be learned?
    Estimand: none; a test that every shift is zero. ``shifts`` (K,) arm minus control in CPI units, placebos
    left out, ``covariance`` (K, K) theirs.
    Assumes: shifts near normal with known covariance.
    Formula: a'V^-1 a, chi-square with K degrees of freedom (K times the F of instrument strength).
    A weak first stage needs no gate: Anderson-Rubin and CLR sets hold at any strength and merely grow wide.
    Reference: Andrews, Stock & Sun (2019), Annual Review of Economics 11, section 3.

    >>> import numpy as np
    >>> first_stage("quote time", np.array([0.4]), np.array([[0.01]])).passed
    True
    """
    name = "first_stage"
    if not shifts.size:
        return Check(name=name, passed=None, detail="no arm was meant to move the CPI", gates=False)
    variances = np.diag(covariance)
    if (variances <= 0).any():
        detail = f"{metric} does not vary, so its shift has no error"
        return Check(name=name, passed=None, detail=detail, gates=False)
    scale = np.sqrt(variances)  # arms may vary on very different scales: one outlier is enough
    correlation = covariance / np.outer(scale, scale)
    if np.linalg.matrix_rank(correlation, hermitian=True) < len(shifts):
        detail = (
            f"the arms' shifts of {metric} have one error in common that drowns what tells them apart: look "
            "for an outlier in the control arm, and cap it"
        )
        return Check(name=name, passed=None, detail=detail, gates=False)
    z = shifts / scale
    wald = float(z @ np.linalg.solve(correlation, z))
    test = ChiSquare(statistic=wald, df=len(shifts), fewest=np.inf)
    text = f"{test.text}, F = {wald / len(shifts):,.4g}"
    if test.p_value < alpha:
        return Check(name=name, passed=True, detail=f"the arms moved {metric} ({text})", gates=False)
    return Check(
        name=name,
        passed=False,
        detail=f"no arm moved {metric} beyond chance ({text}): intervals of the slope will be wide or "
        "unbounded; use a stronger mechanism or more units",
        gates=False,
    )


def first_stage_of(
    metric: str, contrasts: ExperimentContrasts | NotEstimable, *, alpha: float = 0.05
) -> Check:
    """``first_stage`` of an experiment's contrasts: their CPI, in the arms that are no placebo."""
    if isinstance(contrasts, NotEstimable):
        return Check(name="first_stage", passed=None, detail=contrasts.detail, gates=False)
    moving = [k for k, arm in enumerate(contrasts.arms) if not arm.placebo]
    covariance = contrasts.covariance[:, 0, :, 0][moving][:, moving]
    return first_stage(metric, contrasts.effects[moving, 0], covariance, alpha=alpha)
