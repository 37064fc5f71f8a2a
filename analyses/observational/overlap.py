"""Can units with less and with more of the CPI be compared at all, or are they different people?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyses.moments import Floats
from analyses.observational.linear import Held
from analyses.observational.sample import Sample
from analyses.results import NotEstimable

CUT = 0.1
"""Units whose chance of more of the CPI is below this or above 1 - this are trimmed (Crump et al. 2009)."""
LEAST_LEFT = 20  # units on either side, below which nothing is compared
RIDGE = 1e-6  # per unit: keeps the fit finite where covariates separate the sides
MOST_STEPS = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlap:
    """``kept`` (n,) says which units have counterparts; shares are of all units.

    ``above`` is the value of the CPI from which on a unit counts as having more of it. ``good`` is False
    where more than half would be trimmed.
    """

    kept: Floats
    trimmed: float
    above: float
    lowest: float
    highest: float
    unexplained: float
    good: bool
    detail: str


def overlap(sample: Sample, treatment: str, covariates: Sequence[str]) -> Overlap | NotEstimable:
    """Which units have counterparts with less, and with more, of the CPI.

    Question: are there units alike in all covariates that differ in the CPI?
    Estimand: each unit's chance e of having more of the CPI, given its covariates.
    Assumes: a logistic curve in the covariates.
    Formula: more means the larger of two values, or above the median. Newton's method; units with e outside
    [.1, .9] are trimmed. ``unexplained`` is the share of the CPI's variance that covariates leave.
    Units: shares.
    Errors: trimming changes whom the answer is about: those who could have had either. Refuses
    (``no_overlap``) where fewer than 20 units of a side are left.
    Reference: Crump, Hotz, Imbens & Mitnik (2009), Biometrika 96(1).
    """
    t = sample.values([treatment])[:, 0]
    if sample.n < 2 * LEAST_LEFT or np.ptp(t) == 0:
        return NotEstimable(
            reason="no_overlap",
            detail=f"{sample.n} units cannot be compared: {2 * LEAST_LEFT} are needed",
        )
    above = float(np.median(t))
    more = t > above
    if not more.any():  # over half have the largest value
        more = t >= above
    held = Held.fixed(sample.values(covariates))
    chance = _chance(held.basis[:, 1:] * np.sqrt(sample.n), more.astype(float))
    if chance[more].min() > chance[~more].max():
        return NotEstimable(
            reason="no_overlap",
            detail=f"covariates tell exactly who has more of {treatment}: nobody is alike",
        )
    kept = (chance >= CUT) & (chance <= 1 - CUT)
    left = int((kept & more).sum()), int((kept & ~more).sum())
    if min(left) < LEAST_LEFT:
        return NotEstimable(
            reason="no_overlap",
            detail=f"only {left[0]} units with more of {treatment} and {left[1]} with less have counterparts "
            "that are alike in all covariates",
        )
    centred = t - t.mean()
    rest = held.rest(t[:, None])[:, 0]
    trimmed = 1 - float(kept.mean())
    return Overlap(
        kept=kept.astype(float),
        trimmed=trimmed,
        above=above,
        lowest=float(chance.min()),
        highest=float(chance.max()),
        unexplained=float(rest @ rest / (centred @ centred)),
        good=trimmed <= 0.5,
        detail=f"{trimmed:.0%} of {sample.n:,} units have hardly a counterpart: who is like them has nearly "
        "always more of the CPI, or nearly never.",
    )


def _chance(covariates: Floats, more: Floats) -> Floats:
    """Logistic regression by Newton's method with halved steps; covariates (n, p) of unit variance."""
    x = np.column_stack([np.ones(len(more)), covariates])
    penalty = RIDGE * len(more) * np.eye(x.shape[1])
    penalty[0, 0] = 0.0
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(more.mean() / (1 - more.mean()))
    loss = _loss(x, more, beta, penalty)
    for _ in range(MOST_STEPS):
        chance = _logistic(x @ beta)
        gradient = x.T @ (more - chance) - penalty @ beta
        hessian = (x * (chance * (1 - chance))[:, None]).T @ x + penalty + 1e-9 * np.eye(len(beta))
        step, size = np.linalg.solve(hessian, gradient), 1.0
        while (new := _loss(x, more, beta + size * step, penalty)) > loss + 1e-12 * abs(loss) and size > 1e-6:
            size /= 2
        beta, gained, loss = beta + size * step, loss - new, new
        if abs(gained) <= 1e-10 * (abs(loss) + 1):
            break
    return _logistic(x @ beta)


def _logistic(z: Floats) -> Floats:
    found: Floats = 0.5 * (1 + np.tanh(z / 2))
    return found


def _loss(x: Floats, more: Floats, beta: Floats, penalty: Floats) -> float:
    z = x @ beta
    return float((np.logaddexp(0, z) - more * z).sum() + beta @ penalty @ beta / 2)
