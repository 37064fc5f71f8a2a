"""What does a kept result say, as far as people read it? Lenient: what was kept years ago stays readable."""

from datetime import date

from pydantic import BaseModel, ConfigDict, JsonValue

from service.evidence.documents import CheckDocument, RefusalDocument, VerdictDocument

type Ends = tuple[float | None, float | None]


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class KeptArm(_Kept):
    experiment: str
    arm: str
    n: int


class KeptNumber(_Kept):
    """An estimate with its interval, or why there is none."""

    estimate: float | None = None
    interval: Ends | None = None
    not_estimable: RefusalDocument | None = None


class KeptBelief(_Kept):
    """A posterior that is near normal."""

    mean: float
    deviation: float
    interval: Ends
    p_better: float | None = None


class KeptPosterior(_Kept):
    belief: KeptBelief | None = None


class KeptGuardrail(_Kept):
    harm_beyond_margin: str | None = None  # ruled_out, shown or open


class KeptView(KeptNumber):
    """One way of estimating an effect."""

    relative: KeptNumber | None = None
    anytime: KeptNumber | None = None


class KeptEffect(KeptView):
    """One arm against control on one metric; ``adjusted`` is the one to read where there is one."""

    metric: str
    arm: str
    adjusted: KeptView | None = None
    posterior: KeptPosterior | None = None
    guardrail: KeptGuardrail | None = None

    @property
    def chosen(self) -> KeptView:
        return self if self.adjusted is None else self.adjusted


class KeptJudgement(_Kept):
    verdict: VerdictDocument


class KeptFinding(_Kept):
    hypothesis_id: str
    judgement: KeptJudgement | None


class KeptLevel(_Kept):
    metric: str
    arm: str
    units: int
    mean: float | None


class KeptPoint(_Kept):
    """An effect of all units that had come by the end of a day, with the interval for every look."""

    day: date
    metric: str
    arm: str
    units: int
    estimate: float
    interval: Ends


class KeptDays(_Kept):
    days: tuple[date, ...] = ()
    units: dict[str, tuple[int, ...]] = {}
    effects: tuple[KeptPoint, ...] = ()


class KeptResult(_Kept):
    """A run's result; parts that an older run did not have are empty."""

    type: str = ""
    arms: tuple[KeptArm, ...] = ()
    checks: tuple[CheckDocument, ...] = ()
    effects: tuple[KeptEffect, ...] = ()
    hypotheses: tuple[KeptFinding, ...] = ()
    units: dict[str, int] = {}
    levels: tuple[KeptLevel, ...] = ()
    daily: KeptDays = KeptDays()
    why_not_final: str | None = None

    def verdict(self, hypothesis_id: str) -> VerdictDocument | None:
        """What the run concluded on a hypothesis, if it did."""
        found = (one.judgement for one in self.hypotheses if one.hypothesis_id == hypothesis_id)
        judged = next(found, None)
        return None if judged is None else judged.verdict

    def level(self, metric: str, arm: str) -> KeptLevel | None:
        return next((one for one in self.levels if (one.metric, one.arm) == (metric, arm)), None)


def kept(result: dict[str, JsonValue] | None) -> KeptResult:
    """Of a run that has none, an empty one."""
    return KeptResult() if result is None else KeptResult.model_validate(result)
