"""On which rung of the evidence ladder does a hypothesis stand, and what may be concluded there?"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.config import JsonDict

from analyses import EvidenceCount, LadderStep, rung_of
from service.evidence.documents import VerdictState
from service.evidence.tables import Verdict

STANDING: JsonDict = {
    "rung": 3,
    "name": "randomised",
    "ceiling": ["inconclusive"],
    "reason": "One mechanism cannot tell the CPI from its own side effects.",
    "further": "Add a second mechanism, and a placebo or clearly different doses.",
}


class RungView(BaseModel):
    """One rung: the kind of evidence, the verdicts that it allows, why no more, and what leads up."""

    model_config = ConfigDict(frozen=True)

    rung: int = Field(ge=0, le=5)
    name: str
    needs: str
    ceiling: tuple[VerdictState, ...] = Field(description="The verdicts that may be given.")
    ceiling_bounded: tuple[VerdictState, ...] = Field(
        description="The same where a bound on the direct effect was registered: an assumption."
    )
    reason: str
    further: str

    @classmethod
    def of(cls, step: LadderStep) -> "RungView":
        return cls(
            rung=step.rung.value,
            name=step.name,
            needs=step.needs,
            ceiling=tuple(VerdictState(state.value) for state in step.states),
            ceiling_bounded=tuple(VerdictState(state.value) for state in step.states_bounded),
            reason=step.reason,
            further=step.further,
        )


class Standing(BaseModel):
    """Where one hypothesis stands on the ladder."""

    model_config = ConfigDict(frozen=True)

    rung: int = Field(ge=0, le=5)
    name: str
    ceiling: tuple[VerdictState, ...] = Field(description="The verdicts that may be given, its bound heeded.")
    reason: str
    further: str


def standing(verdict: Verdict) -> Standing:
    """From what the verdict counted: experiments with arms that spoke, and their mechanisms."""
    return standing_of(
        EvidenceCount(experiments=_used(verdict), mechanisms=_mechanisms(verdict.relationship)),
        bounded=verdict.rule.get("direct_effect_bound") is not None,
    )


def standing_of(counted: EvidenceCount, *, bounded: bool) -> Standing:
    """The rung that was reached, and its ceiling under the registered bound."""
    step = rung_of(counted)
    return Standing(
        rung=step.rung.value,
        name=step.name,
        ceiling=tuple(VerdictState(state.value) for state in step.ceiling(bounded=bounded)),
        reason=step.reason,
        further=step.further,
    )


def _used(verdict: Verdict) -> int:
    return sum(isinstance(one, dict) and bool(one.get("used")) for one in verdict.experiments)


def _mechanisms(relationship: Mapping[str, JsonValue]) -> int:
    found = relationship.get("mechanisms")
    return len(found) if isinstance(found, list) else 0
