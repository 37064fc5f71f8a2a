"""Which day or segment loses units of one arm, though the whole looks right?"""

from collections.abc import Mapping, Sequence

from analyses.multiplicity import Correction, adjusted_p_values
from analyses.results import Check
from analyses.validity.chi_square import FEWEST_EXPECTED, ChiSquare, chance
from analyses.validity.srm import SRM_ALPHA, Allocation, pearson


def srm_groups(
    name: str, groups: Mapping[str, Sequence[Allocation]], *, gates: bool = True, of: str = "units"
) -> Check:
    """Sample ratio mismatch in each of many groups of units, false alarms bounded over all of them.

    Question: does one browser, country or day lose units of an arm?
    Estimand: none; for each group a test that counts follow the planned shares of each phase.
    Assumes: the group is known before assignment, or at it; units independent, or clusters of them (``of``),
    each of one group.
    Formula: Pearson's chi-square summed over phases for each group; Benjamini-Hochberg over the groups at
    .001. Groups with fewer than five expected in an arm are not asked; that there are such is said.
    Reference: Fabijan et al. (2019), KDD (segments find what the whole hides); Benjamini & Hochberg (1995).

    >>> half = {"0": 0.5, "1": 0.5}
    >>> found = srm_groups(
    ...     "srm_by_segment",
    ...     {
    ...         "app": [Allocation(counts={"0": 5000, "1": 5030}, shares=half)],
    ...         "web": [Allocation(counts={"0": 500, "1": 350}, shares=half)],
    ...     },
    ... )
    >>> found.passed, found.detail.partition(" ")[0]
    (False, 'web:')
    """
    if not groups:
        return Check(
            name=name, passed=None, detail="nothing was registered to tell units apart by", gates=gates
        )
    if any(one.shares is None for allocations in groups.values() for one in allocations):
        return Check(name=name, passed=None, detail="planned shares not given", gates=gates)
    found = {group: _asked(allocations) for group, allocations in groups.items()}
    asked = {group: test for group, test in found.items() if test is not None}
    small = len(found) - len(asked)
    if not asked:
        return Check(name=name, passed=None, detail=f"none of {len(found)} has enough {of}", gates=gates)
    adjusted = adjusted_p_values({k: test.p_value for k, test in asked.items()}, correction=Correction.BH)
    failed = [group for group, p in adjusted.items() if p < SRM_ALPHA]
    if not failed:
        told = f"{chance(min(adjusted.values()))} after correction"
        told = f"{told}; {small} were too small to ask" if small else told
        detail = f"{of} follow the planned shares in each of {len(asked)} ({told})"
        return Check(name=name, passed=True, detail=detail, gates=gates)
    told = "; ".join(f"{group}: {_counts(groups[group])} ({asked[group].text})" for group in failed[:5])
    told = f"{told} and {len(failed) - 5} more" if len(failed) > 5 else told
    return Check(
        name=name,
        passed=False,
        detail=f"{told}: find out what loses or adds {of} of one arm there; until then no effect can be read",
        gates=gates,
    )


def _asked(allocations: Sequence[Allocation]) -> ChiSquare | None:
    large = [test for test in map(pearson, allocations) if test.fewest >= FEWEST_EXPECTED]
    return ChiSquare.of(large) if large else None


def _counts(allocations: Sequence[Allocation]) -> str:
    arms = dict.fromkeys(arm for one in allocations for arm in one.counts)
    return ", ".join(f"{arm} {sum(one.counts.get(arm, 0) for one in allocations):,}" for arm in arms)
