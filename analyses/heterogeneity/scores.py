"""What does each unit say of the effect, once what was known of it beforehand is taken out?"""

from dataclasses import dataclass

import numpy as np

from analyses.effects.difference import normal
from analyses.heterogeneity.trial import Bools, Codes, Trial
from analyses.moments import Floats
from analyses.results import Estimate, NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """Per unit of one half an unbiased, noisy value of the effect on CPI and on KPI, in raw units."""

    cpi: Floats
    kpi: Floats
    treated: Bools
    clusters: Codes | None = None

    def at(self, rows: Bools | slice) -> "Scores":
        return Scores(
            cpi=self.cpi[rows],
            kpi=self.kpi[rows],
            treated=self.treated[rows],
            clusters=None if self.clusters is None else self.clusters[rows],
        )

    @property
    def fewest(self) -> int:
        """Units of the smaller arm."""
        treated = int(self.treated.sum())
        return min(treated, len(self.treated) - treated)

    @property
    def fewest_clusters(self) -> int | None:
        """Clusters of the smaller arm; None where units were drawn."""
        if self.clusters is None:
            return None
        return min(len(np.unique(self.clusters[self.treated == arm])) for arm in (True, False))


def scores(half: Trial, matrix: Floats) -> Scores:
    """Doubly robust scores, whose mean over any group of units is the effect in that group.

    Question: what is the effect in this group, for a group that was chosen without these units' outcomes?
    Estimand: E[Y(1) - Y(0) | group], for CPI and KPI.
    Assumes: the arm was drawn with a chance that is constant in each stratum; the outcome model may be wrong,
    it costs precision alone.
    Formula: m1 - m0 + T (Y - m1) / p - (1 - T) (Y - m0) / (1 - p); m by least squares in each arm, fitted on
    one half of the rows and used on the other; p the share of the treated in the stratum.
    Reference: Robins, Rotnitzky & Zhao (1994), JASA 89(427); Chernozhukov et al. (2018), Econometrics
    Journal 21(1).
    """
    chance = half.propensity
    phases = np.unique(half.strata)[1:]
    around = np.column_stack([np.ones(half.n), matrix, *(half.strata == one for one in phases)])
    outcomes = np.column_stack([half.cpi, half.kpi])
    expected = {arm: np.empty_like(outcomes) for arm in (True, False)}
    fold = _fold(half)
    for arm, into in expected.items():
        for ours in (fold, ~fold):
            learn = ~ours & (half.treated == arm)
            into[ours] = around[ours] @ _least_squares(around[learn], outcomes[learn])
    weight = np.where(half.treated, 1.0 / chance, -1.0 / (1.0 - chance))[:, None]
    met = np.where(half.treated[:, None], expected[True], expected[False])
    found = expected[True] - expected[False] + weight * (outcomes - met)
    return Scores(
        cpi=found[:, 0].copy(), kpi=found[:, 1].copy(), treated=half.treated, clusters=half.clusters
    )


def _fold(half: Trial) -> Bools:
    """Every other unit; of each arm every other cluster, in the order of their first units."""
    if half.clusters is None:
        every_other: Bools = np.arange(half.n) % 2 == 0
        return every_other
    first = np.zeros(half.n, dtype=bool)
    for arm in (True, False):
        ours = half.treated == arm
        _, seen, place = np.unique(half.clusters[ours], return_index=True, return_inverse=True)
        first[ours] = (np.argsort(np.argsort(seen)) % 2 == 0)[place]
    return first


def _least_squares(columns: Floats, outcomes: Floats) -> Floats:
    """By the normal equations of standardised columns; those that a fold cannot tell apart share a weight."""
    found: Floats = np.linalg.lstsq(columns.T @ columns, columns.T @ outcomes, rcond=1e-10)[0]
    return found


def mean_of(values: Floats, *, alpha: float, clusters: Codes | None = None) -> Estimate | NotEstimable:
    """The mean of scores with a normal interval at 1 - alpha; units of one cluster may be alike."""
    n = len(values)
    if n < 2:
        return NotEstimable(reason="empty_segment", detail=f"{n} units are in it")
    mean = float(values.mean())
    return normal_estimate(mean, error_of(values - mean, clusters), alpha=alpha)


def difference_of(
    values: Floats, ours: Bools, others: Bools, *, alpha: float, clusters: Codes | None = None
) -> Estimate | NotEstimable:
    """The mean of some less the mean of others; a cluster may have units of both."""
    if not (ours.any() and others.any()):
        return NotEstimable(reason="empty_segment", detail="nobody is on one of its sides")
    means = float(values[ours].mean()), float(values[others].mean())
    if clusters is None:
        sides = (values[ours] - means[0], values[others] - means[1])
        error = sum(error_of(one, None) ** 2 for one in sides if len(one) > 1) ** 0.5
    else:
        weight = np.where(ours, len(values) / ours.sum(), 0.0) - np.where(
            others, len(values) / others.sum(), 0
        )
        error = error_of(weight * (values - np.where(ours, means[0], means[1])), clusters)
    return normal_estimate(means[0] - means[1], error, alpha=alpha)


def error_of(centred: Floats, clusters: Codes | None) -> float:
    """The standard error of a mean, from what each unit is above it.

    With clusters, from the totals of each: sqrt(G / (G - 1) sum S_g^2) / n (Liang & Zeger, 1986).
    """
    n = len(centred)
    if clusters is None:
        return float(np.sqrt(centred @ centred / (n - 1) / n))
    totals = totals_of(centred, clusters)
    return float(np.sqrt(totals @ totals * len(totals) / max(len(totals) - 1, 1))) / n


def totals_of(values: Floats, clusters: Codes) -> Floats:
    """The sum over each cluster's units."""
    sizes = np.bincount(clusters)
    found: Floats = np.bincount(clusters, weights=values)[sizes > 0]
    return found


def normal_estimate(value: float, std_error: float, *, alpha: float) -> Estimate | NotEstimable:
    """An estimate whose error is normal; none where there is no error to speak of."""
    if not std_error > 0.0:
        return NotEstimable(
            reason="no_variation", detail="the units do not differ, so that no error can be given"
        )
    return normal(value, std_error, alpha=alpha)
