"""Is it shown that an arm does no harm worth speaking of?"""

from dataclasses import dataclass

import numpy as np

from analyses.effects.difference import (
    Means,
    error_at,
    error_of,
    means_in,
    quantiles,
    scaled,
    undecided,
    welch_dof,
)
from analyses.moments import ArmMeans, Floats
from analyses.results import NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class NonInferiority:
    """One guardrail against its margin.

    ``p_value`` is one-sided: the chance of data this reassuring, were the harm as large as the margin.
    ``worst`` is the one-sided bound of the effect on the harmful side, in the units of the measure.
    """

    measure: str
    margin: float
    relative: bool
    p_value: float
    worst: float
    holds: bool


def non_inferiority(
    control: ArmMeans,
    treatment: ArmMeans,
    measure: str,
    *,
    margin: float,
    better: int = 1,
    relative: bool = False,
    alpha: float = 0.05,
) -> NonInferiority | NotEstimable:
    """Whether a guardrail worsened by less than its registered margin; with margin 0, whether it improved.

    Question: may the arm be shipped without harm to this metric that anybody would mind?
    Estimand: better (E[arm] - E[control]) > -margin; with ``relative``, the margin is a share of the control
    mean. ``better`` is 1 where higher is better, -1 where lower is.
    Assumes: units randomised and independent; means near normal; margin fixed before the data. One-sided at
    ``alpha``: not significantly worse is no proof of no harm, this is.
    Formula: T = better (m1 - k m0) + margin over sqrt(v1 + k^2 v0), Student's with Welch's degrees of
    freedom; k = 1, or 1 - better margin and no margin added where it is relative (so nothing is divided).
    Reference: Piaggio et al. (2012), JAMA 308(24) (CONSORT for non-inferiority); Welch (1947), Biometrika 34.

    >>> import numpy as np
    >>> from analyses.moments import Measure, arm_means, moments_of
    >>> speed = (Measure(name="speed", value="speed"),)
    >>> draw = np.random.default_rng(3)
    >>> control, arm = (arm_means(moments_of(["speed"], draw.normal(10, 1, 900)), speed) for _ in "01")
    >>> non_inferiority(control, arm, "speed", margin=0.2).holds
    True
    """
    from scipy.special import stdtr

    if better not in (1, -1) or (relative and not -1 < margin < 1):
        raise ValueError(
            f"expected better 1 or -1 and a relative margin within ±1, got {better} and {margin}"
        )
    base, arm = (means_in([one.only(one.index(measure))]) for one in (control, treatment))
    if why := undecided([measure], base, arm, error_of(base, arm))[0]:
        return why
    if relative and base.value[0] <= 0:
        return NotEstimable(
            reason="control_mean_not_positive",
            detail=f"a margin of {measure} in per cent needs a control mean above zero, "
            f"got {base.value[0]:.6g}",
        )
    room = room_of(base, arm, margin, better, relative=relative)
    p_value = float(stdtr(room.dof, -room.value / room.std_error)[0])
    far = quantiles(2 * alpha, welch_dof(base, arm)) * error_of(base, arm)
    return NonInferiority(
        measure=measure,
        margin=margin,
        relative=relative,
        p_value=p_value,
        worst=float((arm.value - base.value - better * far)[0]),
        holds=p_value < alpha,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Room:
    """What is left between arms and the harm that is still accepted (n,): better (m1 - k m0) + margin."""

    value: Floats
    std_error: Floats
    dof: Floats


def room_of(control: Means, arm: Means, margin: float, better: int, *, relative: bool) -> Room:
    """The room left; a relative margin scales the control mean, so that nothing is divided."""
    factor = np.full(len(arm.value), 1.0 - better * margin if relative else 1.0)
    base = scaled(control, factor)
    return Room(
        value=better * (arm.value - base.value) + (0.0 if relative else margin),
        std_error=error_at(control, arm, factor) if relative else error_of(control, arm),
        dof=welch_dof(base, arm),
    )
