"""On what does a verdict hang? What it would be at other slopes of interest, or if arms also act directly."""

from dataclasses import replace
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from analyses import NotEstimable, tolerated
from service.evidence.documents import LookDocument, LookState, RefusalDocument, Unanswered, VerdictState
from service.evidence.judgement import Basis, judgement, rule_of


class ToleratedDocument(BaseModel):
    """The slopes left if arms may act past the CPI by at most ``bound`` KPI units; null for an open end."""

    model_config = ConfigDict(frozen=True)

    bound: float
    lower: float | None
    upper: float | None


class SensitivityDocument(BaseModel):
    """Kept beside a verdict; it decides nothing."""

    model_config = ConfigDict(frozen=True)

    at_half: VerdictState = Field(description="The verdict, had half the smallest slope been registered.")
    at_double: VerdictState = Field(description="The verdict, had twice the smallest slope been registered.")
    direct_effects: tuple[ToleratedDocument, ...] | Unanswered

    @classmethod
    def of_relationship(cls, relationship: dict[str, JsonValue]) -> Self | None:
        """None for a verdict from before this was kept, or without a relationship."""
        found = relationship.get("sensitivity")
        return None if found is None else cls.model_validate(found)


def sensitivity(basis: Basis, look: LookDocument) -> SensitivityDocument | None:
    """The same evidence and error rate under other assumptions; None where no slope was registered."""
    if rule_of(basis).smallest_slope is None:
        return None
    return SensitivityDocument(
        at_half=_at(basis, look, 0.5), at_double=_at(basis, look, 2.0), direct_effects=_curve(basis, look)
    )


def _at(basis: Basis, look: LookDocument, times: float) -> VerdictState:
    """What a gate blocks is blocked at any slope."""
    if look.state is LookState.BLOCKED:
        return VerdictState.INCONCLUSIVE
    hypothesis = replace(basis.hypothesis, smallest_slope=basis.hypothesis.smallest_slope * times)
    return VerdictState(judgement(replace(basis, hypothesis=hypothesis), look.alpha).verdict.state.value)


def _curve(basis: Basis, look: LookDocument) -> tuple[ToleratedDocument, ...] | Unanswered:
    if not basis.usable:
        why = NotEstimable(reason="no_evidence", detail="no experiment could be estimated")
        return Unanswered(not_estimable=RefusalDocument.of(why))
    found = tolerated(replace(rule_of(basis), alpha=look.alpha), basis.usable)
    if isinstance(found, NotEstimable):
        return Unanswered(not_estimable=RefusalDocument.of(found))
    return tuple(ToleratedDocument(bound=one.bound, lower=one.lower, upper=one.upper) for one in found)
