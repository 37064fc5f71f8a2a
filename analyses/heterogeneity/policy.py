"""What would it be worth to treat only those for whom it seems to pay? Against treating all, and none."""

from dataclasses import dataclass

import numpy as np

from analyses.heterogeneity.scores import mean_of
from analyses.heterogeneity.trial import Bools, Codes
from analyses.moments import Floats
from analyses.results import Estimate, NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyValue:
    """The KPI per unit of the population, in raw units, where only the chosen are treated.

    ``over_none`` and ``over_all`` are what that adds to treating nobody, and to treating everybody;
    ``treated`` is the share of the chosen.
    """

    words: str
    treated: float
    over_none: Estimate | NotEstimable
    over_all: Estimate | NotEstimable


def policy_value(
    words: str, chosen: Bools, values: Floats, *, alpha: float, clusters: Codes | None = None
) -> PolicyValue:
    """A policy's value from units that had no part in choosing it.

    Question: what does targeting gain or lose, per customer?
    Estimand: E[policy x effect], and E[(policy - 1) x effect].
    Assumes: the policy was chosen without these units; the treated do not change what others get.
    Formula: the mean of the scores of the chosen, and that of the others less, with normal intervals.
    Reference: Athey & Wager (2021), Econometrica 89(1), arXiv:1702.02896.
    """
    return PolicyValue(
        words=words,
        treated=float(chosen.mean()),
        over_none=mean_of(np.where(chosen, values, 0.0), alpha=alpha, clusters=clusters)
        if chosen.any()
        else _same("nobody is treated"),
        over_all=_same("everybody is treated")
        if chosen.all()
        else mean_of(np.where(chosen, 0.0, -values), alpha=alpha, clusters=clusters),
    )


def _same(told: str) -> NotEstimable:
    return NotEstimable(reason="same_policy", detail=f"{told}: there is nothing to compare")
