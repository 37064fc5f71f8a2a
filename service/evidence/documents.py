"""How are contrasts kept for years? As plain JSON that gives back exactly what was judged."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from analyses import Check, ExperimentContrasts, NotEstimable, contrasts_again

STOPPED_EARLY = "stopped_early"  # every window has closed, and it ended off its planned size


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

    @classmethod
    def of(cls, check: Check) -> "CheckDocument":
        return cls(name=check.name, passed=check.passed, detail=check.detail, gates=check.gates)


class EarlyDocument(BaseModel):
    """How far an experiment was, of how far it was planned to go: units of all arms."""

    model_config = ConfigDict(frozen=True)

    units: int
    planned_units: int


class CornerDocument(BaseModel):
    """Effects at one combination of lower and upper bounds; arms and metrics are those of the contrasts."""

    model_config = ConfigDict(frozen=True)

    effects: tuple[tuple[float, ...], ...]
    covariance: tuple[tuple[tuple[tuple[float, ...], ...], ...], ...]


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
    units_per_cluster: float | None = Field(
        default=None, description="In the mean, where whole clusters were randomised."
    )
    effects: tuple[tuple[float, ...], ...]
    covariance: tuple[tuple[tuple[tuple[float, ...], ...], ...], ...]
    unmeasured: tuple[str, ...] = Field(description="Rivals that this experiment could not measure.")
    checks: tuple[CheckDocument, ...]
    early: EarlyDocument | None = Field(
        default=None,
        description="Where the experiment stopped off its planned size: it then counts with the wider "
        "interval that holds at any moment of stopping.",
    )
    segments: dict[str, dict[str, "ContrastsDocument"]] = Field(
        default={}, description="CPI and KPI among the units of one segment, by segmentation and value."
    )
    corners: tuple[CornerDocument, ...] = Field(
        default=(),
        description="The same arms at every combination of Lee's bounds, where arms changed for whom the CPI "
        "or the KPI is seen: a verdict then needs the same answer at each.",
    )

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
            units_per_cluster=contrasts.units_per_cluster,
            effects=contrasts.effects.tolist(),
            covariance=contrasts.covariance.tolist(),
            unmeasured=contrasts.unmeasured,
            checks=tuple(map(CheckDocument.of, contrasts.checks)),
            early=None
            if contrasts.early is None
            else EarlyDocument(units=contrasts.early.units, planned_units=contrasts.early.planned_units),
            segments={
                name: {value: cls.of(own) for value, own in values.items()}
                for name, values in contrasts.segments.items()
            },
            corners=tuple(
                CornerDocument(effects=one.effects.tolist(), covariance=one.covariance.tolist())
                for one in contrasts.corners
            ),
        )

    def contrasts(self) -> ExperimentContrasts:
        """What a verdict takes."""
        return contrasts_again(self.model_dump(mode="json"))


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


class LookState(StrEnum):
    """What became of a look at the evidence."""

    TAKEN = "taken"  # a verdict was due and issued
    CORRECTED = "corrected"  # the same experiments, analysed anew: the last verdict again, at its own level
    WAITS = "waits"  # new evidence came, not enough for the next verdict: the last one stands
    RESTATED = "restated"  # the last verdict stands again, after one that a gate had blocked
    BLOCKED = "blocked"  # a gate, a missing experiment, a single mechanism: nothing spent


class LookDocument(BaseModel):
    """One look at all evidence: a verdict is issued only when the information has doubled since the last."""

    model_config = ConfigDict(frozen=True)

    state: LookState
    number: int = Field(description="Of the verdict that was issued, or that stands.")
    alpha: float = Field(description="The error rate of that verdict; all of a hypothesis add up to its own.")
    information: float = Field(description="1 / (standard error of the slope per raw CPI unit) squared, now.")
    due_at: float = Field(description="The information at which the next verdict is due.")
    text: str

    @classmethod
    def of_row(cls, row: object) -> "LookDocument":
        fields = {name: getattr(row, name) for name in cls.model_fields if name != "text"}
        return cls.of(**fields)

    @classmethod
    def of(
        cls, *, state: LookState, number: int, alpha: float, information: float, due_at: float
    ) -> "LookDocument":
        share = information / due_at if due_at else 0.0
        return cls(
            state=state,
            number=number,
            alpha=alpha,
            information=information,
            due_at=due_at,
            text=LOOKED[state].format(number=number, alpha=alpha, share=share),
        )


LOOKED = {
    LookState.TAKEN: "Verdict {number} of this hypothesis, at the error rate {alpha:.2g}: all its verdicts "
    "together keep to the registered rate. The next one is due when the information has doubled.",
    LookState.CORRECTED: "The experiments of verdict {number}, analysed again, at the same error rate "
    "{alpha:.2g}: a correction, and no further look.",
    LookState.WAITS: "New evidence came, and no verdict is due yet: {share:.0%} of the information that the "
    "next one takes is there. Verdict {number} stands until then, since deciding at every new experiment "
    "would err more often than registered.",
    LookState.RESTATED: "What had blocked a verdict is settled, and verdict {number} stands again: no "
    "further one is due until the information has doubled since.",
    LookState.BLOCKED: "Nothing could be decided, whatever the effects are, so no error rate was spent; "
    "intervals are shown at {alpha:.2g}, the rate of verdict {number}.",
}


class DiscoveryDocument(BaseModel):
    """How easily chance alone would have confirmed a lever on this evidence; no part of the verdict."""

    model_config = ConfigDict(frozen=True)

    p_value: float = Field(
        description="Of there being no lever: the smallest error rate of the hypothesis at which the rule "
        "would have confirmed one, all its verdicts so far paid for."
    )
    log_e_value: float | None = Field(
        description="Natural logarithm of the E value, where all evidence counts with intervals that hold "
        "at any moment of stopping; else null."
    )


class JudgementDocument(BaseModel):
    """A verdict in a run's result, and what it rested on; it is kept only if that still holds then."""

    model_config = ConfigDict(frozen=True)

    basis: dict[str, JsonValue]
    experiments: list[JsonValue]  # id and counting run of each that it rests on
    relationship: dict[str, JsonValue]
    verdict: VerdictDocument
    look: LookDocument | None = None  # of runs before looks were counted
    discovery: DiscoveryDocument | None = None  # where the look spent error rate, since this is kept


class AnytimeDocument(BaseModel):
    """Slopes that an experiment has not refuted so far, valid at all its looks; they decide nothing."""

    model_config = ConfigDict(frozen=True)

    units: int
    planned_units: int
    alpha: float
    slope: dict[str, JsonValue] = Field(
        description="The set, in KPI units per increment of improvement, or why there is none."
    )


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
    anytime: AnytimeDocument | None = Field(
        default=None, description="While the experiment runs, or where it stopped off its planned size."
    )
