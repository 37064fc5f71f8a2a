"""What does a rule that treats units on one side of a threshold do to those right at it?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.moments import Floats
from analyses.quasi.shift import Shift, shift_of
from analyses.results import Check, NotEstimable

FEWEST = 25  # distinct values of the score within the bandwidth on either side
TRIANGULAR = 3.4375  # Imbens & Kalyanaraman's constant of the triangular kernel at an edge
NARROWER = 1 / 20  # power of n by which a bandwidth for coverage is below one for squared error
BINS = 10  # of the density's check, on either side

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Threshold:
    """N units with a score (N,) and M outcomes (N, M); those with ``score >= cutoff`` met the change."""

    outcomes: tuple[str, ...]
    score: Floats
    values: Floats
    cutoff: float

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.score), len(self.outcomes)):
            raise ValueError(f"expected outcomes for {len(self.score)} units, got {self.values.shape}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Discontinuity:
    """The jump at the threshold, the bandwidth it was read in, units within it on either side, and checks."""

    jump: Shift
    bandwidth: float
    units: tuple[int, int]
    checks: tuple[Check, ...]


def regression_discontinuity(
    threshold: Threshold, *, alpha: float = 0.05, bandwidth: float | None = None
) -> Discontinuity | NotEstimable:
    """Effects of a rule at its threshold, for units right at it.

    Question: how far apart are units just above and just below, beyond how outcomes change with the score?
    Estimand: the limits of the mean outcome from above less from below, at the threshold.
    Assumes: nobody places himself exactly above or below; nothing else changes there; means are smooth in the
    score elsewhere. Says nothing of units far from the threshold.
    Formula: triangular weights within h of the threshold; h is Imbens and Kalyanaraman's for a local line,
    the smallest over the outcomes, times n^(-1/20), which is best for coverage; the jump is of local
    parabolas, which is the local line's with its bias taken off and counted in the error (Calonico, Cattaneo
    and Titiunik with equal bandwidths).
    Units: those of the outcomes; the bandwidth in units of the score.
    Errors: normal, from HC2 residuals; with several outcomes one bandwidth and their joint covariance.
    Reference: Imbens & Kalyanaraman (2012), Review of Economic Studies 79(3); Calonico, Cattaneo & Titiunik
    (2014), Econometrica 82(6), remark 7; Calonico, Cattaneo & Farrell (2020), Econometrics Journal 23(2).
    """
    x = threshold.score - threshold.cutoff
    refused = _refusal(threshold, x)
    if refused:
        return refused
    h = bandwidth or min(_bandwidth(x, y) for y in threshold.values.T)
    near = np.abs(x) < h
    sides = [near & (x < 0), near & (x >= 0)]
    if min(len(np.unique(x[side])) for side in sides) < FEWEST:
        detail = f"within {h:.3g} of the threshold there are too few different scores on one side"
        return NotEstimable(reason="too_few_units", detail=detail)
    jump = _jump(threshold.outcomes, x, threshold.values, h, alpha)
    if isinstance(jump, NotEstimable):
        return jump
    return Discontinuity(
        jump=jump,
        bandwidth=float(h),
        units=(int(sides[0].sum()), int(sides[1].sum())),
        checks=(_crowded(x, h, alpha), *_elsewhere(threshold, x, alpha)),
    )


def _refusal(threshold: Threshold, x: Floats) -> NotEstimable | None:
    if not np.isfinite(x).all() or not np.isfinite(threshold.values).all():
        return NotEstimable(
            reason="missing_cell", detail="every unit needs a score and a value of each outcome"
        )
    if min(len(np.unique(x[x < 0])), len(np.unique(x[x >= 0]))) < FEWEST:
        detail = f"at least {FEWEST} different scores are needed on either side of the threshold"
        return NotEstimable(reason="too_few_units", detail=detail)
    flat = np.flatnonzero(np.ptp(threshold.values, axis=0) == 0)
    if len(flat):
        return NotEstimable(reason="no_variation", detail=f"{threshold.outcomes[flat[0]]} never varies")
    return None


def _bandwidth(x: Floats, y: Floats) -> float:
    """Imbens & Kalyanaraman's (2012, section 4.2) for a local line, narrowed for coverage."""
    n, below = len(x), x < 0
    first = 1.84 * float(x.std(ddof=1)) * n**-0.2
    close = [side & (np.abs(x) <= first) for side in (below, ~below)]
    density = sum(int(side.sum()) for side in close) / (2 * n * first)
    noise = [float(y[side].var(ddof=1)) for side in close]
    third = 6 * np.linalg.lstsq(np.column_stack([np.ones(n), ~below, x, x**2, x**3]), y, rcond=None)[0][4]
    curvature, doubt = [], 0.0
    for side, variance in zip((below, ~below), noise, strict=True):
        m = int(side.sum())
        wide = 3.56 * (variance / (density * max(third**2, 1e-30))) ** (1 / 7) * m ** (-1 / 7)
        inside = side & (np.abs(x) <= max(wide, np.sort(np.abs(x[side]))[min(FEWEST, m) - 1]))
        curvature.append(2 * np.polynomial.polynomial.polyfit(x[inside], y[inside], 2)[2])
        doubt += 2160 * variance / (inside.sum() * min(wide, np.abs(x[side]).max()) ** 4)
    bias = (curvature[1] - curvature[0]) ** 2 + doubt
    return float(TRIANGULAR * (sum(noise) / (density * bias)) ** 0.2 * n ** (-0.2 - NARROWER))


