"""Is it shown that an arm does no harm worth speaking of?"""

from dataclasses import dataclass
from math import hypot, sqrt

from analyses.effects.difference import Mean, mean_at, quantile, welch_dof
from analyses.effects.relative import scaled
from analyses.moments import ArmMeans
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
    if better not in (1, -1) or (relative and not -1 < margin < 1):
        raise ValueError(
            f"expected better 1 or -1 and a relative margin within ±1, got {better} and {margin}"
        )
    base, arm = mean_at(control, control.index(measure)), mean_at(treatment, treatment.index(measure))
    if base.variance == arm.variance == 0:
        return NotEstimable(
            reason="no_variance", detail=f"{measure} has the same value for every unit of an arm"
        )
    if relative and base.value <= 0:
        return NotEstimable(
            reason="control_mean_not_positive",
            detail=f"a margin of {measure} in per cent needs a control mean above zero, got {base.value:.6g}",
        )
    factor, added = (1.0 - better * margin, 0.0) if relative else (1.0, margin)
    p_value = _one_sided(scaled(base, factor), arm, better, added, relative=relative)
    error = hypot(sqrt(base.variance), sqrt(arm.variance))
    return NonInferiority(
        measure=measure,
        margin=margin,
        relative=relative,
        p_value=p_value,
        worst=arm.value - base.value - better * quantile(2 * alpha, welch_dof(base, arm)) * error,
        holds=p_value < alpha,
    )


def _one_sided(base: Mean, arm: Mean, better: int, margin: float, *, relative: bool) -> float:
    from scipy.special import stdtr

    common = [a - b for a, b in zip(arm.shared, base.shared, strict=True)] if relative else []
    error = hypot(sqrt(base.variance), sqrt(arm.variance), *common)
    reassurance = better * (arm.value - base.value) + margin
    return float(stdtr(welch_dof(base, arm), -reassurance / error))
