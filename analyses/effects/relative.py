"""By what share did an arm change a metric, where the control mean is too uncertain for the delta method?"""

from collections.abc import Sequence

import numpy as np

from analyses.effects.difference import (
    Means,
    error_at,
    error_of,
    means_in,
    near_zero,
    next_to_nothing,
    quantiles,
    rounded_away,
    scaled,
    undecided,
    welch_dof,
)
from analyses.moments import ArmMeans, Floats
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
    return fieller_of(control.measures, means_in([control]), means_in([treatment]), alpha)


def fieller_of(
    names: Sequence[str], control: Means, arm: Means, alpha: float
) -> tuple[Estimate | NotEstimable, ...]:
    """``fieller`` of means that stand side by side."""
    from scipy.special import stdtr

    with np.errstate(all="ignore"):  # what nothing divides is refused
        above = control.value > 0
        ratio = np.where(above, arm.value / control.value, 0.0)
        error = error_at(control, arm, ratio)
        t = np.where(above, quantiles(alpha, welch_dof(scaled(control, ratio), arm)), 0.0)
        room = control.value**2 - t**2 * control.whole_variance
        lower, upper = (end / room - 1.0 for end in _roots(control, arm, t, room))
        difference = abs(arm.value - control.value) / error_of(control, arm)
        p_value = 2.0 * stdtr(welch_dof(control, arm), -difference)
        columns = (ratio - 1.0, error / control.value, lower, upper, p_value)
    why = undecided(names, control, arm, error_of(control, arm))
    little = above & rounded_away(ratio, columns[1])
    for at in np.flatnonzero(little | (room <= 0) | ~above | ~np.isfinite(columns[1])).tolist():
        half = float(t[at] * np.sqrt(control.whole_variance[at]))
        none = (
            next_to_nothing(names[at]) if little[at] else near_zero(names[at], float(control.value[at]), half)
        )
        why[at] = why[at] or none
    return tuple(
        refused or Estimate(value=v, std_error=e, interval=Interval(lower=low, upper=high), p_value=p)
        for refused, v, e, low, high, p in zip(why, *(one.tolist() for one in columns), strict=True)
    )


def _roots(control: Means, arm: Means, t: Floats, room: Floats) -> tuple[Floats, Floats]:
    """Where (m1 - x m0)^2 - t^2 (v1 - 2 x c + x^2 v0) is zero, times ``room``, m0^2 - t^2 v0."""
    v0, v1, c = control.whole_variance, arm.whole_variance, (control.shared * arm.shared).sum(axis=1)
    centre = control.value * arm.value - t**2 * c
    rest = v1 * room + v0 * arm.value**2 - 2.0 * c * control.value * arm.value + t**2 * c**2
    half = t * np.sqrt(np.maximum(rest, 0.0))
    return centre - half, centre + half