def _edge(x: Floats, Y: Floats, h: float, side: Flags) -> tuple[Floats, Floats]:
    """The parabola's value at the threshold from one side (M,), and its covariance (M, M)."""
    here = side & (np.abs(x) < h)
    u, values = x[here] / h, Y[here]
    X, w = np.column_stack([np.ones(len(u)), u, u**2]), 1 - np.abs(u)
    inverse = np.linalg.inv((X * w[:, None]).T @ X)
    pull = (X * w[:, None]) @ inverse  # (n, 3): what each unit's outcome does to the coefficients
    left = values - X @ (pull.T @ values)
    leverage = np.einsum("ni,ni->n", pull, X)
    score = pull[:, :1] * left / np.sqrt(np.maximum(1 - leverage, 1e-6))[:, None]
    return pull[:, 0] @ values, score.T @ score


def _jump(outcomes: tuple[str, ...], x: Floats, Y: Floats, h: float, alpha: float) -> Shift | NotEstimable:
    centre = Y.mean(axis=0)
    low, high = _edge(x, Y - centre, h, x < 0), _edge(x, Y - centre, h, x >= 0)
    spare = int((np.abs(x) < h).sum()) - 6
    return shift_of(outcomes, high[0] - low[0], high[1] + low[1], float(spare), alpha)


def _crowded(x: Floats, h: float, alpha: float) -> Check:
    """Whether units crowd on one side of the threshold: somebody may choose his side (McCrary 2008).

    Counts in bins follow a line on each side, by Poisson regression; the jump of its logarithm is tested.
    """
    import statsmodels.api as sm

    edges = np.linspace(-h, h, 2 * BINS + 1)
    counts = np.histogram(x, edges)[0]
    middle, above = (edges[:-1] + edges[1:]) / (2 * h), (edges[:-1] >= -1e-12).astype(float)
    if (counts == 0).any():
        detail = "scores lie too far apart, or on too few values, for a density"
        return Check(name="not_crowded", passed=None, detail=detail, gates=False)
    X = np.column_stack([above, np.ones(len(middle)), middle, above * middle])
    fit = sm.GLM(counts, X, family=sm.families.Poisson()).fit(scale="X2")
    p = float(fit.pvalues[0])
    times = float(np.exp(fit.params[0]))
    detail = f"density right above the threshold is {times:.2f} times that right below (p = {p:.3g})"
    return Check(name="not_crowded", passed=p >= alpha, detail=detail, gates=False)


def _elsewhere(threshold: Threshold, x: Floats, alpha: float) -> tuple[Check, ...]:
    """Jumps at the middle of either side, where no rule changes anything."""
    found = []
    for name, side in (("below", x < 0), ("above", x >= 0)):
        at, values = x[side] - np.median(x[side]), threshold.values[side]
        enough = min(len(np.unique(at[at < 0])), len(np.unique(at[at >= 0]))) >= FEWEST
        h = min(_bandwidth(at, y) for y in values.T) if enough and np.ptp(values, axis=0).all() else 0.0
        near = np.abs(at) < h
        enough = min(len(np.unique(at[near & (at < 0)])), len(np.unique(at[near & (at >= 0)]))) >= FEWEST
        jump = _jump(threshold.outcomes, at, values, h, alpha) if enough else None
        if not isinstance(jump, Shift):
            detail = f"{name} the threshold there are too few units to look for a jump where none should be"
            found.append(Check(name="no_jump_elsewhere", passed=None, detail=detail, gates=False))
            continue
        least = min(effect.p_value for effect in jump.effects)
        detail = f"a jump in the middle of those {name} the threshold: p = {least:.3g}"
        passed = least >= alpha / (2 * len(jump.effects))
        found.append(Check(name="no_jump_elsewhere", passed=passed, detail=detail, gates=False))
    return tuple(found)
