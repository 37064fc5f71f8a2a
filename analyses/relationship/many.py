"""Eight experiments or more: which interval decides, and what must stand beside it before anyone confirms?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analyses.relationship.across import (
    Intercept,
    egger,
    fieller,
    intercept,
    score_set,
    total_covariance,
)
from analyses.relationship.clusters import Clusters, clr_set, curve
from analyses.relationship.curve import Curve
from analyses.relationship.heterogeneity import Heterogeneity, spread
from analyses.relationship.question import Question
from analyses.relationship.sets import ConfidenceSet, Shape
from analyses.results import NotEstimable

GATE = 0.10  # level at which an intercept is flagged and slopes are said to differ: it must notice
FEWEST = 4  # experiments without which Egger's t and its jackknife have no degrees of freedom to speak of


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyExperiments:
    """The sets of the slope, in KPI units per increment of improvement, and the one that decides.

    ``interval`` is the hull of ``clr``, ``total_covariance`` and ``score``, with ``egger`` in it where the
    intercept is flagged. ``egger`` survives a direct effect that all contrasts share: every answer needs it
    to agree.
    """

    interval: ConfidenceSet
    estimate: float
    clr: ConfidenceSet
    total_covariance: ConfidenceSet
    score: ConfidenceSet
    egger: ConfidenceSet
    heterogeneity: Heterogeneity
    intercept: Intercept | NotEstimable
    flagged: bool

    def mirrored(self, sign: int) -> "ManyExperiments":
        """With every slope times sign, 1 or -1."""
        return replace(
            self,
            interval=self.interval.mirrored(sign),
            estimate=self.estimate * sign,
            clr=self.clr.mirrored(sign),
            total_covariance=self.total_covariance.mirrored(sign),
            score=self.score.mirrored(sign),
            egger=self.egger.mirrored(sign),
        )


def many(
    question: Question, clusters: Clusters, along: Curve | None = None
) -> ManyExperiments | NotEstimable:
    """Step 2 of rule E for eight experiments or more; arms of one experiment are one cluster.

    The hull of CLR, TC-Fieller and the random-effects score, whatever Q says: choosing between them by Q
    misses spreads of slopes that Q cannot see, above all with several arms in each of few experiments (ADR 8
    has the figures). An intercept flagged at p < .10, or one that cannot be told from the slope, brings
    Egger-TC into the hull. ``along``: AR's curve, where it is known.
    """
    if clusters.count < FEWEST:
        detail = f"needs at least {FEWEST} experiments, got {clusters.count}"
        return NotEstimable(reason="too_few_experiments", detail=detail)
    return _sets(clusters, along or curve(clusters), question.alpha).mirrored(question.kpi_sign)


def _sets(clusters: Clusters, along: Curve, alpha: float) -> ManyExperiments:
    """All sets for a hypothesis that expects a positive slope."""
    terms, lows = total_covariance(clusters), along.lows
    clr, ratio = clr_set(clusters, along, alpha), fieller(terms, alpha)
    score, guard = score_set(clusters, terms.angle, alpha), fieller(egger(clusters), alpha)
    alike, crossing = spread(clusters, lows[0], lows[0]), intercept(clusters)
    flagged = isinstance(crossing, NotEstimable) or crossing.p_value < GATE
    centre = float(lows[0]) if alike.p_value >= GATE else terms.angle
    deciding = [clr, ratio, score]
    return ManyExperiments(
        interval=hull([*deciding, guard] if flagged else deciding),
        estimate=float(np.tan(centre) * clusters.slope_unit),
        clr=clr,
        total_covariance=ratio,
        score=score,
        egger=guard,
        heterogeneity=spread(clusters, lows[0], centre),
        intercept=crossing,
        flagged=flagged,
    )


def hull(sets: Sequence[ConfidenceSet]) -> ConfidenceSet:
    """The smallest interval that holds every set; the whole line where one of them has no ends."""
    full = [s for s in sets if s.shape is not Shape.EMPTY]
    if len(full) == 1:
        return full[0]
    lowers, uppers = (
        [s.lower for s in full if s.lower is not None],
        [s.upper for s in full if s.upper is not None],
    )
    if len(lowers) < len(full) or len(uppers) < len(full):
        return ConfidenceSet(shape=Shape.LINE, pieces=((None, None),))
    return ConfidenceSet(shape=Shape.INTERVAL, pieces=((min(lowers), max(uppers)),))
