"""What the designs' answers come to, without a lake."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from analyses import NotEstimable, Sample
from service.evidence.documents import VerdictState
from service.evidence.tables import Verdict
from service.metrics.customer import Better, Increment
from service.metrics.definitions import CountDefinition
from service.metrics.schemas import MetricKind
from service.metrics.service import PinnedMetric
from service.studies import service
from service.studies.designs import _place, panel_finding, threshold_finding
from service.studies.findings import graph_finding, named
from service.studies.reading import EVERYBODY, Averages, Read
from service.studies.rules import graph_of
from service.studies.schemas import (
    DifferencesStudy,
    GraphStudy,
    LeadingStudy,
    Period,
    SeriesStudy,
    StudyRefusal,
    SyntheticStudy,
    ThresholdStudy,
)
from service.studies.service import Question

START = datetime(2026, 1, 1, tzinfo=UTC)


def metric(name: str, kind: MetricKind) -> PinnedMetric:
    counted = {"aggregation": "count", "event": {"event": name}, "value_type": "count", "window": "P1D"}
    return PinnedMetric(
        id=f"met_{name}",
        version=1,
        kind=kind,
        name=name,
        team="growth",
        unit_type="customer",
        state=None,
        definition=CountDefinition.model_validate(counted | {"pre_period": "P0D"}),
        increment=Increment(amount=1.0, unit="minute", better=Better.LOWER),
        value_of_one_unit=None,
        better=None,
        cost_of_one_increment=None,
    )


def question(draft) -> Question:
    pins = {"cpi": metric("Wait", MetricKind.CPI), "kpi": metric("Spending", MetricKind.KPI)}
    return Question(
        id="stu_1", draft=draft, pins=pins, template=None, sha256="", randomised=None, source=None
    )


def draft(model, **changes):
    return model.model_validate(
        {
            "name": "x",
            "cpi": "met_wait",
            "kpi": "met_spending",
            "anchor": {"event": "visited"},
            "period": Period.model_validate({"from": START.isoformat(), "to": "2027-01-01T00:00:00Z"}),
        }
        | changes
    )


def averages(cpi, kpi) -> Averages:
    groups, periods = cpi.shape
    return Averages(
        groups=tuple(f"r{at:02d}" for at in range(groups)),
        periods=tuple(f"2026-{1 + at // 28:02d}-{1 + at % 28:02d}" for at in range(periods)),
        starts=tuple(START + at * timedelta(days=1) for at in range(periods)),
        values=np.stack([cpi, kpi]),
        units=np.full(cpi.shape, 50),
        analysed=cpi.size * 50,
        left_out={},
        fingerprint="f",
    )


def led(rng, *, leads: bool, groups: int = 12, periods: int = 80):
    """A CPI that wanders; the KPI follows it two periods later, or not at all."""
    cpi = rng.normal(size=(groups, periods)).cumsum(axis=1) * 0.5
    kpi = rng.normal(size=(groups, periods))
    if leads:
        kpi[:, 2:] += 2 * cpi[:, :-2]
    return averages(cpi, kpi)


@pytest.mark.parametrize("leads", [True, False])
def test_what_leads_is_told_from_what_does_not_and_is_no_effect(leads) -> None:
    asked = question(draft(LeadingStudy, design="leading_indicator", groups="region", horizon=1))
    found = panel_finding(asked, led(np.random.default_rng(1), leads=leads))
    assert found.rung == 1
    assert isinstance(found.slope, StudyRefusal)
    assert found.slope.reason == "foretelling_is_no_effect"
    assert ("does not foretell" in found.sentence) != leads
    assert "What leads need not cause." in found.sentence


def test_a_group_that_nobody_visited_in_some_week_is_left_out_and_named() -> None:
    asked = question(draft(LeadingStudy, design="leading_indicator", groups="region", horizon=1))
    data = led(np.random.default_rng(2), leads=True)
    data.units[3, 7] = 0
    data.values[:, 3, 7] = np.nan
    found = panel_finding(asked, data)
    (check,) = [one for one in found.checks if one.name == "groups_complete"]
    assert "r03" in check.detail


@pytest.mark.parametrize(
    ("design", "changes"),
    [
        (LeadingStudy, {"design": "leading_indicator"}),
        (DifferencesStudy, {"design": "did", "adopted": {"r00": "2026-02-01T00:00:00Z"}}),
        (
            SyntheticStudy,
            {"design": "synthetic_control", "group": "r00", "changed_at": "2026-02-01T00:00:00Z"},
        ),
    ],
)
def test_what_no_group_has_is_the_reason_and_not_what_follows_from_it(design, changes) -> None:
    asked = question(draft(design, groups="region", every="day", **changes))
    data = led(np.random.default_rng(2), leads=True)
    data.units[:, 79] = 0
    data.values[:, :, 79] = np.nan
    found = panel_finding(asked, data)
    assert isinstance(found.slope, StudyRefusal)
    assert found.slope.reason == "no_whole_group"
    assert data.periods[79] in found.slope.detail
    nobody = replace(data, groups=(), values=data.values[:, :0], units=data.units[:0], analysed=0)
    none = panel_finding(asked, nobody).slope
    assert isinstance(none, StudyRefusal)
    assert (none.reason, "whose region was known" in none.detail) == ("empty_population", True)


def test_an_unknown_score_is_the_reason_and_not_too_few_of_its_values() -> None:
    score = {"kind": "attribute", "name": "score", "attribute": "score"}
    asked = question(draft(ThresholdStudy, design="rdd", score=score, cutoff=0.0))
    rows = np.random.default_rng(5).normal(size=(300, 4)) * [1.0, 1.0, 0.0, 0.0]
    columns = ("cpi", "kpi", "score", "score: known")
    read = Read(sample=Sample(columns=columns, rows=rows), left_out={}, unknown=("score",), fingerprint="f")
    found = threshold_finding(asked, read)
    assert isinstance(found.slope, StudyRefusal)
    assert found.slope.reason == "covariate_unknown"
    assert "A text that is no number does not count" in found.slope.detail


def test_sentences_call_the_ends_by_their_names_and_covariates_by_theirs() -> None:
    prior = {"kind": "before", "name": "prior kpi", "metric": "kpi"}
    drawn = {"covariates": [prior], "causes": {"kpi": ["cpi", "prior kpi"]}}
    asked = question(draft(GraphStudy, design="graph", **drawn))
    assert named(asked, "cpi is the same for every unit") == "“Wait” is the same for every unit"
    assert named(asked, "kpi goes with prior kpi, as kpis do") == "“Spending” goes with prior kpi, as kpis do"
    same = replace(asked, pins=dict(asked.pins) | {"cpi": metric("My cpi", MetricKind.CPI)})
    assert named(same, "“My cpi” and kpi") == "“My cpi” and “Spending”"
    rows = np.random.default_rng(6).normal(size=(60, 3)) * [0.0, 1.0, 1.0]
    read = Read(
        sample=Sample(columns=("cpi", "kpi", "prior kpi"), rows=rows),
        left_out={},
        unknown=(),
        fingerprint="f",
    )
    found = graph_finding(asked, read)
    assert isinstance(found.slope, StudyRefusal)
    assert (found.slope.reason, found.slope.detail) == ("constant", "“Wait” is the same for every unit")
    assert found.sentence == "“Wait” on “Spending”: no answer. “Wait” is the same for every unit."


def test_two_hundred_covariates_can_be_drawn_beside_the_cpi_and_one_more_is_refused() -> None:
    names = [f"x{place}" for place in range(200)]
    known = [{"kind": "attribute", "name": name, "attribute": name} for name in names]
    drawn = {"design": "graph", "causes": {"cpi": names, "kpi": ["cpi", *names]}, "related": names}
    asked = draft(GraphStudy, covariates=known, **drawn)
    graph = graph_of(asked, None)
    assert not isinstance(graph, NotEstimable)
    assert len(graph.causes["kpi"]) == 201
    with pytest.raises(ValidationError, match="at most 200 items"):
        draft(GraphStudy, covariates=[*known, known[0] | {"name": "more"}], **drawn)


def test_lower_is_better_turns_slope_and_interval() -> None:
    rng = np.random.default_rng(3)
    cpi = 10 + rng.normal(size=(25, 40)) * 0.1
    kpi = 5 + rng.normal(size=(25, 40)) * 0.1
    cpi[0, 30:] -= 2.0
    kpi[0, 30:] += 1.0
    day = f"2026-{1 + 30 // 28:02d}-{1 + 30 % 28:02d}T00:00:00Z"
    asked = question(
        draft(
            SyntheticStudy,
            design="synthetic_control",
            groups="region",
            every="day",
            group="r00",
            changed_at=day,
        )
    )
    found = panel_finding(asked, averages(cpi, kpi))
    assert not isinstance(found.slope, StudyRefusal), found.slope
    assert found.slope.estimate == pytest.approx(0.5, abs=0.1)
    lower, upper = found.slope.interval
    assert lower is not None
    assert upper is not None
    assert lower <= 0.5 <= upper
    assert found.rung == 2


@pytest.mark.parametrize(
    ("bent", "passed"),
    [([], True), ([0, 1], False), ([1], False)],
    ids=["steady", "both ends", "the KPI alone"],
)
def test_a_series_is_doubted_where_its_past_bends_by_itself(bent, passed) -> None:
    at = np.arange(100)
    values = 10 + np.random.default_rng(4).normal(size=(2, 1, 100)) * 0.3 + 3.0 * (at >= 60)
    values[bent] += 0.08 * np.maximum(at - 36, 0) * (at < 60)
    day = (START + timedelta(days=60)).isoformat()
    asked = question(draft(SeriesStudy, design="its", every="day", changed_at=day))
    found = panel_finding(asked, replace(averages(*values), groups=(EVERYBODY,)))
    (check,) = [one for one in found.checks if one.name == "placebo_dates"]
    assert check.passed is passed, check.detail


@pytest.mark.parametrize(
    ("every", "moment", "first"),
    [
        ("week", "2026-01-14T09:00Z", 1),
        ("week", "2026-01-15T00:00Z", 1),
        ("week", "2026-01-15T10:00Z", 2),
        ("week", "2026-01-15T10:00+02:00", 1),
        ("day", "2026-01-08T23:00Z", 1),
    ],
)
def test_a_change_counts_from_the_period_that_it_fell_in(every, moment, first) -> None:
    """Weeks that begin at ten in the morning end at ten in the morning."""
    starts = tuple(START + timedelta(hours=10) + at * timedelta(weeks=1) for at in range(3))
    data = replace(averages(np.zeros((1, 3)), np.zeros((1, 3))), starts=starts)
    assert _place(data, every, datetime.fromisoformat(moment)) == first


def verdict(at: int, slope: dict[str, object]) -> Verdict:
    judged = {
        "state": "confirmed",
        "label": None,
        "slope": slope,
        "reasons": [],
        "needed_units_per_arm": None,
        "sentence": "Confirmed.",
    }
    return Verdict(
        id=f"ver_{at}",
        hypothesis_id="hyp_1",
        state=VerdictState.CONFIRMED,
        label=None,
        relationship={},
        verdict=judged,
        rule={},
        hypothesis_version=1,
        hypothesis_hash="",
        experiments=[],
        missing=[],
        run_id="run_1",
        created_at=START,
    )


def test_a_study_is_compared_with_the_latest_verdict_that_has_both_ends(database) -> None:
    with database.write() as session:
        assert service.randomised(session, "hyp_1") is None
        session.add(verdict(1, {"estimate": 0.5, "interval": [0.4, 0.6]}))
        session.flush()
        assert service.randomised(session, "hyp_1") == (0.5, 0.4, 0.6)
        session.add(verdict(2, {"estimate": 0.5, "interval": [0.4, None]}))
        session.flush()
        assert service.randomised(session, "hyp_1") is None
        session.add(verdict(3, {"not_estimable": {"reason": "weak", "detail": "too little"}}))
        session.flush()
        assert service.randomised(session, "hyp_1") is None
