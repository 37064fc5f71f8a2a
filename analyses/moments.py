"""Moments: all that one pass over the data must yield.

Every effect, adjustment and relationship of Leverboard is an exact function of these, whatever the number
of rows. They are kept centred, since sums of products lose all digits once the mean is large.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.results import NotEstimable

type Floats = npt.NDArray[np.float64]

ROUNDING = 1e-12
"""A standard deviation below this share of the mean is the rounding of a constant, not variation."""

NOT_FINITE = "moments must be finite: clean or cap the values before they are summed"

INDICATOR = 1e-9
"""Share by which a sum and a sum of squares may differ and still be of zeros and ones."""

FEWEST_CARRYING = 1.5
"""Effective units below which a ratio is that of one unit: nothing tells how it would vary."""

CANCELLED = 1e-13
"""A variance below this share of the terms that it is the sum of is what their subtraction left."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Count, means and centred cross-products of some columns over the units of one arm (and phase, segment).

    ``mean`` has shape (p,), ``scatter`` (p, p): the sum over units of (x - mean)(x - mean)'.
    """

    columns: tuple[str, ...]
    n: int
    mean: Floats
    scatter: Floats

    def __post_init__(self) -> None:
        p = len(self.columns)
        if len(set(self.columns)) != p:
            raise ValueError(f"column names must differ, got {self.columns}")
        if self.n < 0 or self.mean.shape != (p,) or self.scatter.shape != (p, p):
            raise ValueError(
                f"expected n >= 0, mean ({p},) and scatter ({p}, {p}), "
                f"got n={self.n}, {self.mean.shape} and {self.scatter.shape}"
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.scatter).all()):
            raise ValueError(NOT_FINITE)

    @property
    def covariance(self) -> Floats:
        """Sample covariance (p, p), divisor n - 1; needs two units."""
        if self.n < 2:
            raise ValueError(f"a covariance needs at least 2 units, got {self.n}")
        return self.scatter / (self.n - 1)

    def index(self, column: str) -> int:
        """Where a column stands; ValueError if it is not there."""
        return self.columns.index(column)

    def __add__(self, other: "Moments") -> "Moments":
        """Moments of the pooled units (Chan, Golub & LeVeque 1979, eq. 2.1: stable for any sizes)."""
        if self.columns != other.columns:
            raise ValueError(f"expected the same columns, got {self.columns} and {other.columns}")
        n = self.n + other.n
        if n == 0:
            return self
        shift = other.mean - self.mean
        return Moments(
            columns=self.columns,
            n=n,
            mean=self.mean + shift * (other.n / n),
            scatter=self.scatter + other.scatter + np.outer(shift, shift) * (self.n * other.n / n),
        )


def moments_of(columns: Sequence[str], rows: Floats) -> Moments:
    """Moments of unit rows, shape (n, p), in two passes; values must be finite.

    Distances from the first row are averaged, so that a constant column has no scatter at all.
    """
    rows = np.asarray(rows, dtype=np.float64).reshape(-1, len(columns))
    if not np.isfinite(rows).all():
        raise ValueError(NOT_FINITE)
    n = len(rows)
    origin = rows[0] if n else np.zeros(len(columns))
    distance = rows - origin
    offset = distance.mean(axis=0) if n else origin
    centred = distance - offset
    return Moments(columns=tuple(columns), n=n, mean=origin + offset, scatter=centred.T @ centred)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How a metric is read off the columns: mean(value), or the ratio mean(value) / mean(per).

    ``per`` is the denominator of a ratio metric, or the indicator "observed" of a metric that only some units
    have (value is then 0 where unobserved; error and degrees of freedom are those of the observed units).
    ``covariates`` are columns known before exposure.
    """

    name: str
    value: str
    per: str | None = None
    covariates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmMeans:
    """What one arm says of each measure: its mean, and how uncertain all the means are together.

    ``mean`` (q,) in the units of the measures, ``covariance`` (q, q) of the *means*, not of the units;
    ``dof`` (q,) degrees of freedom of each variance, for Welch's t. ``shared`` (q, r) is what the arms'
    means have in common, per unit of r independent noises of variance 1: where means are adjusted to the
    covariates of all arms, those vary too. It cancels out of a difference and not out of a ratio.
    """

    measures: tuple[str, ...]
    n: int
    mean: Floats
    covariance: Floats
    dof: Floats
    shared: Floats | None = None

    def index(self, measure: str) -> int:
        """Where a measure stands; ValueError if it is not there."""
        return self.measures.index(measure)

    def only(self, at: int) -> "ArmMeans":
        """One of the measures."""
        here = slice(at, at + 1)
        return ArmMeans(
            measures=(self.measures[at],),
            n=self.n,
            mean=self.mean[here],
            covariance=self.covariance[here, here],
            dof=self.dof[here],
            shared=None if self.shared is None else self.shared[here],
        )


def refusal(moments: Moments, measure: Measure) -> NotEstimable | None:
    """Why this measure has no mean in this arm, or None when it has one."""
    if moments.n < 2:
        return NotEstimable(
            reason="too_few_units",
            detail=f"{measure.name} needs at least 2 units in each arm, got {moments.n}",
        )
    if measure.per is None:
        return None
    if moments.mean[moments.index(measure.per)] == 0:
        return NotEstimable(
            reason="never_observed", detail=f"{measure.name} was not observed for any unit of an arm"
        )
    if _carrying(moments, measure.per) < FEWEST_CARRYING:
        return NotEstimable(
            reason="too_few_units",
            detail=f"{measure.name} rests on a single unit of an arm: nothing to compare",
        )
    return None


