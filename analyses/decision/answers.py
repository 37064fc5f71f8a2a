"""What is a verdict? The three answers, their labels, the slope and the sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from analyses.relationship.relate import Relationship
from analyses.results import Interval, NotEstimable
from analyses.rule import Reason, Rule


class State(StrEnum):
    """The three answers."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"


class Label(StrEnum):
    """What kind of answer; in order of precedence, the first that holds is given."""

    ON_ASSUMPTION = "on_assumption"
    SIZE_DIFFERS = "size_differs"
    SEGMENT_DEPENDENT = "segment_dependent"
    MECHANISMS_AGREE = "mechanisms_agree"
    SUPPORTED = "supported"
    NOT_SUPPORTED = "not_supported"
    STRONG = "strong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """KPI units per increment of improvement; no single estimate where mechanisms differ in size."""

    estimate: float | None
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer. ``needed_units_per_arm`` is given where more units of the same design would decide."""

    state: State
    label: Label | None
    slope: Slope | NotEstimable
    reasons: tuple[Reason, ...]
    needed_units_per_arm: int | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the evidence says about the relationship, and the verdict under the registered rule."""

    relationship: Relationship | NotEstimable
    verdict: Verdict


SAID = {
    State.CONFIRMED: "Confirmed.",
    State.REJECTED: "Rejected.",
    State.INCONCLUSIVE: "Inconclusive.",
}


def unanswered(why: NotEstimable) -> Judgement:
    """What is said where there is no relationship to judge: inconclusive, for that reason."""
    verdict = Verdict(
        state=State.INCONCLUSIVE,
        label=None,
        slope=why,
        reasons=(Reason(code=why.reason, text=why.detail),),
        needed_units_per_arm=None,
        sentence=f"{SAID[State.INCONCLUSIVE]} {why.detail}",
    )
    return Judgement(relationship=why, verdict=verdict)


def inconclusive(
    slope: Slope, reasons: Sequence[Reason], label: Label | None = None, needed: int | None = None
) -> Verdict:
    """No answer yet, and why."""
    return answered(State.INCONCLUSIVE, label, slope, reasons, needed)


def answered(
    state: State, label: Label | None, slope: Slope, reasons: Sequence[Reason], needed: int | None = None
) -> Verdict:
    """A verdict that has no sentence yet."""
    return Verdict(
        state=state,
        label=label,
        slope=slope,
        reasons=tuple(reasons),
        needed_units_per_arm=needed,
        sentence="",
    )


def said(verdict: Verdict, rule: Rule, kpi: str) -> Verdict:
    """The verdict with its sentence: the answer, the size where it is known, the reasons, what to do."""
    size, more = "", ""
    if isinstance(verdict.slope, Slope):
        size = _size(verdict.slope, rule, kpi)
    if verdict.needed_units_per_arm is not None:
        more = f" About {verdict.needed_units_per_arm:,} units per arm would make the interval narrow enough."
    why = "".join(f" {r.text}" for r in verdict.reasons)
    return replace(verdict, sentence=f"{SAID[verdict.state]}{size}{why}{more}")


def _size(slope: Slope, rule: Rule, kpi: str) -> str:
    low, high = slope.interval.lower, slope.interval.upper
    if low is None or high is None:
        return ""
    level = f"{100 * (1 - rule.alpha):.4g} %"
    if slope.estimate is None:
        return f" {kpi} changes per {rule.step}, {level} interval {low:+.4g} to {high:+.4g}."
    return (
        f" {kpi} changes by {slope.estimate:+.4g} per {rule.step}, "
        f"{level} interval {low:+.4g} to {high:+.4g}."
    )
