"""Are the arms getting their planned units, asked every day while the experiment runs?"""

from collections.abc import Sequence
from math import exp, log

from analyses.results import Check
from analyses.validity.chi_square import chance
from analyses.validity.srm import Allocation

SEQUENTIAL_SRM_ALPHA = 0.01
"""Chance of a false alarm over all looks together."""

CONCENTRATION = 200.0
"""Units' worth of belief in the planned shares: more power than a vague prior."""


def sequential_srm(batches: Sequence[Allocation]) -> Check:
    """Sample ratio mismatch under continuous monitoring.

    Question: may the alarm be asked every day, and stop the experiment on the day it rings?
    Estimand: none; a test that units follow the planned shares of their batch.
    Assumes: units independent, in batches (days, say) in the order in which they came. Shares may change
    between batches; what one run of equal shares has shown is carried on to the next.
    Formula: within a run of equal shares theta, the Bayes factor of Dirichlet(a = 200 theta) shares against
    theta: Gamma(A)/Gamma(A + n) prod Gamma(a_k + x_k)/Gamma(a_k) / prod theta_k^x_k; runs multiply. Alarm
    once it has ever reached 1/alpha, alpha = .01: by Ville's inequality it does so with chance at most alpha
    where the plan is kept, whenever and however often one looks.
    Reference: Lindon & Malek (2022), Anytime-valid inference for multinomial count data, NeurIPS,
    arXiv:2011.03567.

    >>> day = Allocation(counts={"0": 510, "1": 490}, shares={"0": 0.5, "1": 0.5})
    >>> sequential_srm([day] * 3).passed
    True
    >>> bad = Allocation(counts={"0": 560, "1": 440}, shares={"0": 0.5, "1": 0.5})
    >>> sequential_srm([bad] * 3).passed
    False
    """
    name = "sequential_srm"
    if not batches or any(batch.shares is None for batch in batches):
        return Check(name=name, passed=None, detail="planned shares not given")
    stray = sorted({arm for batch in batches for arm in batch.counts if _stray(batch, arm)})
    if stray:
        return Check(
            name=name,
            passed=False,
            detail=f"{', '.join(stray)} got units, planned to get none: find out how they got there",
        )
    highest = max(log_bayes_factors(batches))
    smallest = exp(-max(highest, 0.0))
    if smallest > SEQUENTIAL_SRM_ALPHA:
        return Check(
            name=name,
            passed=True,
            detail=f"units follow the planned shares at every look so far (sequential {chance(smallest)})",
        )
    return Check(
        name=name,
        passed=False,
        detail=f"units do not follow the planned shares (sequential {chance(smallest)}, valid at any look): "
        "find what loses or adds units in one arm (redirects, crashes, bots, late logging) before reading "
        "any effect",
    )


def log_bayes_factors(batches: Sequence[Allocation]) -> tuple[float, ...]:
    """Logarithm of the evidence against the planned shares after each batch: 1/e^it is a p-value any time.

    >>> half = {"0": 0.5, "1": 0.5}
    >>> [round(b, 2) for b in log_bayes_factors([Allocation(counts={"0": 60, "1": 40}, shares=half)])]
    [0.47]
    """
    found: list[float] = []
    before, run, planned = 0.0, dict[str, int](), dict[str, float]()
    for batch in batches:
        shares = _shares(batch)
        if shares != planned:
            before, run, planned = (found[-1] if found else 0.0), {}, shares
        run = {arm: run.get(arm, 0) + batch.counts.get(arm, 0) for arm in planned}
        found.append(before + _log_bayes_factor(run, planned))
    return tuple(found)


def _stray(batch: Allocation, arm: str) -> bool:
    return batch.counts[arm] > 0 and (batch.shares or {})[arm] == 0


def _shares(batch: Allocation) -> dict[str, float]:
    whole = sum((batch.shares or {}).values())
    return {arm: share / whole for arm, share in sorted((batch.shares or {}).items()) if share > 0}


def _log_bayes_factor(counts: dict[str, int], shares: dict[str, float]) -> float:
    from scipy.special import gammaln

    units = sum(counts.values())
    arms = sum(
        float(gammaln(CONCENTRATION * share + counts[arm]) - gammaln(CONCENTRATION * share))
        - counts[arm] * log(share)
        for arm, share in shares.items()
    )
    return float(gammaln(CONCENTRATION) - gammaln(CONCENTRATION + units)) + arms
