"""Did the arms get the units that the plan promised them?"""

from collections.abc import Mapping
from dataclasses import dataclass

from analyses.results import Check
from analyses.validity.chi_square import FEWEST_EXPECTED, ChiSquare

SRM_ALPHA = 0.001
"""Alarm of one look at the end, the level that other experiment tools use for it (GrowthBook's default). A
false alarm throws an experiment away, while defects worth finding are far outside chance at ordinary sizes.
Looks on the way need a sequential test at its own level instead (sequential_srm.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Units that each arm got in one phase, and the shares it was to get (any positive scale), if planned."""

    counts: Mapping[str, int]
    shares: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        if self.shares is None:
            return
        unplanned = sorted(set(self.counts) - set(self.shares))
        if unplanned:
            raise ValueError(f"expected a planned share for every arm, got none for {unplanned}")
        if min(self.shares.values()) < 0 or sum(self.shares.values()) <= 0:
            raise ValueError(f"expected shares >= 0 with a positive sum, got {dict(self.shares)}")


def srm(*phases: Allocation) -> Check:
    """Sample ratio mismatch over the phases of one experiment.

    Question: is assignment, exposure or logging losing units of one arm more than of another?
    Estimand: none; a test that counts follow the planned shares in every phase.
    Assumes: units independent; at least five expected in each arm.
    Formula: Pearson's chi-square, summed over phases, with (arms - 1) degrees of freedom in each; alarm at
    p < .001. Without planned shares the question is not asked: equal shares are never assumed. A phase too
    small to be asked is left out; it never silences the others.
    Reference: Fabijan et al. (2019), Diagnosing sample ratio mismatch in online controlled experiments, KDD.

    >>> srm(Allocation(counts={"0": 5000, "1": 5300}, shares={"0": 0.5, "1": 0.5})).passed
    True
    >>> srm(Allocation(counts={"0": 5000, "1": 5500}, shares={"0": 0.5, "1": 0.5})).passed
    False
    >>> srm(Allocation(counts={"0": 5000, "1": 5500})).detail
    'planned shares not given'
    """
    if not phases or any(phase.shares is None for phase in phases):
        return Check(name="srm", passed=None, detail="planned shares not given")
    stray = sorted({arm for phase in phases for arm in _stray(phase)})
    if stray:
        return Check(
            name="srm",
            passed=False,
            detail=f"{', '.join(stray)} got units, planned to get none: find out how they got there",
        )
    found = [pearson(phase) for phase in phases]
    large = [stratum for stratum in found if stratum.fewest >= FEWEST_EXPECTED]
    if not large:
        most = max(stratum.fewest for stratum in found)
        return Check(
            name="srm",
            passed=None,
            detail=f"too few units: an arm was to get {most:.3g}, the test needs {FEWEST_EXPECTED:g}",
        )
    total = ChiSquare.of(large)
    if total.p_value < SRM_ALPHA:
        return Check(name="srm", passed=False, detail=_alarm(phases, total))
    return Check(name="srm", passed=True, detail=f"units follow the planned shares ({total.text})")


def _stray(phase: Allocation) -> list[str]:
    shares = phase.shares or {}
    return [arm for arm, units in phase.counts.items() if units and shares[arm] == 0]


def _expected(phase: Allocation) -> dict[str, float]:
    shares = {arm: share for arm, share in (phase.shares or {}).items() if share > 0}
    whole, units = sum(shares.values()), sum(phase.counts.values())
    return {arm: units * share / whole for arm, share in shares.items()}


def pearson(phase: Allocation) -> ChiSquare:
    """Chi-square of one phase: did its counts follow its shares?"""
    expected = _expected(phase)
    return ChiSquare(
        statistic=sum((phase.counts.get(arm, 0) - e) ** 2 / e for arm, e in expected.items() if e),
        df=len(expected) - 1,
        fewest=min(expected.values()),
    )


def _alarm(phases: tuple[Allocation, ...], total: ChiSquare) -> str:
    expected: dict[str, float] = {}
    counts: dict[str, int] = {}
    for phase in phases:
        for arm, e in _expected(phase).items():
            expected[arm] = expected.get(arm, 0.0) + e
            counts[arm] = counts.get(arm, 0) + phase.counts.get(arm, 0)
    worst = max(expected, key=lambda arm: abs(counts[arm] - expected[arm]) / expected[arm] ** 0.5)
    return (
        f"arm {worst} has {counts[worst]:,} units where {expected[worst]:,.0f} were planned ({total.text}): "
        "find what loses or adds units in one arm (redirects, crashes, bots, late logging) before reading "
        "any effect"
    )
