"""How is a lever told to a leader? Its verdict in two words, its size in a sentence with units."""

from dataclasses import dataclass

from service.evidence.documents import SlopeDocument
from service.levers.schemas import LeverState, LeverView
from service.metrics.scale import Scale

ON_ASSUMPTION = "on_assumption"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One lever, ready for a template; numbers are in the units that people read."""

    lever: LeverView
    standing: str  # the name of a style and of a text: proven, assumed, supported, inconclusive, …
    scale: Scale
    estimate: float | None
    low: float | None
    high: float | None
    smallest: float

    @property
    def sized(self) -> bool:
        return self.low is not None or self.high is not None


def told(lever: LeverView) -> Told:
    scale = Scale(factor=100.0 if lever.kpi.share else 1.0, points=lever.kpi.share)
    slope = None if lever.verdict is None else lever.verdict.slope
    known = slope if isinstance(slope, SlopeDocument) else None
    low, high = (None, None) if known is None else known.interval
    return Told(
        lever=lever,
        standing=standing(lever),
        scale=scale,
        estimate=_scaled(None if known is None else known.estimate, scale),
        low=_scaled(low, scale),
        high=_scaled(high, scale),
        smallest=lever.smallest_slope * scale.factor,
    )


def _scaled(value: float | None, scale: Scale) -> float | None:
    return None if value is None else value * scale.factor


def standing(lever: LeverView) -> str:
    """A verdict that rests on an assumption, or is of an older version, is not proven and says so."""
    verdict = lever.verdict
    if verdict is None:
        return "untested"
    if verdict.outdated:
        return "outdated"
    if lever.state is LeverState.CONFIRMED:
        return "proven" if verdict.proven else "assumed"
    if lever.state is LeverState.INCONCLUSIVE and verdict.label in ("supported", "not_supported"):
        return verdict.label
    return lever.state.value
