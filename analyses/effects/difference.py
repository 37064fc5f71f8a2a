"""What did an arm do to each metric? The difference of means, and the same relative to control."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.gaussian import cdf, upper
from analyses.moments import ArmMeans, Floats
from analyses.results import Estimate, Interval, NotEstimable

type Flags = npt.NDArray[np.bool_]

LOST = 2.0**-50
"""An error below this share of a mean is smaller than the rounding of that mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One treatment arm against control on one measure.

    ``absolute`` is in the units of the measure, arm minus control; ``relative`` is a fraction of the control
    mean (0.05 is five per cent more).
    """

    measure: str
    absolute: Estimate | NotEstimable
    relative: Estimate | NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Means:
    """Means side by side, each with the variance of that mean and the degrees of freedom of that variance.

    ``value``, ``variance`` and ``dof`` are (n,); ``shared`` (n, r) as in ``ArmMeans``.
    """

    value: Floats
    variance: Floats
    dof: Floats
    shared: Floats

    @property
    def whole_variance(self) -> Floats:
        """With what the means share."""
        found: Floats = self.variance + (self.shared**2).sum(axis=1)
        return found


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
    return differences([control], [treatment], alpha=alpha)


def differences(
    controls: Sequence[ArmMeans], treatments: Sequence[ArmMeans], *, alpha: float = 0.05
) -> tuple[Difference, ...]:
    """``difference`` of each treatment and its control, one measure after the other."""
    names = [name for one in controls for name in one.measures]
    found = compared(names, means_in(controls), means_in(treatments), alpha)
    return tuple(
        Difference(measure=name, absolute=absolute, relative=relative)
        for name, absolute, relative in zip(names, *found, strict=True)
    )


def means_in(arms: Sequence[ArmMeans]) -> Means:
    """Every measure of every arm, one after the other."""
    widths = [0 if one.shared is None else one.shared.shape[1] for one in arms]
    shared = np.zeros((sum(len(one.measures) for one in arms), max(widths, default=0)))
    start = 0
    for one, width in zip(arms, widths, strict=True):
        if one.shared is not None:
            shared[start : start + len(one.measures), :width] = one.shared
        start += len(one.measures)
    return Means(
        value=np.concatenate([one.mean for one in arms]),
        variance=np.maximum(np.concatenate([one.covariance.diagonal() for one in arms]), 0.0),
        dof=np.concatenate([one.dof for one in arms]),
        shared=shared,
    )


type Answers = list[Estimate | NotEstimable]


def compared(names: Sequence[str], control: Means, arm: Means, alpha: float) -> tuple[Answers, Answers]:
    """The absolute and the relative effects of ``difference``, of means that stand side by side."""
    with np.errstate(all="ignore"):  # what nothing divides is refused
        dof, error = welch_dof(control, arm), error_of(control, arm)
        why = undecided(names, control, arm, error)
        absolute = students(arm.value - control.value, error, dof, alpha, why)
        relative = _relative(names, control, arm, dof, alpha, constant=why)
    return absolute, relative


def undecided(names: Sequence[str], control: Means, arm: Means, error: Floats) -> list[NotEstimable | None]:
    """Why arms have no difference: neither varies, or its error is less than what rounding does to means."""
    lost = error <= LOST * np.maximum(abs(control.value), abs(arm.value))
    still = (control.variance == 0) & (arm.variance == 0)
    found: list[NotEstimable | None] = [None] * len(names)
    for at in np.flatnonzero(still | lost).tolist():
        found[at] = _constant(names[at]) if still[at] else _drowned(names[at])
    return found


def _constant(name: str) -> NotEstimable:
    return NotEstimable(
        reason="no_variance",
        detail=f"{name} has the same value for every unit of the arm and for every unit of control, "
        "so its uncertainty cannot be estimated",
    )


def _drowned(name: str) -> NotEstimable:
    return NotEstimable(
        reason="no_variance",
        detail=f"{name} varies by less than its means are rounded to: subtract a constant from its values",
    )


def scaled(means: Means, factor: Floats) -> Means:
    """Means in other units."""
    return Means(
        value=means.value * factor,
        variance=means.variance * factor**2,
        dof=means.dof,
        shared=means.shared * factor[:, None],
    )


def welch_dof(control: Means, arm: Means) -> Floats:
    """Welch's degrees of freedom, from shares of the variance so that no square over- or underflows.

    Where neither scatters there is no error to have degrees of: half a share each.
    """
    both = arm.variance + control.variance
    share = np.divide(arm.variance, both, out=np.full(len(both), 0.5), where=both > 0)
    found: Floats = 1.0 / (share**2 / arm.dof + (1.0 - share) ** 2 / control.dof)
    return found


def error_of(control: Means, arm: Means) -> Floats:
    """Standard errors (n,) of arm minus control: what they share cancels out."""
    found: Floats = np.hypot(np.sqrt(arm.variance), np.sqrt(control.variance))
    return found


def error_at(control: Means, arm: Means, factor: Floats) -> Floats:
    """Standard errors (n,) of arm minus factor times control, with what both share."""
    own = np.hypot(np.sqrt(arm.variance), factor * np.sqrt(control.variance))
    common = np.linalg.norm(arm.shared - factor[:, None] * control.shared, axis=1)
    found: Floats = np.hypot(own, common)
    return found


def _relative(
    names: Sequence[str],
    control: Means,
    arm: Means,
    dof: Floats,
    alpha: float,
    *,
    constant: Sequence[NotEstimable | None],
) -> Answers:
    half = quantiles(alpha, control.dof) * np.sqrt(control.whole_variance)
    ratio = arm.value / control.value
    error = error_at(control, arm, ratio) / control.value
    low, far = control.value - half <= 0, ~np.isfinite(abs(ratio) + quantiles(alpha, dof) * error)
    why = list(constant)
    for at in np.flatnonzero(low | far | rounded_away(ratio, error)).tolist():
        base = (float(control.value[at]), float(half[at])) if low[at] else None
        why[at] = why[at] or _no_share(names[at], base, far=bool(far[at]))
    return students(ratio - 1.0, error, dof, alpha, why)


def rounded_away(ratio: Floats, error: Floats) -> Flags:
    """Whether an error is smaller than the rounding of a ratio less 1; so it is where the arm is always 0."""
    found: Flags = error <= LOST * np.maximum(abs(ratio), 1.0)
    return found


def _no_share(name: str, base: tuple[float, float] | None, *, far: bool) -> NotEstimable:
    """Why there is no change in per cent; ``base`` is a control mean that may be 0, and its half interval."""
    if base is not None:
        return near_zero(name, *base)
    if far:
        detail = f"the control mean of {name} is too small to divide by"
        return NotEstimable(reason="control_mean_not_positive", detail=detail)
    return next_to_nothing(name)


def near_zero(name: str, value: float, half: float) -> NotEstimable:
    """Why there is no change in per cent of a control mean ``value`` ± ``half`` that may be 0."""
    return NotEstimable(
        reason="control_mean_not_positive",
        detail=f"a change of {name} in per cent needs a control mean above zero, "
        f"got {value:.6g} ± {half:.3g}",
    )


def next_to_nothing(name: str) -> NotEstimable:
    """Why there is no change in per cent where the arm has next to nothing left to vary."""
    return NotEstimable(
        reason="no_variance", detail=f"{name} is zero for every unit of the arm, or as good as zero"
    )


def students(
    value: Floats, std_error: Floats, dof: Floats, alpha: float, refused: Sequence[NotEstimable | None]
) -> Answers:
    """``student`` of many; where one is refused, why."""
    from scipy.special import stdtr

    half = quantiles(alpha, dof) * std_error
    p_value = 2.0 * stdtr(dof, -abs(value / std_error))
    columns = (value, std_error, value - half, value + half, p_value)
    return [
        why or Estimate(value=v, std_error=e, interval=Interval(lower=low, upper=high), p_value=p)
        for why, v, e, low, high, p in zip(refused, *(one.tolist() for one in columns), strict=True)
    ]


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
    half = upper(alpha / 2.0) * std_error
    return Estimate(
        value=value,
        std_error=std_error,
        interval=Interval(lower=value - half, upper=value + half),
        p_value=2.0 * cdf(-abs(value / std_error)),
    )


def quantile(alpha: float, dof: float) -> float:
    """Student's t that is exceeded on either side with probability ``alpha`` in all."""
    return float(quantiles(alpha, np.array([dof]))[0])


def quantiles(alpha: float, dof: Floats) -> Floats:
    """The same at many degrees of freedom (n,)."""
    from scipy.special import stdtrit

    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")
    found: Floats = -stdtrit(dof, alpha / 2.0)
    return found
