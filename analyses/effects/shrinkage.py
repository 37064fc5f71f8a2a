"""How far do true effects scatter, once the noise of their estimates is taken off? No scipy: pages ask."""

from collections.abc import Callable, Sequence
from math import exp, hypot, log, sqrt

_GOLDEN = (sqrt(5.0) - 1.0) / 2.0
_NARROW = 1e-11

FEWEST = 5
"""Effects below which their spread says next to nothing about the next one."""


def spread_of_effects(values: Sequence[float], errors: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation of the next true effect, from estimates and their errors above zero.

    value_i ~ N(m, error_i^2 + t^2); t maximises the restricted likelihood times t, by a golden-section search
    over its logarithm; m is the weighted mean, and the variance t^2 + var(m). ``past_prior`` says why.
    """
    centre = sum(values) / len(values)
    spread = sqrt(sum((v - centre) ** 2 for v in values) / len(values))
    scale = hypot(spread, max(errors))
    t2 = exp(2 * _minimum(lambda u: _unlikely(u, values, errors), log(scale) - 12, log(scale) + 3))
    weights = [1.0 / (s**2 + t2) for s in errors]
    total = sum(weights)
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / total
    return mean, sqrt(t2 + 1.0 / total)


def _unlikely(log_t: float, values: Sequence[float], errors: Sequence[float]) -> float:
    """Minus the logarithm of the restricted likelihood times t."""
    weights = [1.0 / (s**2 + exp(2 * log_t)) for s in errors]
    total = sum(weights)
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / total
    misfit = sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True))
    return (misfit - sum(map(log, weights)) + log(total)) / 2.0 - log_t


def _minimum(of: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one valley has it."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = of(left), of(right)
    while high - low > _NARROW * (1 + abs(low) + abs(high)):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = of(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = of(right)
    return (low + high) / 2
