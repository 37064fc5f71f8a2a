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
    Rule,
    as_json,
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
    """One treatment arm against control on one metric, raw: arm minus control."""

    experiment: str
    metric: str
    arm: str
    absolute: Estimate | NotEstimable
    relative: Estimate | NotEstimable
    adjusted: Estimate | NotEstimable | None = None


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
        "effects": [_effect(effect) for effect in answer.effects],
        "relationship": as_json(answer.judgement.relationship),
        "verdict": as_json(answer.judgement.verdict),
    }


def _effect(effect: Effect) -> dict[str, Json]:
    return {
        "experiment": effect.experiment,
        "metric": effect.metric,
        "arm": effect.arm,
        **_numbers(effect.absolute),
        "relative": _short(effect.relative, "estimate", "interval"),
        "adjusted": None
        if effect.adjusted is None
        else _short(effect.adjusted, "estimate", "std_error", "interval"),
    }


def _short(found: Estimate | NotEstimable, *keys: str) -> Json:
    if isinstance(found, NotEstimable):
        return as_json(found)
    numbers = _numbers(found)
    return {key: numbers[key] for key in keys}


def _numbers(found: Estimate | NotEstimable) -> dict[str, Json]:
    """The four numbers, or null for each and the reason beside them."""
    if isinstance(found, NotEstimable):
        why = {"reason": found.reason, "detail": found.detail}
        return {
            "estimate": None,
            "std_error": None,
            "interval": None,
            "p_value": None,
            "not_estimable": dict(why),
        }
    return {
        "estimate": found.value,
        "std_error": found.std_error,
        "interval": as_json(found.interval),
        "p_value": found.p_value,
    }
