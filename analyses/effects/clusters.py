"""What is the effect on the average unit, when whole clusters were assigned and not single units?"""

from dataclasses import replace

from analyses.moments import Measure

CLUSTER_SIZE = "cluster/size"
"""The column of cluster moments that counts a cluster's units."""


def of_clusters(measure: Measure) -> Measure:
    """A measure as it is read off moments whose rows are clusters and whose columns are their totals.

    Question: what did the arm do to the average unit, and how sure are we, when units of a cluster are alike?
    Estimand: that of the measure: the mean over units, not over clusters; a large cluster counts by its size.
    Assumes: clusters randomised and independent of each other, some tens of them in each arm (Student's t
    with clusters less one degrees of freedom); any dependence inside a cluster; sizes not moved by the arm.
    Formula: a mean is the ratio of totals, sum(value) / sum(size), linearised over clusters; a ratio metric
    is the ratio of its totals as before. Its variance is the cluster-robust one: for two arms without
    covariates (G / (G - 1)) sum over clusters of (sum of residuals)^2 / n^2 in each arm. Covariates are the
    clusters' totals, and the size beside them.
    Units: those of the measure.
    Reference: Liang & Zeger (1986), Biometrika 73(1); Deng, Knoblich & Lu (2018), arXiv:1803.06336, section
    2.2; Wong, Forsell, Lewis, Mao & Wardrop (2021), arXiv:2102.11297 (compression keeps it exact).

    >>> of_clusters(Measure(name="sales", value="sales")).per
    'cluster/size'
    """
    covariates = (*measure.covariates, CLUSTER_SIZE) if measure.covariates else ()
    return replace(measure, per=measure.per or CLUSTER_SIZE, covariates=covariates)
