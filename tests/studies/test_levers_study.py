"""Which study does a lever show, and on which rung does it put it?"""

import pytest

from analyses import SlopeBelief, after_observation
from service.hypotheses.registered import RegisteredHypothesis, get_registered
from service.kit.clock import now
from service.levers.worth import _observed
from service.studies import service
from service.studies.schemas import Design, LeverStudy, StudyFinding, StudyRefusal, StudySlope
from service.studies.tables import Study
from service.studies.views import lever_study
from tests.hypotheses.drafts import metric_pair, registered

SLOPE = StudySlope(estimate=0.3, interval=(0.1, 0.5))
FORECAST = StudyRefusal(reason="foretelling_is_no_effect", detail="forecasts are no slope")
REFUSAL = StudyRefusal(reason="too_few_units", detail="too few")


@pytest.fixture
def claimed(client, database) -> RegisteredHypothesis:
    hypothesis = registered(client, *metric_pair(client))
    with database.read() as session:
        return get_registered(session, hypothesis)


def study(session, claimed, place: int, design: Design, alpha: float = 0.05) -> str:
    row = Study(
        id=f"stu_{place}",
        name="x",
        design=design,
        hypothesis_id=claimed.id,
        cpi=claimed.cpi.key,
        kpi=claimed.kpi.key,
        document={"request": {"alpha": alpha}, "metrics": {}},
        sha256=str(place),
        team="growth",
        owner="ada@example.com",
        created_at=now(),
    )
    session.add(row)
    session.flush()
    return row.id


def found(session, study_id: str, run: int, rung: int, slope: StudySlope | StudyRefusal) -> None:
    finding = StudyFinding(
        rung=rung, sentence="x", slope=slope, units=100, left_out={}, assumptions=(), checks=(), details={}
    )
    service.keep(session, study_id, f"run_{run}", finding, fingerprint="f", as_of=now())


def test_a_refused_study_neither_lifts_a_lever_nor_hides_one_that_answered(client, database, claimed) -> None:
    with database.write() as session:
        leading = study(session, claimed, 1, Design.LEADING_INDICATOR)
        found(session, leading, 1, 1, FORECAST)
        refused = study(session, claimed, 2, Design.DIFFERENCES)
        found(session, refused, 2, 2, REFUSAL)
    lever = client.get(f"/v1/levers/{claimed.id}").json()
    assert lever["study"] is None
    untested = lever["standing"]
    with database.write() as session:
        observed = study(session, claimed, 3, Design.GRAPH)
        found(session, observed, 3, 1, SLOPE)
        found(session, observed, 4, 1, REFUSAL)
        found(session, refused, 5, 2, REFUSAL)
    lever = client.get(f"/v1/levers/{claimed.id}").json()
    assert (lever["study"]["study_id"], lever["study"]["rung"]) == (observed, 1)
    assert lever["standing"] != untested
    with database.write() as session:
        found(session, refused, 6, 2, SLOPE)
        found(session, observed, 7, 1, SLOPE)
        (kept,) = service.latest_of_hypotheses(session, [claimed.id]).values()
    assert (kept[0].id, kept[1].run_id) == (refused, "run_6")


@pytest.mark.parametrize(("alpha", "quantile"), [(0.05, 1.959963984540054), (0.2, 1.2815515655446004)])
def test_an_interval_is_read_at_its_own_level(database, claimed, alpha, quantile) -> None:
    with database.write() as session:
        found(session, study(session, claimed, 1, Design.GRAPH, alpha), 1, 1, SLOPE)
        ((row, result),) = service.latest_of_hypotheses(session, [claimed.id]).values()
        shown: LeverStudy = lever_study(row, result)
    assert shown.alpha == alpha
    prior = SlopeBelief(mean=0.0, deviation=1.0)
    seen = _observed(prior, shown, SLOPE, 1)
    assert seen is not None
    expected = after_observation(prior, 0.3, 0.4 / (2 * quantile), confounded=1.0)
    assert (seen.mean, seen.deviation) == pytest.approx((expected.mean, expected.deviation))
