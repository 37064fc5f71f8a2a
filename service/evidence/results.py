"""What does a run publish? The analysis as plain JSON, shaped as the one-file analysis is."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import JsonValue

from analyses import (
    Check,
    Early,
    ExperimentContrasts,
    NotEstimable,
    Reason,
    anytime_set,
    as_json,
    effect_document,
    kept_inputs,
    refused,
)
from service.evidence.analysis import FIRST_STAGE, Analysis, Finding
from service.evidence.daily import daily_document, levels_document
from service.evidence.documents import (
    AnytimeDocument,
    ContrastsDocument,
    FindingDocument,
    RefusalDocument,
    UnmeasuredDocument,
)
from service.evidence.looks import Look, looks_document
from service.evidence.plan import Plan, PlannedHypothesis
from service.facts import MomentsResult
from service.runs.rules import RunType

INTERIM = NotEstimable(
    reason="interim",
    detail="Fixed-horizon intervals appear only at the planned end: looking at them on the way would decide "
    "too early. Until then read the anytime interval, which holds at every look; checks and counts are given "
    "at any time.",
)

TOLD_AT_THE_END = {
    FIRST_STAGE: "whether the arms moved the CPI is said at the planned end",
    "novelty": "whether effects fade is said at the planned end",
    "weekday_drift": "whether effects differ by weekday is said at the planned end",
}


def document(
    *,
    plan: Plan,
    facts: MomentsResult,
    analysis: Analysis,
    kind: RunType,
    withheld: bool,
    why_not_final: Reason | None,
    findings: Sequence[FindingDocument],
    looks_before: Sequence[float] = (),
    look: Look | None = None,
) -> dict[str, JsonValue]:
    """What holds for one look only is withheld; counts, checks and anytime intervals are published always."""
    answered = plan.without(facts.unanswered)
    return {
        "experiment": plan.experiment,
        "type": kind.value,
        "why_not_final": None if why_not_final is None else why_not_final.text,
        "why_not_final_code": None if why_not_final is None else why_not_final.code,
        "names": dict(plan.names),
        "arms": [{"experiment": plan.experiment, "arm": arm, "n": analysed(facts, arm)} for arm in plan.arms],
        "placebos": [*sorted({arm.name for one in plan.hypotheses for arm in one.arms if arm.placebo})],
        "units": {state.value: facts.n(state) for state in facts.excluded()},
        "checks": [as_json(shown(check, withheld=withheld)) for check in analysis.checks],
        **_effects(plan, analysis, withheld=withheld),
        "analysis": plan.analysis.model_dump(mode="json"),
        "looks": looks_document(plan, looks_before, look),
        "inputs": None if withheld else kept_inputs(analysis.inputs),
        "levels": levels_document(answered, facts),
        "daily": daily_document(answered, facts, analysis.inputs.wanted),
        "hypotheses": [finding.model_dump(mode="json") for finding in findings],
        "not_measured": list(plan.not_measured),
        "not_answered": {plan.metric(ref).name: why for ref, why in facts.unanswered.items()},
    }


def _effects(plan: Plan, analysis: Analysis, *, withheld: bool) -> dict[str, JsonValue]:
    """Every effect with its bounds, and which arm is likely the best."""
    return {
        "effects": [
            effect_document(
                plan.experiment,
                effect,
                analysis.signals.get((effect.metric, effect.arm)),
                withheld=INTERIM if withheld else None,
            )
            | {"lee_bounds": _bounds(analysis, (effect.metric, effect.arm), withheld=withheld)}
            for effect in analysis.effects
        ],
        "best_arm": {
            metric: refused(INTERIM) if withheld else as_json(found)
            for metric, found in analysis.standings.items()
        },
    }


def _bounds(analysis: Analysis, key: tuple[str, str], *, withheld: bool) -> JsonValue:
    """Between what the effect lies on whoever is seen in either arm; null where no arm changed who is."""
    found = analysis.bounds.get(key)
    if found is None:
        return None
    return refused(INTERIM) if withheld else as_json(found)


def shown(check: Check, *, withheld: bool) -> Check:
    """A check of the effects themselves is one more look at them."""
    told = TOLD_AT_THE_END.get(check.name)
    return replace(check, passed=None, detail=told) if withheld and told is not None else check


def analysed(facts: MomentsResult, arm: str) -> int:
    """Units of an arm in all phases."""
    return sum(moments.n for (name, _), moments in facts.moments.items() if name == arm)


def finding_document(finding: Finding, *, withheld: bool, size: Early | None) -> FindingDocument:
    """What the experiment says on one hypothesis, without a verdict yet.

    ``size`` is how far it got of what was planned, None for a final run; who looks then sees the set of the
    slope that holds at any look.
    """
    found, anytime = finding.contrasts, None
    if isinstance(found, ExperimentContrasts) and size is not None:
        found = replace(found, early=size)
        anytime = _anytime(finding.hypothesis, found)
    found = INTERIM if withheld else found
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
        anytime=anytime,
    )


def _anytime(hypothesis: PlannedHypothesis, contrasts: ExperimentContrasts) -> AnytimeDocument | None:
    if contrasts.early is None or contrasts.early.units < 1:
        return None
    found = as_json(anytime_set(hypothesis.question, contrasts))
    return AnytimeDocument.model_validate(
        {
            "units": contrasts.early.units,
            "planned_units": contrasts.early.planned_units,
            "alpha": hypothesis.question.alpha,
            "slope": found,
        }
    )
