"""Were whole clusters randomised, and are there enough of them?"""

from collections.abc import Mapping

from analyses.results import Check, NotEstimable

FEWEST_CLUSTERS = 10
"""In each arm: below it the cluster-robust error is too small by more than Student's t repairs."""

FAULTY_SHARE = 0.01


def clusters_analysed(
    arms: Mapping[str, int], *, units: int, units_without: int, clusters: int, in_several_arms: int
) -> Check:
    """Whether an experiment on clusters can be analysed by clusters; a gate.

    Question: do the intervals rest on what was randomised?
    Estimand: none.
    Assumes: nothing.
    Formula: fails where more than a hundredth of the units has no known cluster, where more than a hundredth
    of the clusters has units in several arms, or where an arm has fewer than ten clusters.
    Reference: Cameron, Gelbach & Miller (2008), Review of Economics and Statistics 90(3) (few clusters).

    >>> arms = {"0": 40, "1": 41}
    >>> clusters_analysed(arms, units=900, units_without=0, clusters=81, in_several_arms=0).passed
    True
    """
    name = "clusters"
    if units and units_without / units > FAULTY_SHARE:
        return Check(
            name=name,
            passed=False,
            detail=f"{units_without:,} of {units:,} units have no known cluster and are left out: send the "
            "cluster as an attribute of the unit, before it meets the difference",
        )
    if clusters and in_several_arms / clusters > FAULTY_SHARE:
        return Check(
            name=name,
            passed=False,
            detail=f"{in_several_arms:,} of {clusters:,} clusters have units in several arms, so clusters "
            "were not what was randomised: find out who assigned them",
        )
    fewest = min(arms.values(), default=0)
    if fewest < FEWEST_CLUSTERS:
        return Check(
            name=name,
            passed=False,
            detail=f"an arm has {fewest} clusters, {FEWEST_CLUSTERS} are needed for an interval to be "
            "trusted: take smaller clusters or more of them",
        )
    told = ", ".join(f"{arm} {count:,}" for arm, count in arms.items())
    return Check(name=name, passed=True, detail=f"effects and intervals rest on clusters ({told})")


def segments_of_clusters(*, varied: int, clusters: int) -> NotEstimable | None:
    """Whether whole clusters may be told apart by what their units are; None where they may.

    Question: is a segment a set of clusters, so that it was randomised as they were?
    Estimand: none.
    Assumes: units without a value are like the others of their cluster.
    Formula: refused where the units of more than a hundredth of the clusters are of several segments: a
    segment then takes some units of a cluster and leaves others, and is no sample of what was randomised.
    Reference: Donner & Klar (2000), Design and analysis of cluster randomization trials, chapter 6
    (covariates of clusters and of individuals).

    >>> segments_of_clusters(varied=0, clusters=80) is None
    True
    """
    if not clusters or varied / clusters <= FAULTY_SHARE:
        return None
    return NotEstimable(
        reason="clusters_of_several_segments",
        detail=f"units of {varied:,} of {clusters:,} clusters are of several segments: clusters, which were "
        "randomised, cannot be told apart by it",
    )
