"""The normal distribution without scipy: what is planned over HTTP is computed in the API's own process."""

from collections.abc import Callable
from functools import cache
from math import erfc, exp, lgamma, log, sqrt
from statistics import NormalDist

import numpy as np

from analyses.moments import Floats

STANDARD = NormalDist()
_ERFC = np.frompyfunc(erfc, 1, 1)


def cdf(z: float) -> float:
    """Chance of a standard normal at most z; accurate in both tails.

    >>> round(cdf(-1.959963984540054), 12)
    0.025
    """
    return erfc(-z / sqrt(2.0)) / 2.0


def cdfs(z: Floats) -> Floats:
    """The same of many."""
    found: Floats = np.asarray(_ERFC(-z / sqrt(2.0)), dtype=np.float64) / 2.0
    return found


def upper(chance: float) -> float:
    """The number that a standard normal exceeds with this chance.

    >>> round(upper(0.025), 6)
    1.959964
    """
    return -STANDARD.inv_cdf(chance)


def root(short: Callable[[float], float], low: float, high: float, tolerance: float = 1e-13) -> float:
    """Where a function that changes its sign once between the ends is zero.

    Inverse quadratic interpolation where three points allow it, else halving, so that it always converges:
    Chandrupatla (1997), Advances in Engineering Software 28(3).

    >>> round(root(lambda x: x**3 - 2.0, 0.0, 9.0), 12)
    1.259921049895
    """
    a, b = high, low
    fa, fb = short(a), short(b)
    if (fa < 0) == (fb < 0):
        raise ValueError(f"expected a change of sign between {low} and {high}")
    share = 0.5
    while abs(b - a) > tolerance * max(1.0, abs(low), abs(high)):
        x = a + share * (b - a)
        fx = short(x)
        if fx == 0.0 or x in (a, b):
            return x
        if (fx < 0) == (fa < 0):
            c, fc = a, fa
        else:
            c, fc, b, fb = b, fb, a, fa
        a, fa = x, fx
        share = _next_share((a, fa), (b, fb), (c, fc), tolerance)
    return (a + b) / 2.0


def _next_share(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], tolerance: float
) -> float:
    """How far from a towards b the next point lies: interpolated where the three points bend little."""
    (xa, fa), (xb, fb), (xc, fc) = a, b, c
    near = tolerance / (2.0 * abs(xb - xa)) if xb != xa else 0.5
    bend, rise = (xa - xb) / (xc - xb), (fa - fb) / (fc - fb)
    if not (rise**2 < bend and (1.0 - rise) ** 2 < 1.0 - bend):
        return 0.5
    share = fa / (fb - fa) * fc / (fb - fc) + (xc - xa) / (xb - xa) * fa / (fc - fa) * fb / (fc - fb)
    return min(max(share, near), 1.0 - near) if near < 0.5 else 0.5


@cache
def legendre(points: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss and Legendre between -1 and 1."""
    return np.polynomial.legendre.leggauss(points)


def chi_square_exceeds(value: float, df: float, noncentrality: float = 0.0) -> float:
    """Chance that a (non-central) chi-square exceeds a value: a Poisson mixture of central ones.

    >>> round(chi_square_exceeds(3.841458820694124, 1), 10), round(chi_square_exceeds(5.0, 2, 3.0), 6)
    (0.05, 0.405939)
    """
    if noncentrality == 0:
        return 1.0 - _lower_gamma(df / 2.0, value / 2.0)
    mean, total, seen, terms = noncentrality / 2.0, 0.0, 0.0, 0
    first = max(0, int(mean - 10 * sqrt(mean) - 20))
    while seen < 1.0 - 1e-14 and terms < 100_000:
        at = first + terms
        weight = exp(at * log(mean) - mean - lgamma(at + 1))
        total += weight * (1.0 - _lower_gamma(df / 2.0 + at, value / 2.0))
        seen, terms = seen + weight, terms + 1
        if at > mean and weight < 1e-17:
            break
    return min(max(total, 0.0), 1.0)


def chi_square_quantile(chance: float, df: float) -> float:
    """The value that a chi-square exceeds with this chance.

    >>> round(chi_square_quantile(0.10, 2), 6)
    4.60517
    """
    return root(lambda x: chance - chi_square_exceeds(x, df), 0.0, 10.0 * df + 200.0)


def _lower_gamma(a: float, x: float) -> float:
    """Regularised lower incomplete gamma: its series below a + 1, the continued fraction above (DLMF 8.9)."""
    if x <= 0:
        return 0.0
    scale = exp(a * log(x) - x - lgamma(a))
    if x < a + 1.0:
        term = total = 1.0 / a
        step = a
        while abs(term) > abs(total) * 1e-17:
            step += 1.0
            term *= x / step
            total += term
        return total * scale
    tiny = 1e-300
    b, c = x + 1.0 - a, 1.0 / tiny
    d = 1.0 / b
    found = d
    for i in range(1, 10_000):
        an = -i * (i - a)
        b += 2.0
        d = 1.0 / (an * d + b or tiny)
        c = b + an / c or tiny
        found *= d * c
        if abs(d * c - 1.0) < 1e-16:
            break
    return 1.0 - scale * found
