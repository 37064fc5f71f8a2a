"""What slope do many experiments agree on when each may differ from it, or act on the KPI past the CPI?

Every statistic here is a sum over experiments of terms that have mean zero at the true slope, compared with
its own spread over experiments: nothing is assumed of why experiments differ, only that they are independent.
With several arms in an experiment their terms are summed first, so that the experiment counts once.
"""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from analyses.moments import Floats
from analyses.relationship.blocks import solved
from analyses.relationship.clusters import Clusters
from analyses.relationship.crossings import crossings
from analyses.relationship.sets import ConfidenceSet, Shape, from_arcs, invert
from analyses.relationship.system import direction
from analyses.results import NotEstimable

STEPS = np.geomspace(1e-6, pi / 2, 48)  # distances from the estimate at which an end is looked for
NEWTON = 60
CERTAIN = 1e12  # a t that experiments give which do not differ at all, but from 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """What each experiment contributes: ``x`` and ``y`` (J,), with E(y - slope x) = 0 at the true slope."""

    x: Floats
    y: Floats
    df: int
    slope_unit: float

    @property
    def angle(self) -> float:
        """Sum y / sum x, as the angle of a slope in scaled metrics."""
        total: float = np.arctan2(self.y.sum(), self.x.sum())
        return float((total + pi / 2) % pi - pi / 2)

    @property
    def estimate(self) -> float:
        """Sum y / sum x in real units."""
        return float(np.tan(self.angle) * self.slope_unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intercept:
    """Does the KPI move where the CPI does not? Jackknife t of the intercept over experiments."""

    statistic: float
    df: int
    p_value: float


def total_covariance(clusters: Clusters) -> Terms:
    """TC: x = w (a^2 - s_aa) and y = w (a b - s_ab), w = 1 / s_aa; the noise that a and b share is taken out.

    Unbiased for the covariance of the true effects, however weak they are (Bibaut, Chou, Ejdemyr & Kallus
    2024, arXiv 2402.17637). Orientation is arm minus control: turning a to be positive would bring bias back.
    """
    s_aa, s_ab = _diagonal(clusters, 1, 1), _diagonal(clusters, 1, 0)
    b, a = clusters.effects[:2]
    w = clusters.present / s_aa
    x, y = (w * (a**2 - s_aa)).sum(axis=1), (w * (a * b - s_ab)).sum(axis=1)
    return Terms(x=x, y=y, df=clusters.count - 1, slope_unit=clusters.slope_unit)


def egger(clusters: Clusters) -> Terms:
    """Egger-TC: the same with a and b centred, so that a direct effect common to all contrasts drops out.

    x = f a_c^2 - s_aa, y = f a_c b_c - s_ab with f = K / (K - 1). Noise that arms of one experiment share
    stays in their mean, so an experiment's correction is f (tr S - 1'S1 / K): s_aa itself for a single arm.
    """
    k = clusters.contrasts
    here, f = clusters.present, k / (k - 1)
    b, a = ((e - e[here > 0].mean()) * here for e in clusters.effects[:2])
    x = f * ((a * a).sum(axis=1) - _centred_noise(clusters, 1, 1))
    y = f * ((a * b).sum(axis=1) - _centred_noise(clusters, 1, 0))
    return Terms(x=x, y=y, df=clusters.count - 2, slope_unit=clusters.slope_unit)


def _diagonal(clusters: Clusters, left: int, right: int) -> Floats:
    diagonal: Floats = np.diagonal(clusters.covariance[left, right], axis1=-2, axis2=-1)
    return diagonal


def _centred_noise(clusters: Clusters, left: int, right: int) -> Floats:
    """Tr S - 1'S1 / K of each experiment, over its arms and not its padding."""
    trace, whole = _noise(clusters, left, right)
    return trace - whole / clusters.contrasts


def _noise(clusters: Clusters, left: int, right: int) -> tuple[Floats, Floats]:
    """Tr S (J,) and 1'S1 (J,)."""
    here, S = clusters.present, clusters.covariance[left, right]
    trace: Floats = (_diagonal(clusters, left, right) * here).sum(axis=1)
    whole: Floats = np.einsum("jk,jkl,jl->j", here, S, here)
    return trace, whole


def fieller(terms: Terms, alpha: float) -> ConfidenceSet:
    """Slopes z at which the mean of y - z x over experiments is not refuted by its t statistic.

    {z : (Ybar - z Xbar)^2 <= t^2 (S_YY - 2 z S_XY + z^2 S_XX) / J}: Fieller's set with estimated covariance.
    It holds with slopes that differ by experiment and direct effects independent of the CPI effects (INSIDE).
    """
    limit = t_quantile(terms.df, alpha) ** 2

    def excess(angles: Floats) -> Floats:
        squared, variance = mean_residual(terms, angles)
        return squared - limit * variance

    return invert(excess, np.array([terms.angle]), terms.slope_unit)


def mean_residual(terms: Terms, angles: Floats) -> tuple[Floats, Floats]:
    """The mean of y - z x, squared, and its variance, (n,) each and both times cos^2: t^2 is their ratio."""
    w, mean = direction(angles), np.array([terms.y.mean(), terms.x.mean()])
    covariance = np.cov(terms.y, terms.x) / len(terms.x)
    return (w @ mean) ** 2, np.einsum("nm,ml,nl->n", w, covariance, w)


def t_quantile(df: int, alpha: float) -> float:
    """The two-sided critical value of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 1 - alpha / 2))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Score:
    """The random-effects score at n slopes: its t statistic (n,) and the tau2 (n,) behind its weights."""

    t: Floats
    tau2: Floats


def random_effects_score(clusters: Clusters, angles: Floats) -> Score:
    """T = sum u / sqrt(J var u), u = a*' (V + tau2)^-1 r summed over the arms of an experiment.

    a* = a - Cov(a, r) (V + tau2)^-1 r is independent of r, so that its noise cannot pull the test; tau2 is
    Paule & Mandel's at the same slope. Contrasts that differ for their own reasons weigh by V + tau2.
    """
    w = direction(angles)
    r, V = clusters.residual(w)
    cov = clusters.between(np.broadcast_to([0.0, 1.0], w.shape), w)
    tau2 = paule_mandel(r, V, clusters.contrasts)
    widened = V + tau2[:, None, None, None] * np.eye(V.shape[-1])
    q = solved(widened, r)
    independent = clusters.effects[1] - (cov @ q[..., None])[..., 0]
    u = (independent * q).sum(axis=-1)
    whole, error = u.sum(axis=1), np.sqrt(clusters.count * u.var(axis=1, ddof=1))
    t = np.divide(whole, error, out=np.sign(whole) * CERTAIN, where=error > abs(whole) / CERTAIN)
    return Score(t=t, tau2=tau2)


def paule_mandel(r: Floats, V: Floats, contrasts: int) -> Floats:
    """tau2 (n,) >= 0 with sum r' (V + tau2 I)^-1 r = K: Paule & Mandel (1982), the mean known to be 0.

    The sum falls and is convex in tau2, with derivative -q'q, q = (V + tau2 I)^-1 r, so that Newton's method
    climbs to the root from 0. Slopes whose root is found are asked no more.
    """
    unit, tau2, moving = np.eye(V.shape[-1]), np.zeros(len(r)), np.arange(len(r))
    for _ in range(NEWTON):
        q = solved(V + tau2[moving, None, None, None] * unit, r)
        excess = (r * q).sum(axis=(1, 2)) - contrasts
        step = np.where(excess > 0, excess / np.maximum((q**2).sum(axis=(1, 2)), 1e-300), 0.0)
        tau2[moving] += step
        left = step > 1e-12 * tau2[moving]
        if not left.any():
            break
        if not left.all():
            moving, r, V = moving[left], r[left], V[left]
    return tau2


def score_set(clusters: Clusters, near: float, alpha: float) -> ConfidenceSet:
    """The component around an angle (the TC estimate's) of the slopes that the score's t does not refute.

    Scores have far zeros that mean nothing, hence one component; the whole line where it has no two ends
    within half a turn.
    """
    limit = t_quantile(clusters.count - 1, alpha)

    def excess(angles: Floats) -> Floats:
        return np.abs(random_effects_score(clusters, angles).t) - limit

    angles = near + np.concatenate([-STEPS[::-1], [0.0], STEPS])
    values = excess(angles)
    inside = np.flatnonzero(values <= 0)
    if not inside.size:
        return ConfidenceSet(shape=Shape.EMPTY, pieces=())
    edges = []
    for side in (-1, 1):
        last = int(inside[np.argmin(np.abs(inside - len(STEPS)))])
        while 0 <= last + side < len(angles) and last + side in inside:
            last += side
        if not 0 <= last + side < len(angles):
            return ConfidenceSet(shape=Shape.LINE, pieces=((None, None),))
        edges.append((last, last + side))
    within, beyond = np.array(edges).T
    found = crossings(excess, (angles[within], angles[beyond]), (values[within], values[beyond]))
    start, end = ((found + pi / 2) % pi - pi / 2).tolist()
    return from_arcs([start], [end], clusters.slope_unit)


def intercept(clusters: Clusters) -> Intercept | NotEstimable:
    """T of the KPI's mean effect minus Egger's slope times the CPI's, by leaving out each experiment in turn.

    Flagged at p < .10 it says that some of the KPI's movement is common to all contrasts. Not estimable where
    the contrasts' CPI effects do not differ: nothing then tells an intercept from a slope.
    """
    from scipy.special import stdtr

    sums = _sums(clusters)
    whole = sums.sum(axis=1, keepdims=True)
    spread, crossing = _line(clusters, np.hstack([whole, whole - sums]))
    if spread.min() <= 0:
        return NotEstimable(reason="doses_alike", detail="the contrasts move the CPI by too similar amounts")
    pseudo = clusters.count * crossing[0] - (clusters.count - 1) * crossing[1:]
    error = sqrt(pseudo.var(ddof=1) / clusters.count)
    if error == 0:
        return NotEstimable(reason="experiments_alike", detail="no experiment moves the intercept at all")
    t = float(pseudo.mean() / error)
    df = clusters.count - 2
    return Intercept(statistic=t, df=df, p_value=float(2 * stdtr(df, -abs(t))))


def _sums(clusters: Clusters) -> Floats:
    """What Egger's line adds up over experiments (9, J), with a and b centred to keep their digits."""
    here = clusters.present
    b, a = ((e - e[here > 0].mean()) * here for e in clusters.effects[:2])
    products = [term.sum(axis=1) for term in (here, a, b, a * a, a * b)]
    return np.array([*products, *_noise(clusters, 1, 1), *_noise(clusters, 1, 0)])


def _line(clusters: Clusters, sums: Floats) -> tuple[Floats, Floats]:
    """Egger's sum of x without f (n,), and the KPI effect at a CPI effect of zero (n,), of n sets of sums."""
    k, a, b, aa, ab, tr_aa, all_aa, tr_ab, all_ab = sums
    x = aa - a**2 / k - tr_aa + all_aa / k
    y = ab - a * b / k - tr_ab + all_ab / k
    kpi, cpi = clusters.effects[:2, clusters.present > 0].mean(axis=1)
    slope = y / np.where(x > 0, x, np.inf)
    return x, kpi + b / k - slope * (cpi + a / k)
