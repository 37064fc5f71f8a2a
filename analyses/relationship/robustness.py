"""How strong must something unmeasured be to explain an observational slope away?"""

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True, kw_only=True)
class Robustness:
    """Of one regression coefficient: shares of residual variance, each between 0 and 1.

    ``partial_r2`` of the treatment with the outcome; ``value`` is the robustness value RV_q: confounders
    that explain this share of both treatment and outcome take a share q of the estimate away;
    ``value_alpha`` the share that already makes it indistinguishable from that at level alpha.
    """

    partial_r2: float
    value: float
    value_alpha: float


def robustness(t: float, dof: float, *, q: float = 1.0, alpha: float = 0.05) -> Robustness:
    """Robustness values of a coefficient from its t statistic and residual degrees of freedom.

    Question: how strong must confounding be to explain this association away?
    Estimand: the smallest partial R2 with both treatment and outcome that brings the estimate to (1 - q) of
    itself, and, with alpha, into the interval around it.
    Assumes: ordinary least squares, linear confounding.
    Formula: f = q |t| / sqrt(dof), RV = (sqrt(f^4 + 4 f^2) - f^2) / 2; with alpha f is reduced by
    t*(alpha, dof - 1) / sqrt(dof - 1), RV = 0 where nothing is left; where f exceeds the inverse of that
    critical value RV_alpha is (f^2 - f*^2) / (1 + f^2) instead. partial R2 = t^2 / (t^2 + dof).
    Units: shares.
    Reference: Cinelli & Hazlett (2020), JRSS B 82(1), section 4.2 and, for the boundary case, Cinelli &
    Hazlett (2025), Biometrika 112(2), section 4.

    >>> found = robustness(4.18445, 783)  # peace index on being harmed, Darfur (table 1 of the paper)
    >>> round(100 * found.value, 1), round(100 * found.value_alpha, 1), round(100 * found.partial_r2, 1)
    (13.9, 7.6, 2.2)
    """
    from scipy.special import stdtrit

    if dof <= 1 or not 0 < alpha < 1 or q <= 0:
        raise ValueError(f"expected dof > 1, 0 < alpha < 1 and q > 0, got {dof}, {alpha} and {q}")
    f, critical = q * abs(t) / sqrt(dof), float(stdtrit(dof - 1, 1 - alpha / 2)) / sqrt(dof - 1)
    return Robustness(partial_r2=t**2 / (t**2 + dof), value=_share(f), value_alpha=_share_alpha(f, critical))


def _share(f: float) -> float:
    """RV of f: the root of RV^2 / (1 - RV) = f^2, without cancellation where f is large."""
    return 2 * f / (sqrt(f**2 + 4) + f) if f > 0 else 0.0


def _share_alpha(f: float, critical: float) -> float:
    if f <= critical:
        return 0.0
    if f > 1 / critical > 0:
        return (f**2 - critical**2) / (1 + f**2)
    return _share(f - critical)


def e_value(risk_ratio: float) -> float:
    """The risk ratio that a confounder needs with both treatment and outcome to explain one away.

    Question: how strong must confounding be to explain a risk ratio away?
    Estimand: the smallest risk ratio of a confounder with treatment and with outcome that does.
    Assumes: the risk ratio is adjusted for what was measured; a binary outcome.
    Formula: RR + sqrt(RR (RR - 1)) with RR >= 1, of the inverse of one below 1.
    Units: risk ratios.
    Errors: of the estimate itself; take the interval's end for one that counts its noise.
    Reference: VanderWeele & Ding (2017), Annals of Internal Medicine 167(4).

    >>> round(e_value(3.9), 2)  # breastfeeding and respiratory death, the paper's example
    7.26
    """
    if risk_ratio <= 0:
        raise ValueError(f"expected a risk ratio > 0, got {risk_ratio}")
    rr = max(risk_ratio, 1 / risk_ratio)
    return rr + sqrt(rr * (rr - 1))
