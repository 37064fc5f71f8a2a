"""What did an arm do to each metric? The difference of means, and the same relative to control."""

from dataclasses import dataclass
from functools import lru_cache
from math import hypot, isfinite, sqrt, sumprod

from analyses.moments import ArmMeans
from analyses.results import Estimate, Interval, NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One treatment arm against control on one measure.

    ``absolute`` is in the units of the measure, arm minus control; ``relative`` is a fraction of the control
    mean (0.05 is five per cent more).
    """

    measure: str
    absolute: Estimate | NotEstimable
    relative: Estimate | NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean with the variance of that mean and the degrees of freedom of that variance."""

    value: float
    variance: float
    dof: float
    shared: tuple[float, ...] = ()


def difference(control: ArmMeans, treatment: ArmMeans, *, alpha: float = 0.05) -> tuple[Difference, ...]:
    """Effect of one arm on each measure, arm minus control.

    Question: by how much did this arm change the average unit?
    Estimand: E[measure | arm] - E[measure | control], in the units of the measure, not re-signed.
    Assumes: units randomised and independent of each other; means near normal.
    Formula: t = (m1 - m0) / sqrt(v1 + v0), v the variance of each arm's mean, Student's t with
    (v1 + v0)^2 / (v1^2 / df1 + v0^2 / df0) degrees of freedom. The relative effect m1/m0 - 1 has variance
    v1/m0^2 + m1^2 v0/m0^4 (delta method; of adjusted means, besides, what both arms share: |s1 - (m1/m0)
    s0|^2 / m0^2) and the same degrees of freedom; it is refused unless the control
    mean's own interval lies above zero, since a share of nothing, or of a negative, is no size.
    Reference: Welch (1947), Biometrika 34; Deng, Knoblich & Lu (2018), arXiv:1803.06336, section 2.

    >>> import numpy as np
    >>> from analyses.moments import Measure, arm_means, moments_of
    >>> revenue = (Measure(name="revenue", value="revenue"),)
    >>> control = arm_means(moments_of(["revenue"], np.array([8.0, 10.0, 12.0, 10.0])), revenue)
    >>> variant = arm_means(moments_of(["revenue"], np.array([12.0, 15.0, 12.0, 13.0])), revenue)
    >>> effect = difference(control, variant)[0]
    >>> effect.absolute.value, round(effect.absolute.p_value, 3), round(effect.relative.value, 3)
    (3.0, 0.033, 0.3)
    """
    if control.measures != treatment.measures:
        raise ValueError(f"expected the same measures, got {control.measures} and {treatment.measures}")
    return tuple(
        compare(name, mean_at(control, at), mean_at(treatment, at), alpha)
        for at, name in enumerate(control.measures)
    )


def mean_at(arm: ArmMeans, at: int) -> Mean:
    """One measure of an arm."""
    return Mean(
        value=float(arm.mean[at]),
        variance=max(float(arm.covariance[at, at]), 0.0),
        dof=float(arm.dof[at]),
        shared=() if arm.shared is None else tuple(arm.shared[at].tolist()),
    )


def shared_covariance(one: Mean, other: Mean) -> float:
    """What two adjusted means have in common: both move with the covariates of all units."""
    return sumprod(one.shared, other.shared)


def compare(name: str, control: Mean, arm: Mean, alpha: float) -> Difference:
    """``difference`` of one measure."""
    if control.variance == arm.variance == 0:
        why = NotEstimable(
            reason="no_variance",
            detail=f"{name} has the same value for every unit of the arm and for every unit of control, "
            "so its uncertainty cannot be estimated",
        )
        return Difference(measure=name, absolute=why, relative=why)
    dof = welch_dof(control, arm)
    error = hypot(sqrt(arm.variance), sqrt(control.variance))
    return Difference(
        measure=name,
        absolute=student(arm.value - control.value, error, dof, alpha),
        relative=_relative(name, control, arm, dof, alpha),
    )


def welch_dof(control: Mean, arm: Mean) -> float:
    """Welch's degrees of freedom, from shares of the variance so that no square over- or underflows."""
    share = arm.variance / (arm.variance + control.variance)
    return 1.0 / (share**2 / arm.dof + (1.0 - share) ** 2 / control.dof)


def _relative(name: str, control: Mean, arm: Mean, dof: float, alpha: float) -> Estimate | NotEstimable:
    half = quantile(alpha, control.dof) * sqrt(control.variance + shared_covariance(control, control))
    if control.value - half <= 0:
        return NotEstimable(
            reason="control_mean_not_positive",
            detail=f"a change of {name} in per cent needs a control mean above zero, "
            f"got {control.value:.6g} ± {half:.3g}",
        )
    ratio = arm.value / control.value
    common = [a - ratio * c for a, c in zip(arm.shared, control.shared, strict=True)]
    error = hypot(sqrt(arm.variance), ratio * sqrt(control.variance), *common) / control.value
    if not isfinite(abs(ratio) + quantile(alpha, dof) * error):
        return NotEstimable(
            reason="control_mean_not_positive", detail=f"the control mean of {name} is too small to divide by"
        )
    if error == 0:
        return NotEstimable(reason="no_variance", detail=f"{name} is zero for every unit of the arm")
    return student(ratio - 1.0, error, dof, alpha)


def student(value: float, std_error: float, dof: float, alpha: float) -> Estimate:
    """An estimate whose error is Student's t with ``dof`` degrees of freedom; ``std_error`` above zero."""
    from scipy.special import stdtr

    half = quantile(alpha, dof) * std_error
    return Estimate(
        value=value,
        std_error=std_error,
        interval=Interval(lower=value - half, upper=value + half),
        p_value=float(2.0 * stdtr(dof, -abs(value / std_error))),
    )


def normal(value: float, std_error: float, alpha: float) -> Estimate:
    """An estimate whose error is normal with a known standard error above zero.

    >>> effect = normal(1.96, 1.0, 0.05)
    >>> round(effect.p_value, 3), round(effect.interval.lower, 3)
    (0.05, 0.0)
    """
    from scipy.special import ndtr, ndtri

    half = float(-ndtri(alpha / 2.0)) * std_error
    return Estimate(
        value=value,
        std_error=std_error,
        interval=Interval(lower=value - half, upper=value + half),
        p_value=float(2.0 * ndtr(-abs(value / std_error))),
    )


@lru_cache(maxsize=4096)  # arms of one size share it over all metrics
def quantile(alpha: float, dof: float) -> float:
    """Student's t that is exceeded on either side with probability ``alpha`` in all."""
    from scipy.special import stdtrit

    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")
    return float(-stdtrit(dof, alpha / 2.0))
