"""What do reports read of a run's kept result? Only these parts, whatever else stands beside them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

from service.evidence.documents import SlopeDocument, Unanswered


class Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class CheckTold(Lenient):
    name: str
    passed: bool | None
    detail: str
    gates: bool


class ArmTold(Lenient):
    arm: str
    n: int


class Refused(Lenient):
    reason: str
    detail: str


class ShareTold(Lenient):
    estimate: float | None = None
    interval: tuple[float | None, float | None] | None = None
    not_estimable: Refused | None = None


class ViewTold(ShareTold):
    """One way of estimating an effect."""

    std_error: float | None = None
    p_value: float | None = None
    relative: ShareTold | None = None
    anytime: ShareTold | None = None


class GuardTold(Lenient):
    harm_beyond_margin: str | None = None


class EffectTold(ViewTold):
    metric: str
    arm: str
    adjusted: ViewTold | None = None
    guardrail: GuardTold | None = None


class LevelTold(Lenient):
    """What the units of an arm had of a metric; None of a quantile, and of what may not be read yet."""

    metric: str
    arm: str
    mean: float | None


class ReasonTold(Lenient):
    code: str
    text: str


class LookTold(Lenient):
    state: str = ""  # of releases that did not keep it
    number: int
    alpha: float
    information: float
    due_at: float
    text: str


class VerdictTold(Lenient):
    state: str
    label: str | None
    slope: SlopeDocument | Unanswered
    reasons: tuple[ReasonTold, ...]
    needed_units_per_arm: int | None
    sentence: str


class JudgementTold(Lenient):
    verdict: VerdictTold
    relationship: dict[str, JsonValue]
    look: LookTold | None = None


class AnytimeTold(Lenient):
    units: int
    planned_units: int
    alpha: float
    slope: dict[str, Any]


class FindingTold(Lenient):
    hypothesis_id: str
    contrasts: dict[str, JsonValue] | None = None
    judgement: JudgementTold | None = None
    anytime: AnytimeTold | None = None
    not_estimable: Refused | None = None


class ResultTold(Lenient):
    arms: tuple[ArmTold, ...] = ()
    checks: tuple[CheckTold, ...] = ()
    effects: tuple[EffectTold, ...] = ()
    hypotheses: tuple[FindingTold, ...] = ()
    levels: tuple[LevelTold, ...] = ()
    units: dict[str, int] = {}
    names: dict[str, str] = {}
    why_not_final: str | None = None
    inputs: dict[str, JsonValue] | None = None


class ContrastTold(Lenient):
    """One contrast of a verdict's relationship."""

    experiment: str
    arm: str
    mechanism: str | None
    placebo: bool
    cpi_effect: float
    kpi_effect: float
    var_cpi: float
    var_kpi: float
    cov: float
