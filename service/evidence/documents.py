"""How are contrasts kept for years? As plain JSON that gives back exactly what was judged."""

from enum import StrEnum

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from analyses import Check, ContrastArm, ExperimentContrasts, NotEstimable

STOPPED_EARLY = "stopped_early"  # every window has closed, and the planned size was not reached


class VerdictState(StrEnum):
    """What all evidence together says of a hypothesis."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"


class ArmDocument(BaseModel):
    """A treatment arm as a verdict sees it."""

    model_config = ConfigDict(frozen=True)

    name: str
    mechanism: str | None
    placebo: bool
    units: int


class CheckDocument(BaseModel):
    """One question about whether an experiment can be trusted."""

    model_config = ConfigDict(frozen=True)

    name: str
    passed: bool | None
    detail: str
    gates: bool

    def check(self) -> Check:
        return Check(name=self.name, passed=self.passed, detail=self.detail, gates=self.gates)

    @classmethod
    def of(cls, check: Check) -> "CheckDocument":
        return cls(name=check.name, passed=check.passed, detail=check.detail, gates=check.gates)


class ContrastsDocument(BaseModel):
    """The contrasts of one experiment for one hypothesis: raw units, arm minus control.

    `metrics` names the CPI, the KPI, then the rivals; `effects[k][i]` and `covariance[k][i][l][j]` go by arm
    and metric.
    """

    model_config = ConfigDict(frozen=True)

    experiment: str
    metrics: tuple[str, ...]
    arms: tuple[ArmDocument, ...]
    control_units: int
    effects: tuple[tuple[float, ...], ...]
    covariance: tuple[tuple[tuple[tuple[float, ...], ...], ...], ...]
    unmeasured: tuple[str, ...] = Field(description="Rivals that this experiment could not measure.")
    checks: tuple[CheckDocument, ...]

    @classmethod
    def of(cls, contrasts: ExperimentContrasts) -> "ContrastsDocument":
        """The document of contrasts whose numbers of units are known, as those from moments are."""
        units = contrasts.arm_units
        if units is None or contrasts.control_units is None:
            raise ValueError(f"expected the units of every arm of {contrasts.experiment}")
        return cls(
            experiment=contrasts.experiment,
            metrics=contrasts.metrics,
            arms=tuple(
                ArmDocument(name=arm.name, mechanism=arm.mechanism, placebo=arm.placebo, units=n)
                for arm, n in zip(contrasts.arms, units, strict=True)
            ),
            control_units=contrasts.control_units,
            effects=contrasts.effects.tolist(),
            covariance=contrasts.covariance.tolist(),
            unmeasured=contrasts.unmeasured,
            checks=tuple(map(CheckDocument.of, contrasts.checks)),
        )

    def contrasts(self) -> ExperimentContrasts:
        """What a verdict takes."""
        return ExperimentContrasts(
            experiment=self.experiment,
            metrics=self.metrics,
            arms=tuple(ContrastArm(name=a.name, mechanism=a.mechanism, placebo=a.placebo) for a in self.arms),
            effects=np.array(self.effects),
            covariance=np.array(self.covariance),
            arm_units=tuple(arm.units for arm in self.arms),
            control_units=self.control_units,
            unmeasured=self.unmeasured,
            checks=tuple(check.check() for check in self.checks),
        )


class RefusalDocument(BaseModel):
    """Why the data could not answer."""

    model_config = ConfigDict(frozen=True)

    reason: str
    detail: str

    def not_estimable(self) -> NotEstimable:
        return NotEstimable(reason=self.reason, detail=self.detail)

    @classmethod
    def of(cls, why: NotEstimable) -> "RefusalDocument":
        return cls(reason=why.reason, detail=why.detail)


class UnmeasuredDocument(BaseModel):
    """A rival that the experiment could not measure, and why."""

    model_config = ConfigDict(frozen=True)

    metric: str
    not_estimable: RefusalDocument


class ReasonDocument(BaseModel):
    """One reason: a stable code for machines, a sentence for people."""

    model_config = ConfigDict(frozen=True)

    code: str
    text: str


class SlopeDocument(BaseModel):
    """The size of the lever; no single estimate where mechanisms differ, null for an open end."""

    model_config = ConfigDict(frozen=True)

    estimate: float | None
    interval: tuple[float | None, float | None]


class Unanswered(BaseModel):
    """No number, and why."""

    model_config = ConfigDict(frozen=True)

    not_estimable: RefusalDocument


class VerdictDocument(BaseModel):
    """The answer as it is published and kept."""

    model_config = ConfigDict(frozen=True)

    state: VerdictState
    label: str | None
    slope: SlopeDocument | Unanswered = Field(description="KPI units per increment of improvement.")
    reasons: tuple[ReasonDocument, ...]
    needed_units_per_arm: int | None
    sentence: str


class JudgementDocument(BaseModel):
    """A verdict in a run's result, and what it rested on; it is kept only if that still holds then."""

    model_config = ConfigDict(frozen=True)

    basis: dict[str, JsonValue]
    experiments: list[JsonValue]  # id and counting run of each that it rests on
    relationship: dict[str, JsonValue]
    verdict: VerdictDocument


class FindingDocument(BaseModel):
    """What a run says on one hypothesis: contrasts or why there are none, and for a final run the verdict."""

    model_config = ConfigDict(frozen=True)

    hypothesis_id: str
    named: bool
    cpi: str
    kpi: str
    contrasts: ContrastsDocument | None
    not_estimable: RefusalDocument | None
    unmeasured: tuple[UnmeasuredDocument, ...]
    judgement: JudgementDocument | None
