"""By what share did an arm change a metric, where the control mean is too uncertain for the delta method?"""

from math import hypot, isfinite, sqrt

from analyses.effects.difference import (
    Mean,
    mean_at,
    quantile,
    shared_covariance,
    welch_dof,
)
from analyses.moments import ArmMeans
from analyses.results import Estimate, Interval, NotEstimable


def fieller(
    control: ArmMeans, treatment: ArmMeans, *, alpha: float = 0.05
) -> tuple[Estimate | NotEstimable, ...]:
    """Relative effect on each measure with Fieller's interval: its sides are as uneven as the data are.

    Question: by what share did this arm change the average unit?
    Estimand: E[measure | arm] / E[measure | control] - 1 (0.05 is five per cent more).
    Assumes: units randomised and independent; means near normal. Unlike the delta method, no assumption that
    the control mean lies far from zero.
    Formula: all x with (m1 - x m0)^2 <= t^2 (v1 - 2 x c + x^2 v0), less 1; c is 0 but for adjusted means,
    whose common part is in v0, v1 and c; t Student's with Welch's degrees of
    freedom at x = m1/m0. Refused unless the control mean lies above zero by more than t errors, since the set
    is unbounded there. The standard error is the delta method's; the p-value is that of the difference
    (x = 1), so it and the interval agree but for the degrees of freedom.
    Reference: Fieller (1954), JRSS B 16(2).

    >>> import numpy as np
    >>> from analyses.moments import Measure, arm_means, moments_of
    >>> revenue = (Measure(name="revenue", value="revenue"),)
    >>> control = arm_means(moments_of(["revenue"], np.array([8.0, 10.0, 12.0, 10.0])), revenue)
    >>> variant = arm_means(moments_of(["revenue"], np.array([12.0, 15.0, 12.0, 13.0])), revenue)
    >>> effect = fieller(control, variant)[0]
    >>> round(effect.value, 3), round(effect.interval.lower, 3), round(effect.interval.upper, 3)
    (0.3, 0.022, 0.694)
    """
    if control.measures != treatment.measures:
        raise ValueError(f"expected the same measures, got {control.measures} and {treatment.measures}")
    return tuple(
        fieller_of(name, mean_at(control, at), mean_at(treatment, at), alpha)
        for at, name in enumerate(control.measures)
    )


def scaled(mean: Mean, factor: float) -> Mean:
    """A mean in other units."""
    return Mean(
        value=mean.value * factor,
        variance=mean.variance * factor**2,
        dof=mean.dof,
        shared=tuple(part * factor for part in mean.shared),
    )


def fieller_of(name: str, control: Mean, arm: Mean, alpha: float) -> Estimate | NotEstimable:
    """``fieller`` of one measure."""
    if control.variance == arm.variance == 0:
        return NotEstimable(
            reason="no_variance", detail=f"{name} has the same value for every unit of an arm"
        )
    ratio = arm.value / control.value if control.value > 0 else 0.0
    common = [a - ratio * c for a, c in zip(arm.shared, control.shared, strict=True)]
    error = hypot(sqrt(arm.variance), ratio * sqrt(control.variance), *common)
    if control.value > 0 and error == 0:
        return NotEstimable(reason="no_variance", detail=f"{name} is zero for every unit of the arm")
    base = Mean(value=arm.value, variance=control.variance * ratio**2, dof=control.dof)
    t = quantile(alpha, welch_dof(base, arm)) if control.value > 0 else 0.0
    v0 = control.variance + shared_covariance(control, control)
    v1, c = arm.variance + shared_covariance(arm, arm), shared_covariance(control, arm)
    room = control.value**2 - t**2 * v0
    if control.value <= 0 or room <= 0 or not isfinite(error / control.value):
        return NotEstimable(
            reason="control_mean_not_positive",
            detail=f"a change of {name} in per cent needs a control mean above zero, "
            f"got {control.value:.6g} ± {t * sqrt(v0):.3g}",
        )
    # (m1 - x m0)^2 - t^2 (v1 - 2 x c + x^2 v0) has its roots at (centre ± half) / room
    centre = control.value * arm.value - t**2 * c
    rest = v1 * room + v0 * arm.value**2 - 2.0 * c * control.value * arm.value + t**2 * c**2
    half = t * sqrt(max(rest, 0.0))
    return Estimate(
        value=ratio - 1.0,
        std_error=error / control.value,
        interval=Interval(lower=(centre - half) / room - 1.0, upper=(centre + half) / room - 1.0),
        p_value=_p_value(control, arm),
    )


def _p_value(control: Mean, arm: Mean) -> float:
    from scipy.special import stdtr

    error = hypot(sqrt(arm.variance), sqrt(control.variance))
    return float(2.0 * stdtr(welch_dof(control, arm), -abs(arm.value - control.value) / error))
