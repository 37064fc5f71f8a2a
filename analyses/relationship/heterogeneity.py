"""Do experiments differ in slope by more than noise, by how much, and what would a new one show?"""

from dataclasses import dataclass

import numpy as np

from analyses.moments import Floats
from analyses.relationship.blocks import solved
from analyses.relationship.clusters import Clusters, statistic
from analyses.relationship.system import direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Heterogeneity:
    """Q = min AR with its p-value, I2 (the share of Q beyond noise), and the spread of slopes.

    ``tau`` is the standard deviation of slopes between experiments in real units; ``p_new_positive`` the
    chance that a new experiment's slope has the sign of the hypothesis, at the estimates (their own
    uncertainty is not in it).
    """

    q: float
    df: int
    p_value: float
    i_squared: float
    tau: float
    p_new_positive: float


def spread(clusters: Clusters, least: float, estimate: float) -> Heterogeneity:
    """All of it. ``least`` is the angle of the least AR, ``estimate`` the angle of the mean slope.

    Q is chi-squared with K - 1 degrees of freedom when one slope fits all contrasts and no arm acts on the
    KPI past the CPI. I2 = max(0, 1 - (K - 1) / Q) (Higgins & Thompson 2002); P(new > 0) = Phi(mean / tau).
    """
    from scipy.special import chdtrc, ndtr

    q, df = float(statistic(clusters, direction(np.array([least])))[0]), clusters.contrasts - 1
    tau, mean = slope_spread(clusters, estimate), float(np.tan(estimate))
    toward = 0.5 + 0.5 * np.sign(mean) if tau == 0 else ndtr(mean / tau)
    return Heterogeneity(
        q=q,
        df=df,
        p_value=float(chdtrc(df, q)),
        i_squared=max(0.0, 1 - df / q) if q > 0 else 0.0,
        tau=tau * clusters.slope_unit,
        p_new_positive=float(toward),
    )


def slope_spread(clusters: Clusters, estimate: float) -> float:
    """Tau >= 0 with sum s^2 / (I + tau^2 I^2) = J - 1, in scaled metrics: Paule & Mandel on the scores.

    An experiment's score at the mean slope, s = a*' V^-1 r, has variance I = a*' V^-1 a* from noise and
    tau^2 I^2 more where its slope differs; its ratio b / a, whose noise is not normal, is never formed.
    """
    from scipy.optimize import brentq

    s, information = scores(clusters, estimate)

    def excess(tau2: float) -> float:
        return float((s**2 / (information + tau2 * information**2)).sum()) - (clusters.count - 1)

    if excess(0.0) <= 0:
        return 0.0
    enough = float((s**2 / information**2).sum())
    # r is cos(angle) (b - slope a): dividing by the cosine makes it a difference in slope
    return float(np.sqrt(brentq(excess, 0.0, enough, rtol=1e-12)) / abs(np.cos(estimate)))


def scores(clusters: Clusters, angle: float, widened: float = 0.0) -> tuple[Floats, Floats]:
    """Score and information of every experiment that moved the CPI, at one slope; V ``widened`` if asked."""
    w = direction(np.array([angle]))
    r, V = clusters.residual(w)
    V = V + widened * np.eye(V.shape[-1])
    q = solved(V, r)
    cov = clusters.between(np.array([[0.0, 1.0]]), w)
    independent = clusters.effects[1] - (cov @ q[..., None])[..., 0]
    s = (independent * q).sum(axis=-1)[0]
    information = (independent * solved(V, independent)).sum(axis=-1)[0]
    return s[information > 0], information[information > 0]
