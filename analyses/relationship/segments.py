"""Does the lever work for some customers and not for others? Slopes by registered segment, and a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analyses.multiplicity import Correction, adjusted_p_values
from analyses.relationship.clusters import Clusters, anderson_rubin_set, clr_set, curve, gathered
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.question import Question
from analyses.relationship.sets import ConfidenceSet
from analyses.results import NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSlope:
    """One segment's own slope, in KPI units per increment of improvement, and the set that holds it."""

    segment: str
    estimate: float
    set: ConfidenceSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """The slopes of one segmentation, and Q between them.

    ``adjusted_p_value`` is Benjamini & Hochberg's over all segmentations of the hypothesis; below .05 the
    lever is said to depend on the segment. ``left_out`` are segments without a slope, and why.
    """

    name: str
    slopes: tuple[SegmentSlope, ...]
    left_out: tuple[tuple[str, NotEstimable], ...]
    q_between: float
    df: int
    p_value: float
    adjusted_p_value: float


def by_segment(question: Question, experiments: Sequence[ExperimentContrasts]) -> tuple[Segments, ...]:
    """Every segmentation that tells at least two segments with a slope apart.

    Question: is one slope the slope of all segments?
    Estimand: one slope a segment, over all experiments that know it; segments were fixed before the data.
    Assumes: a unit is in one segment, so that segments are independent; within a segment one slope and no
    direct effect. Where that fails inside a segment, Q between is conservative or too lenient: it words a
    label, and decides nothing.
    Formula: Q = min AR of all segments' contrasts less the sum of each segment's own, chi-squared with S - 1.
    """
    names = dict.fromkeys(name for e in experiments for name in e.segments)
    found = [one for name in names if (one := _one(question, name, _collected(name, experiments)))]
    adjusted = adjusted_p_values({one.name: one.p_value for one in found}, correction=Correction.BH)
    return tuple(replace(one, adjusted_p_value=adjusted[one.name]) for one in found)


def _collected(
    name: str, experiments: Sequence[ExperimentContrasts]
) -> Mapping[str, list[ExperimentContrasts]]:
    """By segment: what each experiment says of it."""
    found: dict[str, list[ExperimentContrasts]] = {}
    for experiment in experiments:
        for value, contrasts in experiment.segments.get(name, {}).items():
            found.setdefault(value, []).append(contrasts)
    return found


def _one(
    question: Question, name: str, segments: Mapping[str, Sequence[ExperimentContrasts]]
) -> Segments | None:
    from scipy.special import chdtrc

    told: list[ExperimentContrasts] = []
    left_out: list[tuple[str, NotEstimable]] = []
    slopes: list[SegmentSlope] = []
    within = 0.0
    for value, contrasts in segments.items():
        own = gathered(contrasts, question.cpi_step, question.kpi_sign)
        if isinstance(own, NotEstimable):
            left_out.append((value, own))
            continue
        slope, least = _slope(question, value, own)
        slopes.append(slope)
        told.extend(contrasts)
        within += least
    whole = gathered(told, question.cpi_step, question.kpi_sign) if len(slopes) > 1 else None
    if not isinstance(whole, Clusters):
        return None
    between = max(curve(whole).least - within, 0.0)
    p_value = float(chdtrc(len(slopes) - 1, between))
    return Segments(
        name=name,
        slopes=tuple(slopes),
        left_out=tuple(left_out),
        q_between=between,
        df=len(slopes) - 1,
        p_value=p_value,
        adjusted_p_value=p_value,
    )


def _slope(question: Question, value: str, own: Clusters) -> tuple[SegmentSlope, float]:
    """A segment's slope and its least AR."""
    along = curve(own)
    form = clr_set if own.contrasts > 1 else anderson_rubin_set
    slope = SegmentSlope(
        segment=value,
        estimate=float(np.tan(along.lows[0]) * own.slope_unit) * question.kpi_sign,
        set=form(own, along, question.alpha).mirrored(question.kpi_sign),
    )
    return slope, along.least
