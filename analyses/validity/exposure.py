"""Was each unit in one arm, and were the same kinds of units seen in every arm?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analyses.moments import ArmMeans
from analyses.results import Check
from analyses.validity.chi_square import FEWEST_EXPECTED, ChiSquare, chance

MULTIPLE_SHARE = 0.01
"""Share of units in two arms from which on it is a defect. Below it, even if all of them came from one arm,
leaving them out moves that arm's mean by at most a hundredth of what they differ from the others."""

OBSERVED_ALPHA = 0.10
"""A gate asks early: being wrong costs an answer, missing it gives a false one."""


def multiple_exposure(multiple: int | None, units: int) -> Check:
    """Units that were seen in more than one arm: excluded, counted, and a failure from one per cent on.

    ``units`` counts everybody exposed, these included; ``multiple`` is None where rows carry no unit.

    >>> multiple_exposure(3, 1000).passed, multiple_exposure(30, 1000).passed
    (True, False)
    """
    name = "multiple_exposure"
    if multiple is None:
        return Check(
            name=name,
            passed=None,
            detail="nothing says which unit a row is of, so one in two arms could not be noticed: name the "
            "column of ids",
        )
    if not 0 <= multiple <= units:
        raise ValueError(f"expected between 0 and {units} units in several arms, got {multiple}")
    share = multiple / units if units else 0.0
    seen = f"{multiple:,} of {units:,} units ({share:.2%}) were seen in more than one arm"
    if share > MULTIPLE_SHARE:
        return Check(
            name=name,
            passed=False,
            detail=f"{seen} and left out: fix assignment (changing ids, caches, shared devices), since "
            "who gets mixed up is seldom chance",
        )
    detail = f"{seen} and left out" if multiple else "every unit was seen in one arm"
    return Check(name=name, passed=True, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Units of one arm for which a metric was observed, of all its units."""

    observed: int
    units: int

    def __post_init__(self) -> None:
        if not 0 <= self.observed <= self.units:
            raise ValueError(f"expected between 0 and {self.units} observed units, got {self.observed}")


def observed_share(metric: str, *phases: Mapping[str, Observed]) -> Check:
    """Does being in an arm change for whom the metric is seen at all?

    Question: is a mean over observed units still a comparison of like with like?
    Estimand: none; a test that the share of units observed is the same in all arms (of each phase).
    Assumes: units randomised and independent.
    Formula: Pearson's chi-square of observed/unobserved by arm, summed over phases; fails at p < .10. Where
    two arms expect fewer than five on a side, Fisher's exact test: chi-square would alarm at three unlucky
    missing values.
    Reference: Lee (2009), Review of Economic Studies 76(3), on selection that treatment moves.

    >>> arms = {"0": Observed(observed=300, units=1000), "1": Observed(observed=340, units=1000)}
    >>> observed_share("quote time", arms).passed
    False
    """
    total = ChiSquare.of([_homogeneity(phase) for phase in phases])
    name = "observed_set_moved"
    if total.df == 0:
        return Check(name=name, passed=True, detail=f"{metric}: seen for every unit, or for none")
    shares, p_value = _shares(phases), total.p_value
    text = total.text
    if total.df == 1 and total.fewest < FEWEST_EXPECTED:
        p_value = _fisher(phases)
        text = f"Fisher's exact {chance(p_value)}"
    if p_value < OBSERVED_ALPHA:
        return Check(
            name=name,
            passed=False,
            detail=f"{metric} was seen for different shares of the arms ({shares}; {text}): the arms no "
            "longer compare like with like; count the metric for every unit, or find out what changed who is "
            "seen",
        )
    return Check(name=name, passed=True, detail=f"{metric} was seen alike in all arms ({shares}; {text})")


def _homogeneity(arms: Mapping[str, Observed]) -> ChiSquare:
    arms = {name: arm for name, arm in arms.items() if arm.units}
    units = sum(arm.units for arm in arms.values())
    observed = sum(arm.observed for arm in arms.values())
    if observed in (0, units):
        return ChiSquare(statistic=0.0, df=0, fewest=0.0)
    share = observed / units
    return ChiSquare(
        statistic=sum((a.observed - a.units * share) ** 2 / a.units for a in arms.values())
        / (share * (1 - share)),
        df=len(arms) - 1,
        fewest=min(a.units * min(share, 1 - share) for a in arms.values()),
    )


def _fisher(phases: Sequence[Mapping[str, Observed]]) -> float:
    """Exact p-value of the one phase and two arms that a single degree of freedom stands for."""
    from scipy.stats import fisher_exact

    arms = next(p for p in phases if _homogeneity(p).df)
    table = [[arm.observed, arm.units - arm.observed] for arm in arms.values() if arm.units]
    return float(fisher_exact(table).pvalue)


def _shares(phases: Sequence[Mapping[str, Observed]]) -> str:
    seen: dict[str, tuple[int, int]] = {}
    for phase in phases:
        for name, arm in phase.items():
            observed, units = seen.get(name, (0, 0))
            seen[name] = (observed + arm.observed, units + arm.units)
    return ", ".join(f"{name} {observed / units:.2%}" for name, (observed, units) in seen.items() if units)


def recording_changed(arms: Sequence[str]) -> Check:
    """Whether an arm was declared to change how a metric is recorded; that is a direct effect of its own.

    >>> recording_changed(["new form"]).passed
    False
    """
    name = "recording_changed"
    if not arms:
        return Check(name=name, passed=True, detail="no arm is said to change how a metric is recorded")
    return Check(
        name=name,
        passed=False,
        detail=f"{', '.join(arms)} changed how a metric is recorded, so its effect is partly a change of the "
        "ruler: record the metric the same way in all arms, and run again",
    )


def observed_share_of_clusters(metric: str, control: ArmMeans, arms: Mapping[str, ArmMeans]) -> Check:
    """Does being in an arm change for whom the metric is seen, where whole clusters were randomised?

    Question: as ``observed_share``; units of a cluster are alike, so counts of them would alarm too often.
    Estimand: none; a test that every arm's share of observed units is the control's.
    Assumes: clusters independent; shares near normal.
    Formula: d'V^-1 d of the differences d of the shares, V their cluster-robust covariance with the control's
    in common; chi-square, fails at p < .10.
    Reference: as ``observed_share``; Liang & Zeger (1986), Biometrika 73(1).
    """
    name = "observed_set_moved"
    shift = np.array([float(arm.mean[0] - control.mean[0]) for arm in arms.values()])
    own = np.array([float(arm.covariance[0, 0]) for arm in arms.values()])
    covariance = np.diag(own) + float(control.covariance[0, 0])
    if not shift.any() or np.linalg.matrix_rank(covariance, hermitian=True) < len(shift):
        alike = not shift.any()
        detail = "seen for the same share of every arm" if alike else "its share does not vary by cluster"
        return Check(name=name, passed=alike or None, detail=f"{metric}: {detail}")
    test = ChiSquare(
        statistic=float(shift @ np.linalg.solve(covariance, shift)), df=len(shift), fewest=np.inf
    )
    told = ", ".join(f"{arm} {float(of.mean[0]):.2%}" for arm, of in {"control": control, **arms}.items())
    if test.p_value < OBSERVED_ALPHA:
        return Check(
            name=name,
            passed=False,
            detail=f"{metric} was seen for different shares of the arms ({told}; {test.text}): the arms no "
            "longer compare like with like; count the metric for every unit, or find out what changed who is "
            "seen",
        )
    return Check(name=name, passed=True, detail=f"{metric} was seen alike in all arms ({told}; {test.text})")
