"""Does the CPI move the KPI? What eight experiments or more say: the same answer, made block by block."""

from collections.abc import Sequence

import numpy as np

from analyses.relationship.blocks import solved
from analyses.relationship.clusters import Clusters, anderson_rubin_set, curve, gathered
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.instrumental import Liml, Overidentification, Tsls
from analyses.relationship.many import many
from analyses.relationship.mechanisms import by_mechanism_across
from analyses.relationship.question import Question
from analyses.relationship.relate import (
    MOVED,
    Relationship,
    moved_level,
    published,
    rivals_named,
    turned,
    unmeasured_of,
)
from analyses.relationship.rivals import Rival, p_unmoved_across, rival_set_across
from analyses.relationship.segments import by_segment
from analyses.relationship.sets import ConfidenceSet
from analyses.relationship.system import direction
from analyses.results import NotEstimable

EGGER = NotEstimable(
    reason="many_experiments",
    detail="with eight experiments or more Egger's set takes out what all arms share",
)


def relate_many(
    question: Question, clusters: Clusters, experiments: Sequence[ExperimentContrasts]
) -> Relationship | NotEstimable:
    """All of it from the gathered experiments, with slopes turned back to the KPI's own sign."""
    sign, along = question.kpi_sign, curve(clusters)
    found, lows = many(question, clusters, along), along.lows
    if isinstance(found, NotEstimable):
        return found
    alike = found.heterogeneity
    return Relationship(
        contrasts=tuple(contrast for e in experiments for contrast in published(e)),
        anderson_rubin=anderson_rubin_set(clusters, along, question.alpha).mirrored(sign),
        clr=found.clr,
        bounded=None,
        liml=Liml(estimate=float(np.tan(lows[0]) * clusters.slope_unit) * sign),
        tsls=turned(tsls(clusters), sign),
        overidentification=Overidentification(statistic=alike.q, df=alike.df, p_value=alike.p_value),
        exclusion_power=EGGER,
        breakdown=EGGER,
        differenced=EGGER,
        mechanisms=by_mechanism_across(clusters, question.smallest_slope, float(lows[0])),
        rivals=_rivals(question, found.interval, experiments),
        unmeasured=unmeasured_of(experiments),
        information=information(clusters, lows[0]) * question.cpi_step**2,
        many=found,
        segments=by_segment(question, experiments),
    )


def information(clusters: Clusters, angle: float) -> float:
    """Sum of a^2 / v at a slope, a'V^-1 a over all experiments: 1 / SE^2 of the slope, in real units."""
    _, V = clusters.residual(direction(np.array([angle])) / np.cos(angle))
    a = clusters.effects[1][None]
    return float((a * solved(V, a)).sum()) / clusters.slope_unit**2


def tsls(clusters: Clusters) -> Tsls | NotEstimable:
    """``instrumental.tsls``, block by block."""
    b, a = clusters.effects[:2]
    design = clusters.covariance[1, 1] if clusters.design is None else clusters.design
    weighted = solved(design, a)
    moved = float((weighted * a).sum())
    if moved <= 0:
        return NotEstimable(reason="cpi_not_moved", detail="no arm moved the CPI at all")
    slope = float((weighted * b).sum()) / moved
    _, V = clusters.residual(np.array([[1.0, -slope]]))
    error = float(np.sqrt(np.einsum("jk,jkl,jl->", weighted, V[0], weighted))) / moved
    return Tsls(estimate=slope * clusters.slope_unit, std_error=error * clusters.slope_unit)


def _rivals(
    question: Question, deciding: ConfidenceSet, experiments: Sequence[ExperimentContrasts]
) -> tuple[Rival, ...]:
    """``relate.rivals_of``, block by block; the bound on direct effects plays no part (rule E, section 1)."""
    named = rivals_named(experiments)
    level = moved_level(question, deciding, len(named))
    found = []
    for name in named:
        clusters = gathered(experiments, question.cpi_step, question.kpi_sign, rival=name)
        if isinstance(clusters, NotEstimable):
            continue  # where it was measured the CPI stood still; ``unmeasured`` names it
        p_value, shown = p_unmoved_across(clusters), None
        if p_value < MOVED and clusters.contrasts > 1:
            shown = rival_set_across(clusters, question.alpha).mirrored(question.kpi_sign)
        found.append(Rival(metric=name, p_unmoved=p_value, co_moved=p_value < level, set=shown))
    return tuple(found)
