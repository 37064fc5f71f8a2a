"""How is a lever told to a leader? Its verdict in two words, its size in a sentence with units."""

from dataclasses import dataclass

from service.evidence.documents import SlopeDocument, Unanswered
from service.hypotheses.registered import RegisteredHypothesis
from service.hypotheses.schemas import Direction
from service.levers.schemas import LeverState, LeverView
from service.levers.value import Asked, LeverValue, value_of
from service.metrics.scale import Scale

EXTRAPOLATION = "extrapolation"  # why a value of a year is refused: analyses/relationship/value.py


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a lever is: what a sentence says of it, in the units that people read."""

    step: str  # of improvement, as it was registered
    kpi: str
    scale: Scale
    estimate: float | None
    low: float | None
    high: float | None
    coverage: float | None  # of the interval, where the verdict's look is known

    @property
    def known(self) -> bool:
        return self.low is not None or self.high is not None

    @classmethod
    def of(cls, hypothesis: RegisteredHypothesis, slope: SlopeDocument | Unanswered) -> "Size":
        """As a kept verdict has it; at which look it was judged is not kept with it."""
        scale = Scale.of(hypothesis.kpi.definition)
        known = slope if isinstance(slope, SlopeDocument) else None
        low, high = (None, None) if known is None else known.interval
        return cls(
            step=hypothesis.cpi.valued.words,
            kpi=hypothesis.kpi.name,
            scale=scale,
            estimate=_scaled(None if known is None else known.estimate, scale),
            low=_scaled(low, scale),
            high=_scaled(high, scale),
            coverage=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One lever, ready for a template; numbers are in the units that people read."""

    lever: LeverView
    standing: str  # the name of a style and of a text: proven, assumed, supported, inconclusive, …
    scale: Scale
    estimate: float | None
    low: float | None
    high: float | None
    smallest: float  # slope of interest, below 0 where the claim is a decrease
    value: LeverValue | Unanswered | None = None  # of a year, where a volume was asked about

    @property
    def size(self) -> Size:
        verdict = self.lever.verdict
        return Size(
            step=self.lever.increment,
            kpi=self.lever.kpi.name,
            scale=self.scale,
            estimate=self.estimate,
            low=self.low,
            high=self.high,
            coverage=None if verdict is None else verdict.coverage,
        )

    @property
    def sized(self) -> bool:
        return self.low is not None or self.high is not None

    @property
    def slope(self) -> float | None:
        """In the KPI's own unit, as the API gives it."""
        return None if self.estimate is None else self.estimate / self.scale.factor

    @property
    def low_slope(self) -> float | None:
        return None if self.low is None else self.low / self.scale.factor

    @property
    def high_slope(self) -> float | None:
        return None if self.high is None else self.high / self.scale.factor

    @property
    def worth_of_one(self) -> float:
        """Of one unit more of the KPI; 1 where the value of a year is told in its units."""
        worth = self.lever.kpi.worth_of_one
        return 1.0 if worth is None else worth

    @property
    def worth(self) -> LeverValue | None:
        return self.value if isinstance(self.value, LeverValue) else None

    @property
    def no_worth(self) -> str | None:
        """Why there is no value."""
        return self.value.not_estimable.detail if isinstance(self.value, Unanswered) else None

    @property
    def beyond(self) -> bool:
        """Whether more was asked for than any arm was tested at: a slope is not carried on past its doses."""
        refused = self.value.not_estimable if isinstance(self.value, Unanswered) else None
        return refused is not None and refused.reason == EXTRAPOLATION

    @property
    def tested(self) -> float:
        return 0.0 if self.lever.verdict is None else self.lever.verdict.tested_up_to

    @property
    def holds_for(self) -> list[str]:
        return self._segments(holds=True)

    @property
    def fails_for(self) -> list[str]:
        return self._segments(holds=False)

    def _segments(self, *, holds: bool) -> list[str]:
        verdict = self.lever.verdict
        return [] if verdict is None else [one.segment for one in verdict.segments if one.holds is holds]


def told(lever: LeverView, asked: Asked | None = None) -> Told:
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
        smallest=lever.smallest_slope * scale.factor * (1 if lever.direction is Direction.INCREASE else -1),
        value=None if asked is None else value_of(lever, asked),
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
