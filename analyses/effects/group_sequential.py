"""Where must an effect lie to stop early, when a few looks were planned?"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, e, inf, log1p, sqrt

import numpy as np

from analyses.gaussian import cdf, cdfs, legendre, root, upper
from analyses.moments import Floats
from analyses.results import Estimate, Interval

FAR = 9.0
"""Standard errors beyond which a normal tail (1e-19) is nothing."""


class Spending(StrEnum):
    """How much of alpha may be used up by when."""

    OBRIEN_FLEMING = "obrien_fleming"
    """Hardly any early: the last look costs almost nothing."""
    POCOCK = "pocock"
    """Evenly: stopping early is easier, the last look costs more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """One look: the share of the planned information, and how many standard errors decide there.

    ``quantile`` is None where so little may be spent that no number of errors decides; ``spent`` is the alpha
    used up to and including this look.
    """

    fraction: float
    quantile: float | None
    spent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLook:
    """An effect at one planned look, and whether it may stop the experiment.

    ``interval`` is the repeated confidence interval, valid at all looks together; open where the look cannot
    stop anything.
    """

    value: float
    std_error: float
    interval: Interval
    crossed: bool
    fraction: float


def boundaries(
    fractions: Sequence[float], *, spending: Spending = Spending.OBRIEN_FLEMING, alpha: float = 0.05
) -> tuple[Boundary, ...]:
    """The standard errors that decide at each look, two-sided and symmetric.

    Question: how large must the effect be today, if alpha has to last for all planned looks?
    Estimand: c_k with P(|Z_j| <= c_j for j < k, |Z_k| > c_k) = the alpha newly spent at look k, when there is
    no effect.
    Assumes: estimates near normal whose errors shrink with units as planned (independent increments);
    ``fractions`` are information so far over information planned, ascending. Number and times of looks need
    not be known in advance, but must not depend on the effect seen. A look past the plan (fraction above 1)
    spends all that is left.
    Formula: each side spends alpha/2 as 2 - 2 Phi(z_{alpha/4} / sqrt(t)) (O'Brien-Fleming) or
    alpha/2 ln(1 + (e - 1) t) (Pocock); boundaries by recursive numerical integration over the region in which
    the experiment goes on.
    Reference: Lan & DeMets (1983), Biometrika 70(3); Reboussin, DeMets, Kim & Lan (2000), Controlled Clinical
    Trials 21; Jennison & Turnbull (1999), Group sequential methods, ch. 19.

    >>> [round(b.quantile, 2) for b in boundaries([0.25, 0.5, 0.75, 1.0])]
    [4.33, 2.96, 2.36, 2.01]
    """
    _check(fractions, alpha)
    walk, found, used = _Walk.start(), list[Boundary](), 0.0
    for fraction in fractions:
        spent = _spent(min(fraction, 1.0), spending, alpha)
        new = spent - used
        ahead = walk.after(fraction)
        quantile = inf
        if ahead.beyond(FAR) < new:
            quantile = _quantile(ahead, new)
            used = spent
        found.append(Boundary(fraction=fraction, quantile=None if quantile == inf else quantile, spent=used))
        walk = ahead.inside(min(quantile, FAR))
    return tuple(found)


def _quantile(ahead: "_Walk", chance: float) -> float:
    return root(lambda c: ahead.beyond(c) - chance, 0.0, FAR, 1e-11)


def planned_look(effect: Estimate, boundary: Boundary) -> PlannedLook:
    """An effect against its look's boundary, with the repeated confidence interval value ± c std_error.

    Its chance to miss the effect at any of the looks is alpha, stopped or not (Jennison & Turnbull 1989, JRSS
    B 51(3)).

    >>> from analyses.effects.difference import normal
    >>> half_way = boundaries([0.5, 1.0])[0]
    >>> planned_look(normal(3.0, 1.0, 0.05), half_way).crossed
    True
    """
    c = boundary.quantile
    if c is None:
        return PlannedLook(
            value=effect.value,
            std_error=effect.std_error,
            interval=Interval(lower=None, upper=None),
            crossed=False,
            fraction=boundary.fraction,
        )
    half = c * effect.std_error
    return PlannedLook(
        value=effect.value,
        std_error=effect.std_error,
        interval=Interval(lower=effect.value - half, upper=effect.value + half),
        crossed=abs(effect.value) > half,
        fraction=boundary.fraction,
    )


