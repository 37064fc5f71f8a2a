"""Does a proposed segment's effect differ in units that had no part in proposing it? And the slope?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from analyses.heterogeneity.rules import MOST_SEGMENTS, Condition, Rule, is_new, propose
from analyses.heterogeneity.scores import Scores, difference_of, error_of, mean_of, totals_of
from analyses.heterogeneity.trial import LEAST_CLUSTERS, LEAST_UNITS, WEAK, Bools, Covariate
from analyses.moments import Floats
from analyses.multiplicity import Correction, adjusted_p_values
from analyses.relationship.contrast import ContrastArm, ExperimentContrasts
from analyses.relationship.question import Question
from analyses.relationship.segments import Segments, by_segment
from analyses.results import Estimate, NotEstimable

INSIDE, OUTSIDE = "inside", "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """An arm's effect on one metric in a segment, outside it, and the difference; raw units."""

    inside: Estimate
    outside: Estimate
    difference: Estimate


class Target(StrEnum):
    """In what a segment seems to differ from the rest."""

    KPI = "kpi"  # the arm's effect on the KPI
    CPI = "cpi"  # the arm's effect on the CPI
    SLOPE = "slope"  # what a change of the CPI is worth


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """What one half of the units says of a segment. In the half that proposed it, it is no evidence.

    ``slopes`` has the CPI's slope inside and outside, and the test of one slope for both.
    """

    units: int
    share: float
    kpi: Apart
    cpi: Apart
    slopes: Segments | NotEstimable

    def difference(self, target: Target) -> float | None:
        """Inside less outside, in what the segment is said to differ."""
        if target is not Target.SLOPE:
            return (self.kpi if target is Target.KPI else self.cpi).difference.value
        if isinstance(self.slopes, NotEstimable):
            return None
        told = {one.segment: one.estimate for one in self.slopes.slopes}
        return told[INSIDE] - told[OUTSIDE]

    def p_value(self, target: Target) -> float | None:
        """Of no difference in it, two-sided."""
        if target is not Target.SLOPE:
            return (self.kpi if target is Target.KPI else self.cpi).difference.p_value
        return None if isinstance(self.slopes, NotEstimable) else self.slopes.p_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """A rule, and in what its units seem to differ from the others."""

    rule: Rule
    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A segment that one half proposed, and what the other half says of it.

    ``adjusted_p_value`` is Holm's, of no difference in ``differs_in``, over all proposals; ``held_up`` says
    that it is at most alpha and that the difference has the sign that was proposed. In the confirming half
    the intervals of a metric's differences hold together over all proposals, and so do all sets of slopes.
    """

    words: str
    conditions: tuple[Condition, ...]
    differs_in: Target
    discovery: Half
    confirmation: Half | NotEstimable
    adjusted_p_value: float | None
    held_up: bool


type Known = tuple[Mapping[str, Covariate], Scores]


def suggestions(covariates: Sequence[Covariate], found: Scores) -> tuple[Suggested, ...]:
    """At most five rules, those that differ most in the effect on KPI or CPI, or in the slope.

    Where one slope held for all, the scores of the KPI less that slope times those of the CPI would have
    the same mean, 0, in every group: what they tell apart is a difference in slopes. Where clusters were
    drawn none is sought: most groups cut through clusters, and two slopes are then not independent.
    """
    wanted = {Target.KPI: found.kpi, Target.CPI: found.cpi}
    if found.clusters is None and _moved(found):
        wanted[Target.SLOPE] = found.kpi - float(found.kpi.mean() / found.cpi.mean()) * found.cpi
    by_name = {one.name: one for one in covariates}
    every = [
        (abs(z), Suggested(rule=rule, target=target), rule.holds(by_name))
        for target, values in wanted.items()
        for rule, z in propose(covariates, values, clusters=found.clusters)
    ]
    kept: list[Suggested] = []
    members: list[Bools] = []
    for _, suggested, inside in sorted(every, key=lambda one: -one[0]):
        if len(kept) < MOST_SEGMENTS and is_new(inside, members):
            kept.append(suggested)
            members.append(inside)
    return tuple(kept)


def _moved(found: Scores) -> bool:
    mean = float(found.cpi.mean())
    return abs(mean) > WEAK * error_of(found.cpi - mean, found.clusters)


def put_to_test(
    rules: Sequence[Suggested], halves: Mapping[bool, Known], question: Question
) -> tuple[Proposal, ...]:
    """Every rule in both halves; ``halves`` has the discovery half under True.

    Question: does the segment differ from the rest, as it seemed?
    Estimand: effect inside less effect outside, on CPI and KPI; slope inside and slope outside.
    Assumes: the rules were chosen without the confirming half; for slopes, that the arm acts through the CPI.
    Formula: differences of mean scores, normal intervals at 1 - alpha / m for m rules; Q between the slopes;
    Holm's p-values.
    """
    covariates, ours = halves[True]
    looked = [(one, half_of(one.rule.holds(covariates), ours, question)) for one in rules]
    told = [(one, half) for one, half in looked if isinstance(half, Half)]
    stricter = replace(question, alpha=question.alpha / max(len(told), 1))
    found = [_proposal(one, half, halves[False], stricter) for one, half in told]
    p_values = {
        place: p
        for place, one in enumerate(found)
        if isinstance(one.confirmation, Half) and (p := one.confirmation.p_value(one.differs_in)) is not None
    }
    adjusted = adjusted_p_values(p_values, correction=Correction.HOLM)
    return tuple(
        replace(one, adjusted_p_value=adjusted[place], held_up=_held_up(one, adjusted[place], question.alpha))
        if place in adjusted
        else one
        for place, one in enumerate(found)
    )


def _proposal(one: Suggested, discovery: Half, confirming: Known, question: Question) -> Proposal:
    covariates, found = confirming
    return Proposal(
        words=one.rule.words,
        conditions=one.rule.conditions,
        differs_in=one.target,
        discovery=discovery,
        confirmation=half_of(one.rule.holds(covariates), found, question),
        adjusted_p_value=None,
        held_up=False,
    )


def _held_up(one: Proposal, adjusted: float, alpha: float) -> bool:
    if not isinstance(one.confirmation, Half):
        return False
    proposed, found = one.discovery.difference(one.differs_in), one.confirmation.difference(one.differs_in)
    same = proposed is not None and found is not None and proposed * found > 0.0
    return bool(same and adjusted <= alpha)


def half_of(inside: Bools, found: Scores, question: Question) -> Half | NotEstimable:
    """The effects inside and outside; NotEstimable where either has too few units of an arm."""
    if why := _too_small(found.at(inside), "it") or _too_small(found.at(~inside), "the rest"):
        return why
    kpi, cpi = (_apart(values, inside, found, question.alpha) for values in (found.kpi, found.cpi))
    if isinstance(kpi, NotEstimable):
        return kpi
    if isinstance(cpi, NotEstimable):
        return cpi
    return Half(
        units=int(inside.sum()),
        share=float(inside.mean()),
        kpi=kpi,
        cpi=cpi,
        slopes=_slopes(inside, found, question),
    )


def _too_small(side: Scores, where: str) -> NotEstimable | None:
    if side.fewest < LEAST_UNITS:
        detail = f"an arm has {side.fewest:,} units in {where}; it takes {LEAST_UNITS}"
        return NotEstimable(reason="empty_segment", detail=detail)
    clusters = side.fewest_clusters
    if clusters is not None and clusters < LEAST_CLUSTERS:
        detail = f"an arm has {clusters:,} clusters in {where}; it takes {LEAST_CLUSTERS}"
        return NotEstimable(reason="empty_segment", detail=detail)
    return None


def _apart(values: Floats, inside: Bools, found: Scores, alpha: float) -> Apart | NotEstimable:
    here, there = (
        mean_of(values[rows], alpha=alpha, clusters=found.at(rows).clusters) for rows in (inside, ~inside)
    )
    if isinstance(here, NotEstimable):
        return here
    if isinstance(there, NotEstimable):
        return there
    apart = difference_of(values, inside, ~inside, alpha=alpha, clusters=found.clusters)
    return apart if isinstance(apart, NotEstimable) else Apart(inside=here, outside=there, difference=apart)


def _slopes(inside: Bools, found: Scores, question: Question) -> Segments | NotEstimable:
    """The slope inside and outside, with Q between them: what is asked of registered segments, asked here."""
    if found.clusters is not None and np.isin(found.clusters[inside], found.clusters[~inside]).any():
        detail = (
            "it cuts through clusters, whose units are alike: its slope and the rest's are not independent"
        )
        return NotEstimable(reason="clusters_cut", detail=detail)
    parts = {INSIDE: _contrast(found.at(inside)), OUTSIDE: _contrast(found.at(~inside))}
    both = replace(question, alpha=question.alpha / 2.0)  # a set inside and one outside, which hold together
    told = by_segment(both, [replace(_contrast(found), segments={"of it": parts})])
    if told:
        return told[0]
    detail = "the covariance of the effects is singular in it, or in the rest"
    return NotEstimable(reason="singular_covariance", detail=detail)


def _contrast(found: Scores) -> ExperimentContrasts:
    both = np.column_stack([found.cpi, found.kpi])
    return ExperimentContrasts(
        experiment="exploration",
        metrics=("cpi", "kpi"),
        arms=(ContrastArm(name="arm", mechanism=None),),
        effects=both.mean(axis=0)[None, :],
        covariance=_covariance(both, found)[None, :, None, :],
    )


def _covariance(both: Floats, found: Scores) -> Floats:
    """Of the two means."""
    n, centred = len(both), both - both.mean(axis=0)
    if found.clusters is None:
        plain: Floats = np.cov(both.T) / n
        return plain
    totals = np.column_stack([totals_of(column, found.clusters) for column in centred.T])
    clustered: Floats = totals.T @ totals * len(totals) / (len(totals) - 1) / n**2
    return clustered