def observed_units(moments: Moments, measure: Measure) -> float:
    """How many units a measure is a mean over: those that have it, where ``per`` says who has (0 or 1)."""
    if measure.per is None:
        return float(moments.n)
    at = moments.index(measure.per)
    seen = float(moments.mean[at]) * moments.n
    squares = float(moments.scatter[at, at]) + float(moments.mean[at]) * seen
    return seen if abs(squares - seen) <= INDICATOR * abs(seen) else float(moments.n)


def _carrying(moments: Moments, per: str) -> float:
    """Effective number of units behind a denominator, (sum d)^2 / sum d^2 (Kish 1965): 1 if one has all."""
    at, n = moments.index(per), moments.n
    mean = float(moments.mean[at])
    return n / (1.0 + float(moments.scatter[at, at]) / n / mean**2)


def gradients(moments: Moments, measures: Sequence[Measure]) -> Floats:
    """Linear weights (q, p) that turn a unit's columns into its contribution to each measure.

    A mean weighs its column by 1. A ratio R = M / D is linearised: z = (M - R D) / mean(D), whose variance
    over n is the delta-method variance of R (Deng, Knoblich & Lu 2018, arXiv:1803.06336, eq. 3).
    """
    weights = np.zeros((len(measures), len(moments.columns)))
    for row, measure in enumerate(measures):
        value = moments.index(measure.value)
        if measure.per is None:
            weights[row, value] = 1.0
            continue
        per = moments.index(measure.per)
        scale = 1.0 / moments.mean[per]
        weights[row, value] = scale
        weights[row, per] -= scale * (moments.mean[value] * scale)
    return weights


def means_of(moments: Moments, measures: Sequence[Measure]) -> Floats:
    """The mean, or ratio of means, of each measure (q,)."""
    values = np.array([moments.mean[moments.index(m.value)] for m in measures])
    per = np.array([1.0 if m.per is None else moments.mean[moments.index(m.per)] for m in measures])
    means: Floats = values / per
    return means


def unit_covariance(moments: Moments, weights: Floats, means: Floats) -> Floats:
    """Covariance (q, q) between units of linear functionals of the columns, 0 where only rounding is left."""
    covariance = weights @ moments.covariance @ weights.T
    terms = ((abs(weights) @ abs(moments.covariance)) * abs(weights)).sum(axis=1)
    variance = np.diag(covariance)
    varies = (variance > CANCELLED * terms) & (variance > (ROUNDING * means) ** 2)
    kept: Floats = np.where(np.outer(varies, varies), covariance, 0.0)
    return kept


def arm_means(moments: Moments, measures: Sequence[Measure]) -> ArmMeans:
    """Unadjusted means of one arm; ask ``refusal`` first, a measure without a mean raises."""
    for measure in measures:
        if why := refusal(moments, measure):
            raise ValueError(why.detail)
    means = means_of(moments, measures)
    observed = np.array([observed_units(moments, measure) for measure in measures])
    few = few_observed(moments, observed)
    return ArmMeans(
        measures=tuple(m.name for m in measures),
        n=moments.n,
        mean=means,
        covariance=unit_covariance(moments, gradients(moments, measures), means) * few / moments.n,
        dof=observed - 1.0,
    )


def few_observed(moments: Moments, observed: Floats) -> Floats:
    """What a linearised covariance (q, q) of measures over observed units is short of, 1 where all are.

    The delta method divides by n (n - 1) where the mean of the k observed is known to divide by k (k - 1).
    """
    n = float(moments.n)
    short = np.sqrt((n - 1.0) / n * observed / (observed - 1.0))
    found: Floats = np.outer(short, short)
    return found


def stratified(strata: Sequence[ArmMeans], shares: Sequence[float]) -> ArmMeans:
    """One arm over several phases, each weighted by the phase's share of all units, the same for every arm.

    With common weights a change of the arms' shares between phases cannot bias a contrast (Simpson's
    paradox); degrees of freedom by Satterthwaite.
    """
    if len(strata) == 1:
        return strata[0]
    weights = np.asarray(shares, dtype=np.float64)
    if len(weights) != len(strata) or not np.isclose(weights.sum(), 1.0):
        raise ValueError(f"expected {len(strata)} shares that sum to 1, got {shares}")
    variances = np.array([np.diag(s.covariance) for s in strata]) * weights[:, None] ** 2
    dofs = np.array([s.dof for s in strata])
    total = variances.sum(axis=0)
    spread = (variances**2 / dofs).sum(axis=0)
    return ArmMeans(
        measures=strata[0].measures,
        n=sum(s.n for s in strata),
        mean=np.einsum("s,sq->q", weights, np.array([s.mean for s in strata])),
        covariance=np.einsum("s,spq->pq", weights**2, np.array([s.covariance for s in strata])),
        dof=np.where(spread > 0, total**2 / np.where(spread > 0, spread, 1.0), dofs.sum(axis=0)),
        shared=_side_by_side([s.shared for s in strata], weights),
    )


def _side_by_side(shared: Sequence[Floats | None], weights: Floats) -> Floats | None:
    """Strata share nothing with each other."""
    known = [weight * one for one, weight in zip(shared, weights, strict=True) if one is not None]
    return np.hstack(known) if known else None
