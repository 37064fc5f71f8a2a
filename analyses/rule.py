"""The registered rule, and the words in which a verdict gives its reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

REASONS = {
    "no_smallest_slope": (
        "No smallest slope of interest was given, so nothing says how large a lever must be: register the "
        "smallest change of the KPI per increment that would be worth acting on."
    ),
    "experiment_missing": (
        "{what} started after the registration and has not reported: a verdict waits for it, so that nobody"
        " picks the experiments that please."
    ),
    "experiments_missing": (
        "{what} started after the registration and have not reported: a verdict waits for them, so that "
        "nobody picks the experiments that please."
    ),
    "whoever_is_seen": (
        "Arms changed for whom the CPI or the KPI is seen: the answer is the same at all of Lee's bounds, "
        "whoever the extra units are, if no arm hides some while it shows others."
    ),
    "bounds_undecided": (
        "Lee's bounds on the effects among those who would be seen anyway do not all give the same answer."
    ),
    "unbounded_set": (
        "The arms moved the CPI too little to bound the slope: more units, or arms that move the CPI "
        "further, are needed."
    ),
    "contrasts_disagree": (
        "The arms do not agree on one slope ({what}): some act on the KPI past the CPI, or the lever "
        "differs between them."
    ),
    "too_few_units": "The data fit both no lever and a lever worth having: more units are needed.",
    "doses_too_alike": (
        "The doses are too alike to tell the CPI from a side effect that all arms share: add a placebo arm, "
        "or a clearly different dose."
    ),
    "one_mechanism": (
        "One mechanism cannot tell the CPI from its own side effects: add a second mechanism, and a placebo"
        " or clearly different doses, or register a bound on the direct effect."
    ),
    "mechanisms_not_both": (
        "The answer rests on one mechanism: a second one that moves the CPI clearly has to agree."
    ),
    "common_direct_effect_possible": (
        "A side effect of {what} or more, common to all arms, would look the same: add a placebo arm of its"
        " own to each experiment, run one arm again at double dose, or run one experiment of control "
        "against placebo."
    ),
    "credit_shared": (
        "{what} moved together with the CPI and may deserve the credit: run a dose that moves one without "
        "the other."
    ),
    "rival_unmeasured": (
        "Not every experiment measured {what}, so it was not asked everywhere whether it deserves the credit."
    ),
    "on_assumption": (
        "The answer rests on an assumption about direct effects that no placebo arm and no two earlier "
        "experiments support."
    ),
    "size_differs": (
        "The mechanisms agree that the CPI moves the KPI, but not on how much: the slope is a range."
    ),
    "arms_left_out": (
        "Arms of {what} were not made for this hypothesis and did not move the CPI: they say nothing of the "
        "slope and are left out."
    ),
    "own_arms_undecided": (
        "The arms that were made for this hypothesis do not give this answer by themselves: an answer needs "
        "them to."
    ),
    "stopped_early": (
        "{what} did not stop at its planned size: it counts with the wider interval that holds at any moment "
        "of stopping."
    ),
    "segments_differ": "The slope differs between segments ({what}): read it segment by segment.",
    "below_smallest_slope": "Any effect is smaller than the smallest slope of interest.",
    "too_few_experiments": (
        "The experiments fit both no lever and a lever worth having: more of them, or arms that move the CPI "
        "by amounts that differ more, are needed."
    ),
    "egger_disagrees": (
        "A side effect common to all arms could explain it: with that taken out the experiments do not "
        "decide. Add placebo arms, or arms that move the CPI by amounts that differ more."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What was fixed before the data: direction, smallest slope of interest, and what may be assumed.

    ``smallest_slope`` (d) is in KPI units per increment; ``direct_effect_bound`` in KPI units of an arm,
    None for unknown; ``increment`` and ``planned_shift`` in CPI units; ``bound_evidence`` counts the earlier
    experiments behind the bound; ``next_alpha`` is the level of the verdict after this one, by which more
    units are sized, None where it is ``alpha``; ``missing_experiments`` started and never reported; ``step``
    says the increment in words.
    """

    direction: int = 1
    smallest_slope: float | None = None
    alpha: float = 0.05
    direct_effect_bound: float | None = None
    increment: float = 1.0
    better: int = 1
    planned_shift: float | None = None
    bound_evidence: int = 0
    missing_experiments: tuple[str, ...] = ()
    step: str = "increment of improvement"
    next_alpha: float | None = None

    def __post_init__(self) -> None:
        if self.direction not in (1, -1) or self.better not in (1, -1):
            raise ValueError(f"direction and better are 1 or -1, got {self.direction} and {self.better}")
        for level in (self.alpha, self.alpha if self.next_alpha is None else self.next_alpha):
            if not 0 < level < 1:
                raise ValueError(f"alpha must lie between 0 and 1, got {level}")
        for name, number, smallest in (
            ("smallest_slope", self.smallest_slope, 0.0),
            ("increment", self.increment, 0.0),
        ):
            if number is not None and not (isfinite(number) and number > smallest):
                raise ValueError(f"{name} must be a finite number above 0, got {number}")
        if self.direct_effect_bound is not None and not 0 <= self.direct_effect_bound < float("inf"):
            raise ValueError(f"direct_effect_bound must be >= 0, got {self.direct_effect_bound}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason: a stable code for machines, a sentence for a product manager."""

    code: str
    text: str


MOST_NAMED = 5  # missing experiments in one sentence


def missing(names: Sequence[str]) -> list[Reason]:
    """One reason for all experiments that have not reported, however many they are."""
    if len(names) < 2:
        return [reason("experiment_missing", name) for name in names]
    more = len(names) - MOST_NAMED
    last = f"{more} more" if more > 0 else names[-1]
    named = f"{', '.join(names[: min(len(names) - 1, MOST_NAMED)])} and {last}"
    return [Reason(code="experiment_missing", text=reason("experiments_missing", named).text)]


def reason(code: str, what: str = "") -> Reason:
    """A reason in its registered words; KeyError for a code that has none."""
    return Reason(code=code, text=REASONS[code].format(what=what))
