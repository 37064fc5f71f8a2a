"""What do the steps of the rule look at, and which of them are the same for any number of experiments?"""

from dataclasses import dataclass

from analyses.decision.answers import Label, Slope, State, Verdict, answered
from analyses.relationship.relate import MOVED, Relationship
from analyses.relationship.sets import ConfidenceSet, Shape
from analyses.results import NotEstimable
from analyses.rule import Reason, Rule, reason

GATE = 0.10  # level of the tests that guard a verdict: they must notice, so they are lenient
APART = 0.05  # level at which segments are said to differ, over all segmentations: it words a label


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """All that the steps of the rule look at; ends are oriented so that the hypothesis says positive.

    ``largest_shift`` is the largest change of the CPI that was seen, in increments; ``units`` of every arm.
    """

    rule: Rule
    relationship: Relationship
    slope: Slope
    d: float
    lower: float
    upper: float
    placebo: bool
    largest_shift: float
    units: tuple[int, ...]

    @property
    def rejecting(self) -> bool:
        """Which way the interval points: U < d speaks against a lever, whatever L says (step 5)."""
        return self.upper < self.d

    def agrees(self, found: ConfidenceSet | NotEstimable | None, *, rejecting: bool) -> bool:
        """Whether another set gives the same answer: its U < d, or its L > 0."""
        if not isinstance(found, ConfidenceSet) or found.shape is Shape.EMPTY:
            return False
        oriented = found.mirrored(self.rule.direction)
        if rejecting:
            return oriented.upper is not None and oriented.upper < self.d
        return oriented.lower is not None and oriented.lower > 0


def credit(case: Case, *, rejecting: bool) -> list[Reason]:
    """Step 4: each rival that moved too must leave the answer standing when its own slope is free."""
    rivals = case.relationship.rivals
    level = MOVED if rejecting else MOVED / max(len(rivals), 1)
    return [
        reason("credit_shared", rival.metric)
        for rival in rivals
        if rival.p_unmoved < level and not case.agrees(rival.set, rejecting=rejecting)
    ]


def answer(case: Case, label: Label | None = None) -> Verdict:
    """Step 5, every guard passed."""
    reasons: list[Reason] = []
    apart = [one.name for one in case.relationship.segments if one.adjusted_p_value < APART]
    if apart:
        reasons.append(reason("segments_differ", ", ".join(apart)))
    if label is None and apart:
        label = Label.SEGMENT_DEPENDENT
    if label is None and not case.rejecting and case.lower >= case.d:
        label = Label.STRONG
    if case.rejecting:
        reasons.append(reason("below_smallest_slope"))
    if on_assumption(case):
        reasons.append(reason("on_assumption"))
        label = Label.ON_ASSUMPTION
    state = State.REJECTED if case.rejecting else State.CONFIRMED
    return answered(state, label, case.slope, [*reasons, *unmeasured(case)])


def on_assumption(case: Case) -> bool:
    """Whether a bound too small for the planned shift carries the verdict with nothing behind it (step 0)."""
    rule = case.rule
    if rule.direct_effect_bound is None or rule.bound_evidence >= 2 or case.placebo:
        return False
    planned = 0.0 if rule.planned_shift is None else abs(rule.planned_shift) / rule.increment
    return rule.direct_effect_bound < case.d * max(case.largest_shift, planned)


def capped(case: Case) -> tuple[list[Reason], Label]:
    """Step 0: with the bound unknown one mechanism cannot decide, either way."""
    return [reason("one_mechanism")], Label.SUPPORTED if case.lower > 0 else Label.NOT_SUPPORTED


def unmeasured(case: Case) -> list[Reason]:
    """Rivals that some experiment did not measure, by name."""
    return [reason("rival_unmeasured", name) for name in case.relationship.unmeasured]
