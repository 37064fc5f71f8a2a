"""What does a verdict say when evidence is lacking, and by which names?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analyses import ContrastArm, ExperimentContrasts, Look, NotEstimable, Reason, State
from service.evidence.documents import LookState
from service.evidence.judgement import (
    Amended,
    Basis,
    Counted,
    LastLook,
    Missing,
    judged,
)
from service.evidence.judging import judgement_document
from service.evidence.wording import worded
from service.hypotheses.registered import RegisteredHypothesis
from service.hypotheses.schemas import Direction
from service.metrics.customer import Better, Increment
from service.metrics.definitions import Aggregation, EventMatch, SumDefinition, ValueType
from service.metrics.schemas import MetricKind
from service.metrics.service import PinnedMetric

NOW = datetime(2026, 11, 20, tzinfo=UTC)
REFUSED = NotEstimable(reason="never_observed", detail="nobody was seen")


def pinned(metric_id: str, kind: MetricKind) -> PinnedMetric:
    return PinnedMetric(
        id=metric_id,
        version=1,
        kind=kind,
        name=metric_id,
        team="growth",
        unit_type="customer",
        state=None,
        definition=SumDefinition(
            aggregation=Aggregation.SUM,
            window=timedelta(days=7),
            event=EventMatch(event=metric_id),
            value_type=ValueType.AMOUNT,
        ),
        increment=Increment(amount=1, unit="minute", better=Better.LOWER),
        value_of_one_unit=None,
        better=None,
        cost_of_one_increment=None,
    )


def hypothesis() -> RegisteredHypothesis:
    return RegisteredHypothesis(
        id="hyp_1",
        version=1,
        since=NOW,
        sha256="abc",
        team="growth",
        owner="ada@example.com",
        registered_at=NOW,
        registered_by="ada@example.com",
        amendments=(),
        cpi=pinned("met_wait", MetricKind.CPI),
        kpi=pinned("met_sales", MetricKind.KPI),
        direction=Direction.INCREASE,
        smallest_slope=0.2,
        direct_effect_bound=None,
        bound_evidence=(),
        rationale="Who waits less stays",
        unit_type="customer",
        window=timedelta(days=7),
        prior_scale=5.0,
        alpha=0.05,
        segments=(),
        statement="",
    )


def counted(name: str, contrasts: ExperimentContrasts | NotEstimable) -> Counted:
    return Counted(
        experiment_id=f"exp_{name}", name=name, run_id=f"run_{name}", named=True, contrasts=contrasts
    )


def basis(*found: Counted, missing: tuple[Missing, ...] = ()) -> Basis:
    return Basis(
        hypothesis=hypothesis(),
        counted=found,
        missing=missing,
        planned_shift=None,
        bound_evidence=0,
        names={"met_wait@1": "Wait", "met_sales@1": "Sales"},
    )


def one_mechanism() -> ExperimentContrasts:
    return ExperimentContrasts(
        experiment="exp_a",
        metrics=("met_wait@1", "met_sales@1"),
        arms=(ContrastArm(name="fast", mechanism="mec_1"),),
        effects=np.array([[-1.0, 0.5]]),
        covariance=np.diag([0.0001, 0.0001]).reshape(1, 2, 1, 2),
        arm_units=(1000,),
        control_units=1000,
    )


SILENT = Missing(
    experiment_id="exp_s",
    name="Silent",
    run_id=None,
    why=Reason(code="not_stopped", text="“Silent” still runs."),
)


def test_what_is_awaited_is_named_even_where_nothing_can_be_estimated() -> None:
    found = judged(basis(counted("a", REFUSED), counted("b", REFUSED), missing=(SILENT,))).judgement.verdict
    assert found.sentence.startswith("Inconclusive. a cannot be estimated: nobody was seen.")
    assert found.state is State.INCONCLUSIVE
    assert [one.code for one in found.reasons] == ["never_observed", "never_observed", "experiment_missing"]
    assert "“Silent” still runs." in found.sentence


def test_what_was_used_and_what_was_left_out_are_told_apart() -> None:
    document = judgement_document(basis(counted("a", one_mechanism()), counted("b", REFUSED)), {})
    assert document.experiments == [
        {"experiment_id": "exp_a", "run_id": "run_a", "used": True},
        {"experiment_id": "exp_b", "run_id": "run_b", "used": False},
    ]


def test_a_sentence_names_the_metrics_of_all_that_counts_not_only_of_the_plan_at_hand() -> None:
    sentence = judgement_document(basis(counted("a", one_mechanism())), {}).verdict.sentence
    assert "“Sales”" in sentence
    assert "met_sales" not in sentence


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("met_a@12 rose", "“Twelve” rose"),
        ("met_a@1 rose.", "“One” rose."),
        ("met_a@123 rose", "met_a@123 rose"),
        ("met_b@1 rose", "“met_a@1” rose"),
    ],
)
def test_only_whole_references_become_names(text: str, told: str) -> None:
    names = {"met_a@1": "One", "met_a@12": "Twelve", "met_b@1": "met_a@1"}
    assert worded({"sentence": text, "metric": text}, names) == {"sentence": told, "metric": text}


def experiment(name: str, *, kpi: float = 0.5, variance: float = 0.0001) -> Counted:
    """Two mechanisms that agree on the slope."""
    return counted(
        name,
        replace(
            one_mechanism(),
            experiment=f"exp_{name}",
            arms=(ContrastArm(name="fast", mechanism="mec_1"), ContrastArm(name="near", mechanism="mec_2")),
            effects=np.array([[-1.0, kpi], [-1.0, kpi]]),
            covariance=np.einsum("ij,kl->ikjl", np.eye(2), np.eye(2)) * variance,
            arm_units=(1000, 1000),
        ),
    )


def excluded(*found: Counted) -> Basis:
    """Of a CPI through which alone the arms act."""
    asked = basis(*found)
    return replace(asked, hypothesis=replace(asked.hypothesis, direct_effect_bound=0.0))


def after(rested_on: Basis) -> LastLook:
    """What the verdict on this evidence leaves behind."""
    found = judged(rested_on)
    document = judgement_document(rested_on, {})
    assert found.judgement is not None
    look = Look(number=found.look.number, alpha=found.look.alpha, information=found.look.information)
    return LastLook(
        look=look,
        verdict_id="ver_1",
        newest_id="ver_1",
        experiments=document.experiments,
        relationship=document.relationship,
        verdict=document.verdict.model_dump(mode="json"),
        same_question=True,
    )


def test_no_verdict_stands_on_a_run_that_was_superseded_while_new_evidence_waits() -> None:
    first, other = experiment("a"), experiment("c", variance=0.0004)
    last = after(excluded(first))
    assert last.verdict["state"] == "confirmed"
    assert judged(replace(excluded(first, other), last=last)).look.state is LookState.WAITS
    mended = replace(experiment("a", kpi=0.0), run_id="run_a_again")
    found = judged(replace(excluded(mended, other), last=last))
    assert (found.look.state, found.look.number, found.look.alpha) == (LookState.CORRECTED, 1, 0.025)
    assert found.judgement.verdict.state is State.REJECTED
    assert [one.run_id for one in found.basis.counted] == ["run_a_again"]
    alone = judged(replace(excluded(mended), last=last))
    assert found.look.information == alone.look.information


def test_new_evidence_that_is_enough_is_a_look_of_its_own_though_a_run_was_superseded() -> None:
    last = after(excluded(experiment("a")))
    again = replace(experiment("a"), run_id="run_a_again")
    found = judged(replace(excluded(again, experiment("c", variance=0.00005)), last=last))
    assert (found.look.state, found.look.number) == (LookState.TAKEN, 2)
    assert len(found.basis.counted) == 2


def test_where_none_of_its_experiments_counts_any_more_all_that_there_is_corrects_a_verdict() -> None:
    last = after(excluded(experiment("a")))
    found = judged(replace(excluded(experiment("c", kpi=0.0, variance=0.0004)), last=last))
    assert (found.look.state, found.look.number) == (LookState.CORRECTED, 1)
    assert found.judgement.verdict.state is State.REJECTED


def amended_to(smallest_slope: float, old: Counted, *new: Counted) -> Basis:
    """What decides was amended from 0.8, and only ``new`` started after that."""
    whole = excluded(old, *new)
    asked = replace(whole.hypothesis, smallest_slope=smallest_slope)
    earlier = replace(whole, hypothesis=replace(whole.hypothesis, smallest_slope=0.8))
    since = replace(excluded(*new), hypothesis=asked) if new else None
    amended = Amended(fields=("smallest_slope",), at=NOW, before=earlier, since=since)
    return replace(whole, hypothesis=asked, amended=amended)


def test_after_an_amendment_the_look_is_measured_on_what_decides() -> None:
    old, new = experiment("a"), experiment("b", variance=0.0004)
    whole = amended_to(0.2, old, new)
    first = judged(whole)
    assert (first.look.state, first.judgement.verdict.state) == (LookState.TAKEN, State.CONFIRMED)
    alone = judged(excluded(new)).look
    assert (first.look.information, first.look.due_at) == (alone.information, alone.due_at)
    last = after(whole)
    assert last.used == {"exp_b"}

    again = judged(replace(amended_to(0.2, old, replace(new, run_id="run_b_again")), last=last))
    assert (again.look.state, again.look.number) == (LookState.CORRECTED, 1)
    assert again.judgement.verdict.state is State.CONFIRMED

    waits = judged(replace(amended_to(0.2, old, new, experiment("c", variance=0.001)), last=last))
    assert waits.look.state is LookState.WAITS
    doubled = judged(replace(amended_to(0.2, old, new, experiment("c", variance=0.0003)), last=last))
    assert (doubled.look.state, doubled.look.number) == (LookState.TAKEN, 2)


def test_where_a_version_could_give_no_answer_no_error_rate_would_have_confirmed() -> None:
    """The amended version spent its rate and stays open too: the p-value is 1, not one of it alone."""
    noisy = replace(one_mechanism(), covariance=np.diag([0.0001, 0.09]).reshape(1, 2, 1, 2))
    whole = amended_to(0.2, counted("a", noisy))
    alone = judgement_document(replace(whole, amended=None), {})
    assert alone.discovery is not None
    assert 0.05 < alone.discovery.p_value < 0.5
    before = replace(whole.amended.before, hypothesis=hypothesis())  # one mechanism, the bound unknown
    found = judgement_document(replace(whole, amended=replace(whole.amended, before=before)), {})
    assert (found.look.state, found.verdict.state) == (LookState.TAKEN, State.INCONCLUSIVE)
    assert (found.discovery.p_value, found.discovery.log_e_value) == (1.0, None)


def test_a_hypothesis_without_a_smallest_slope_spends_nothing() -> None:
    """Its answer cannot err."""
    asked = excluded(experiment("a"))
    found = judged(replace(asked, hypothesis=replace(asked.hypothesis, smallest_slope=None)))
    assert found.look.state is LookState.BLOCKED
    assert [one.code for one in found.judgement.verdict.reasons] == ["no_smallest_slope"]


def test_one_mechanism_without_a_bound_spends_no_look_and_two_or_a_bound_do() -> None:
    """It cannot err: whatever its arms do, the answer is that the exclusion is untested."""
    single = one_mechanism()
    placebo = ContrastArm(name="same", mechanism="mec_2", placebo=True)
    other = ContrastArm(name="clear", mechanism="mec_2")
    evidence = {
        "one mechanism": [single],
        "and a placebo of another": [single, replace(single, experiment="exp_b", arms=(placebo,))],
        "two mechanisms": [single, replace(single, experiment="exp_b", arms=(other,))],
    }
    unknown = {
        name: judged(basis(*(counted(one.experiment, one) for one in found))).look.state
        for name, found in evidence.items()
    }
    assert unknown == {
        "one mechanism": LookState.BLOCKED,
        "and a placebo of another": LookState.BLOCKED,
        "two mechanisms": LookState.TAKEN,
    }
    bounded = basis(counted("a", single))
    bounded = replace(bounded, hypothesis=replace(bounded.hypothesis, direct_effect_bound=0.1))
    assert judged(bounded).look.state is LookState.TAKEN
