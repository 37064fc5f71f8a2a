"""What may be said of an effect while its experiment still runs, however often somebody looks?"""

from dataclasses import dataclass
from functools import lru_cache
from math import exp, log, log1p, sqrt

from analyses.results import Estimate, Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Anytime:
    """An effect as it stands at one look, valid at all looks together.

    ``interval`` belongs to a confidence sequence: the chance that it ever misses the effect, at any look, is
    alpha. ``p_value`` is 1/E, at most 1: it may be read at any look, and so may the smallest one so far.
    ``log_e_value`` is the logarithm of the E value, the evidence against no effect. ``planned_units`` is what
    the sequence was tuned for, shown because the widths follow from it.
    """

    value: float
    std_error: float
    interval: Interval
    p_value: float
    log_e_value: float
    units: int
    planned_units: int


def anytime(effect: Estimate, *, units: int, planned_units: int, alpha: float = 0.05) -> Anytime:
    """An effect that may be looked at after every unit.

    Question: what does the effect look like today, if we reserve the right to look again tomorrow?
    Estimand: that of ``effect``; its fixed interval and p-value are replaced, its value and error kept.
    Assumes: units (all arms together, in the order in which they came) independent; an effect near normal at
    the *first* look, hundreds of units an arm: the guarantee is asymptotic. ``planned_units`` was fixed
    before the data; it tunes the widths and does not limit the looks.
    Formula: value ± z(n) std_error with z(n) of ``anytime_quantile``; E = exp(x z^2 / (2 (x + 1))) /
    sqrt(x + 1), z = value / std_error, x = n rho^2: E >= 1/alpha where the interval excludes zero.
    Units: those of the effect.
    Reference: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Annals of Statistics 52(6);
    arXiv:2103.06476v7, equations 9 (interval), 155 (E value) and 161 (tuning).

    >>> from analyses.effects.difference import normal
    >>> today = anytime(normal(0.03, 0.01, 0.05), units=20_000, planned_units=40_000)
    >>> round(today.p_value, 3), round(today.interval.lower, 4), round(today.interval.upper, 4)
    (0.061, -0.0008, 0.0608)
    """
    if effect.std_error == 0:
        raise ValueError("an effect without an error has no evidence to weigh")
    tuned = _tuned(units, planned_units, alpha)
    half, z = tuned.quantile * effect.std_error, effect.value / effect.std_error
    evidence = tuned.weight * z**2 - tuned.cost
    return Anytime(
        value=effect.value,
        std_error=effect.std_error,
        interval=Interval(lower=effect.value - half, upper=effect.value + half),
        p_value=exp(-max(evidence, 0.0)),
        log_e_value=evidence,
        units=units,
        planned_units=planned_units,
    )


def anytime_quantile(units: int, planned_units: int, alpha: float = 0.05) -> float:
    """What stands where a fixed interval has 1.96: half-width of the confidence sequence, in standard errors.

    sqrt(2 (x + 1) / x * ln(sqrt(x + 1) / alpha)) with x = n rho^2. Its square replaces the chi-square
    quantile wherever one linear combination of effects is tested at any time (the residual r(b) of a slope).

    >>> round(anytime_quantile(40_000, 40_000) / 1.96, 3)
    1.549
    """
    return _tuned(units, planned_units, alpha).quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tuned:
    """What one look makes of any effect: its half-width in standard errors, and ln E = weight z^2 - cost."""

    quantile: float
    weight: float
    cost: float


@lru_cache(maxsize=4096)  # one look at all metrics has one
def _tuned(units: int, planned_units: int, alpha: float) -> _Tuned:
    if units < 1:
        raise ValueError(f"a look needs at least one unit, got {units}")
    x = units * _rho_squared(planned_units, alpha)
    return _Tuned(
        quantile=sqrt((x + 1.0) / x * (log1p(x) - 2.0 * log(alpha))),
        weight=x / (2.0 * (x + 1.0)),
        cost=log1p(x) / 2.0,
    )


def _rho_squared(planned_units: int, alpha: float) -> float:
    """The tuning that makes the sequence narrowest at the planned size (arXiv:2103.06476v7, eq. 161)."""
    if planned_units < 1:
        raise ValueError(f"the plan needs at least one unit, got {planned_units}")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")
    return (-2.0 * log(alpha) + log1p(-2.0 * log(alpha))) / planned_units
