"""Among which customers does a lever hold, and among which does it not? The segments of a verdict."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from service.evidence.documents import SlopeDocument
from service.evidence.tables import Verdict
from service.levers.schemas import SegmentLever


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Set(_Kept):
    set: tuple[tuple[float | None, float | None], ...] = ()


class _Slope(_Kept):
    segment: str
    estimate: float
    set: _Set


class _Segments(_Kept):
    name: str
    slopes: tuple[_Slope, ...]


class _Relationship(_Kept):
    segments: tuple[_Segments, ...] = ()


class _Rule(_Kept):
    direction: Literal[1, -1] = 1
    smallest_slope: float | None = None


def segments_of(verdict: Verdict) -> tuple[SegmentLever, ...]:
    """Every segment with a slope, in the order in which they are kept."""
    rule = _Rule.model_validate(verdict.rule)
    return tuple(
        _part(of.name, slope, rule)
        for of in _Relationship.model_validate(verdict.relationship).segments
        for slope in of.slopes
    )


def _part(segmentation: str, slope: _Slope, rule: _Rule) -> SegmentLever:
    """The ends of a set in several pieces are the outermost ones."""
    pieces = slope.set.set
    low, high = (pieces[0][0], pieces[-1][1]) if pieces else (None, None)
    return SegmentLever(
        segmentation=segmentation,
        segment=slope.segment,
        slope=SlopeDocument(estimate=slope.estimate, interval=(low, high)),
        holds=_holds(low, high, rule),
    )


def _holds(low: float | None, high: float | None, rule: _Rule) -> bool | None:
    """Ends turned so that the hypothesis says positive."""
    lower, upper = (low, high) if rule.direction == 1 else (_turned(high), _turned(low))
    if upper is not None and rule.smallest_slope is not None and upper < rule.smallest_slope:
        return False
    return True if lower is not None and lower > 0 else None


def _turned(end: float | None) -> float | None:
    return None if end is None else -end
