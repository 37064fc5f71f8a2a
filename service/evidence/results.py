"""What does a run publish? The analysis as plain JSON, shaped as the one-file analysis is."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import JsonValue

from analyses import ArmEffect, Check, Difference, Estimate, NotEstimable, Reason, as_json
from service.evidence.analysis import FIRST_STAGE, Analysis, Finding
from service.evidence.documents import (
    ContrastsDocument,
    FindingDocument,
    RefusalDocument,
    UnmeasuredDocument,
)
from service.evidence.plan import Plan
from service.facts import MomentsResult
from service.runs.rules import RunType

INTERIM = NotEstimable(
    reason="interim",
    detail="Fixed-horizon intervals appear only at the planned end: looking at them on the way would decide "
    "too early. Checks and counts are given at any time.",
)


def document(
    *,
    plan: Plan,
    facts: MomentsResult,
    analysis: Analysis,
    kind: RunType,
    withheld: bool,
    why_not_final: Reason | None,
    findings: Sequence[FindingDocument],
) -> dict[str, JsonValue]:
    """What is withheld are effects; counts and checks are published always."""
    return {
        "experiment": plan.experiment,
        "type": kind.value,
        "why_not_final": None if why_not_final is None else why_not_final.text,
        "why_not_final_code": None if why_not_final is None else why_not_final.code,
        "names": dict(plan.names),
        "arms": [{"experiment": plan.experiment, "arm": arm, "n": analysed(facts, arm)} for arm in plan.arms],
        "units": {state.value: facts.n(state) for state in facts.excluded()},
        "checks": [as_json(shown(check, withheld=withheld)) for check in analysis.checks],
        "effects": [
            effect_document(plan.experiment, effect, withheld=withheld) for effect in analysis.effects
        ],
        "hypotheses": [finding.model_dump(mode="json") for finding in findings],
        "not_measured": list(plan.not_measured),
    }


def shown(check: Check, *, withheld: bool) -> Check:
    """A check of the effects themselves is one more look at them."""
    if check.name != FIRST_STAGE or not withheld:
        return check
    return replace(check, passed=None, detail="whether the arms moved the CPI is said at the planned end")


def analysed(facts: MomentsResult, arm: str) -> int:
    """Units of an arm in all phases."""
    return sum(moments.n for (name, _), moments in facts.moments.items() if name == arm)


def effect_document(experiment: str, effect: ArmEffect, *, withheld: bool) -> dict[str, JsonValue]:
    """One treatment arm against control on one metric."""
    head: dict[str, JsonValue] = {"experiment": experiment, "metric": effect.metric, "arm": effect.arm}
    if withheld:
        return head | refused(INTERIM)
    if isinstance(effect.raw, NotEstimable):
        return head | refused(effect.raw)
    if isinstance(effect.raw.absolute, NotEstimable):
        return head | refused(effect.raw.absolute)
    return head | {
        **_estimate(effect.raw.absolute),
        "relative": _relative(effect.raw.relative),
        "adjusted": _adjusted(effect.adjusted),
    }


def refused(why: NotEstimable) -> dict[str, JsonValue]:
    """How "no answer" looks everywhere."""
    return {"not_estimable": {"reason": why.reason, "detail": why.detail}}


def _estimate(estimate: Estimate) -> dict[str, JsonValue]:
    return {
        "estimate": estimate.value,
        "std_error": estimate.std_error,
        "interval": [estimate.interval.lower, estimate.interval.upper],
        "p_value": estimate.p_value,
    }


def _relative(relative: Estimate | NotEstimable) -> dict[str, JsonValue]:
    if isinstance(relative, NotEstimable):
        return refused(relative)
    return {"estimate": relative.value, "interval": [relative.interval.lower, relative.interval.upper]}


def _adjusted(adjusted: Difference | NotEstimable | None) -> dict[str, JsonValue] | None:
    if adjusted is None:
        return None
    found = adjusted.absolute if isinstance(adjusted, Difference) else adjusted
    if isinstance(found, NotEstimable):
        return refused(found)
    return {
        "estimate": found.value,
        "std_error": found.std_error,
        "interval": [found.interval.lower, found.interval.upper],
    }


def finding_document(finding: Finding, *, withheld: bool) -> FindingDocument:
    """What the experiment says on one hypothesis, without a verdict yet."""
    found = INTERIM if withheld else finding.contrasts
    return FindingDocument(
        hypothesis_id=finding.hypothesis.id,
        named=finding.hypothesis.named,
        cpi=finding.hypothesis.cpi,
        kpi=finding.hypothesis.kpi,
        contrasts=None if isinstance(found, NotEstimable) else ContrastsDocument.of(found),
        not_estimable=RefusalDocument.of(found) if isinstance(found, NotEstimable) else None,
        unmeasured=tuple(
            UnmeasuredDocument(metric=one.metric, not_estimable=RefusalDocument.of(one.reason))
            for one in finding.unmeasured
        ),
        judgement=None,
    )