def stopping_chances(
    looks: Sequence[Boundary], drift: float, *, above_only: bool = False
) -> tuple[float, ...]:
    """Chance to have stopped by each look; the last is the power, or alpha where there is no effect.

    ``drift`` is the effect over its standard error at full information. ``above_only`` counts stops at the
    upper boundary alone: an answer on that side, which no stop at the lower one can give any more.

    >>> [round(p, 2) for p in stopping_chances(boundaries([0.5, 1.0]), 2.8)]
    [0.16, 0.8]
    """
    walk, stopped, chances = _Walk.start(), 0.0, list[float]()
    for look in looks:
        c = FAR + abs(drift) if look.quantile is None else look.quantile
        ahead = walk.after(look.fraction)
        stopped += ahead.above(c, drift) if above_only else ahead.beyond(c, drift)
        walk = ahead.inside(c, drift)
        chances.append(stopped)
    return tuple(chances)


def inflation(looks: Sequence[Boundary], *, alpha: float = 0.05, target: float = 0.8) -> float:
    """By what the units of a test with one look are multiplied to keep its power with these looks.

    >>> round(inflation(boundaries([0.25, 0.5, 0.75, 1.0])), 3)
    1.02
    """
    z = upper(alpha / 2)
    one = root(lambda d: cdf(d - z) + cdf(-d - z) - target, 0.0, z + FAR)
    many = root(lambda d: stopping_chances(looks, d)[-1] - target, 0.0, 2 * (z + FAR), 1e-9)
    return (many / one) ** 2


def _check(fractions: Sequence[float], alpha: float) -> None:
    steps = np.diff([0.0, *fractions])
    if not len(fractions) or steps.min() < 1e-4:
        raise ValueError(f"expected looks at growing shares of the information, got {list(fractions)}")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")


def _spent(fraction: float, spending: Spending, alpha: float) -> float:
    if spending is Spending.POCOCK:
        return alpha * log1p((e - 1.0) * fraction)
    return 4.0 * cdf(-upper(alpha / 4.0) / sqrt(fraction))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Walk:
    """Brownian motion B(t) that has not crossed yet: its density as weighted points at the last look.

    Where the next look is under consideration, ``step`` is the information until then. With a drift d the
    motion moves by d for each unit of information.
    """

    points: Floats
    mass: Floats
    fraction: float
    step: float = 0.0

    @classmethod
    def start(cls) -> "_Walk":
        return cls(points=np.zeros(1), mass=np.ones(1), fraction=0.0)

    def after(self, fraction: float) -> "_Walk":
        return _Walk(points=self.points, mass=self.mass, fraction=fraction, step=fraction - self.fraction)

    def beyond(self, c: float, drift: float = 0.0) -> float:
        """Chance to lie outside ±c standard errors at the look ahead."""
        edge, centre, sd = c * sqrt(self.fraction), self.points + drift * self.step, sqrt(self.step)
        return float(self.mass @ (cdfs((centre - edge) / sd) + cdfs((-edge - centre) / sd)))

    def above(self, c: float, drift: float) -> float:
        """Chance to lie above c standard errors at the look ahead."""
        edge, centre = c * sqrt(self.fraction), self.points + drift * self.step
        return float(self.mass @ cdfs((centre - edge) / sqrt(self.step)))

    def inside(self, c: float, drift: float = 0.0) -> "_Walk":
        """The motion at the look ahead, kept where it does not cross."""
        sd = sqrt(self.step)
        low = max(-c * sqrt(self.fraction), float(self.points[0]) + drift * self.step - FAR * sd)
        high = min(c * sqrt(self.fraction), float(self.points[-1]) + drift * self.step + FAR * sd)
        if low >= high:
            return _Walk(points=np.zeros(1), mass=np.zeros(1), fraction=self.fraction)
        nodes, weights = legendre(40 * ceil((high - low) / (8.0 * sd)))  # few sizes: each is kept
        points = (high + low) / 2 + (high - low) / 2 * nodes
        distance = (points[:, None] - self.points - drift * self.step) / sd
        density = np.exp(-(distance**2) / 2) @ self.mass / (sd * sqrt(2 * np.pi))
        return _Walk(points=points, mass=density * weights * (high - low) / 2, fraction=self.fraction)
