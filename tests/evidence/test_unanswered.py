"""An engine that cannot answer one metric: is everything else said, and that one's reason?"""

from dataclasses import replace

import numpy as np
import pytest

from analyses import ExperimentContrasts, NotEstimable, moments_of
from service.evidence.analysis import Analysis, analyse
from service.evidence.exploring import explorations
from service.evidence.results import document
from service.facts import MomentsResult
from service.runs.rules import RunType
from tests.evidence.cells import CPI, FAST, KPI, RIVAL, facts, plan, units

WHY = "spark cannot compute this: a property named it's"
PLAN = plan(FAST)


def lacking(ref: str) -> MomentsResult:
    """Facts without one metric's column."""
    columns = tuple(name for name in (CPI, KPI, RIVAL) if name != ref)
    at = [(CPI, KPI, RIVAL).index(name) for name in columns]
    rows = {("control", 1): units(0, 0.5), ("fast", 1): units(-1, 0.5, seed=2)}
    found = facts(rows)
    return replace(
        found,
        columns=columns,
        moments={cell: moments_of(columns, of[:, at]) for cell, of in rows.items()},
        unanswered={ref: WHY},
    )


def effect(analysis: Analysis, ref: str):
    return next(one for one in analysis.effects if one.metric == ref).raw.absolute


@pytest.mark.parametrize("ref", [CPI, KPI, RIVAL])
def test_the_other_metrics_have_their_effects_and_this_one_its_reason(ref: str) -> None:
    found, whole = lacking(ref), facts({("control", 1): units(0, 0.5), ("fast", 1): units(-1, 0.5, seed=2)})
    analysis, expected = analyse(PLAN, found), analyse(PLAN, whole)
    assert effect(analysis, ref) == NotEstimable(
        reason="not_answered", detail=f"{PLAN.metric(ref).name} has no answer: {WHY}"
    )
    for other in {CPI, KPI, RIVAL} - {ref}:
        assert effect(analysis, other).value == pytest.approx(effect(expected, other).value, rel=1e-12)
    told = document(
        plan=PLAN,
        facts=found,
        analysis=analysis,
        kind=RunType.FINAL,
        withheld=False,
        why_not_final=None,
        findings=(),
    )
    assert told["not_answered"] == {PLAN.metric(ref).name: WHY}
    assert {one["metric"] for one in told["levels"]} == {CPI, KPI, RIVAL} - {ref}


@pytest.mark.parametrize("ref", [CPI, KPI])
def test_a_hypothesis_on_it_has_no_contrasts_and_no_exploration(ref: str) -> None:
    found = lacking(ref)
    (finding,) = analyse(PLAN, found).findings
    assert isinstance(finding.contrasts, NotEstimable)
    assert finding.contrasts.reason == "not_answered"
    assert explorations(PLAN, found, [finding], {}) == {}


def test_a_rival_without_answer_is_named_and_the_hypothesis_is_judged() -> None:
    found = lacking(RIVAL)
    (finding,) = analyse(PLAN, found).findings
    assert isinstance(finding.contrasts, ExperimentContrasts)
    name = PLAN.metric(RIVAL).rival
    assert finding.contrasts.metrics == (CPI, KPI)
    assert finding.contrasts.unmeasured == (name,)
    assert {one.metric: one.reason.reason for one in finding.unmeasured} == {name: "not_answered"}
    assert len(explorations(PLAN, found, [finding], {})) == 1


def test_a_covariate_without_answer_leaves_no_adjusted_effect_and_no_contrasts() -> None:
    """Unadjusted ones would not be what was planned."""
    adjusted = replace(PLAN, covariates=(RIVAL,))
    analysis = analyse(adjusted, lacking(RIVAL))
    assert isinstance(analysis.findings[0].contrasts, NotEstimable)
    assert np.isfinite(effect(analysis, KPI).value)
