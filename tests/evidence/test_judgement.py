"""What does a verdict say when evidence is lacking, and by which names?"""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analyses import ContrastArm, ExperimentContrasts, NotEstimable, Reason, State
from service.evidence.judgement import Basis, Counted, Missing, judged, judgement_document, worded
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
