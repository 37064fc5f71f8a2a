"""What is said about a file? Arms, checks, effects, relationship and verdict, as one result and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analyses import (
    Check,
    Estimate,
    ExperimentContrasts,
    Json,
    Judgement,
    NotEstimable,
    Reading,
    Rule,
    as_json,
    effect_document,
    judge,
    unanswered,
)

BOUND_UNKNOWN = (
    "The bound on the direct effect is unknown: arms may act on the KPI past the CPI, so one mechanism "
    "decides nothing. --direct-effect-bound gives a bound, 0 for none."
)
BOUND_KNOWN = "Assumed: no arm changes the KPI by more than {bound:g} past the CPI."
UNREGISTERED = "Nothing was registered before the data were seen: the flags stand in for a registration."


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmUnits:
    """An arm and its units, None where the file gives contrasts and not units."""

    experiment: str
    arm: str
    n: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One treatment arm against control on one metric: arm minus control."""

    experiment: str
    reading: Reading

    @property
    def metric(self) -> str:
        return self.reading.metric

    @property
    def arm(self) -> str:
        return self.reading.arm

    @property
    def absolute(self) -> Estimate | NotEstimable:
        return self.reading.raw.absolute

    @property
    def relative(self) -> Estimate | NotEstimable:
        return self.reading.raw.relative

    @property
    def adjusted(self) -> Estimate | NotEstimable | None:
        return None if self.reading.adjusted is None else self.reading.adjusted.absolute


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All that is said about one file."""

    arms: tuple[ArmUnits, ...]
    checks: tuple[Check, ...]
    effects: tuple[Effect, ...]
    judgement: Judgement
    bound: float | None
    alpha: float
    plan: Mapping[str, Json]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader must know beside the numbers."""
        bound = BOUND_UNKNOWN if self.bound is None else BOUND_KNOWN.format(bound=self.bound)
        return (UNREGISTERED, bound)


def judged(rule: Rule, experiments: Sequence[ExperimentContrasts] | NotEstimable) -> Judgement:
    """The verdict, which is inconclusive where there is nothing to judge."""
    return unanswered(experiments) if isinstance(experiments, NotEstimable) else judge(rule, experiments)


def document(answer: Answer) -> Json:
    """The answer as JSON values; every number in it is finite."""
    return {
        "registered": False,
        "plan": dict(answer.plan),
        "bound": "unknown" if answer.bound is None else answer.bound,
        "notes": list(answer.notes),
        "arms": as_json(answer.arms),
        "checks": [{"name": c.name, "passed": c.passed, "detail": c.detail} for c in answer.checks],
        "effects": [effect_document(one.experiment, one.reading) for one in answer.effects],
        "relationship": as_json(answer.judgement.relationship),
        "verdict": as_json(answer.judgement.verdict),
    }
