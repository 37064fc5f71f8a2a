"""Do the days of a run add up to the run, and does the board's level follow from them?"""

from datetime import date, timedelta

import pytest
from sqlalchemy import event

from service.evidence import levels
from service.evidence.daily import MOST_POINTS, _thinned
from service.evidence.sensitivity import SensitivityDocument
from service.evidence.service import latest_verdict
from service.runs import service as runs
from service.runs.rules import RunState
from service.runs.tables import Run
from tests.evidence.company import TWO_MECHANISMS, Company


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)


def test_the_days_of_a_run_add_up_to_it_and_a_later_run_takes_their_place(company, database) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    company.run(experiment, type="interim")
    company.finish(experiment)
    cpi, kpi = (f"{company.ids[name]}@1" for name in ("cpi", "kpi"))
    loaded: list[Run] = []
    with database.read() as session:
        event.listen(session, "loaded_as_persistent", lambda _, one: loaded.append(one))
        assert levels.on_the_way(session, cpi, date(2020, 1, 1)) is None  # no journey
    assert [one.state for one in loaded if isinstance(one, Run)] == [RunState.SUCCEEDED]  # of two
    with database.read() as session:
        result = runs.latest_answered(session, experiment).result
        kept, verdict = levels.latest(session, [cpi, kpi, "met_x@1"]), latest_verdict(session, hypothesis)
        days = levels.by_metric(session, [cpi])
    last = {(one["metric"], one["arm"]): one for one in result["daily"]["effects"]}
    assert len(last) == len(result["effects"])
    for effect in result["effects"]:
        point = last[effect["metric"], effect["arm"]]
        assert point["units"] == 4000
        assert point["estimate"] == pytest.approx(effect["anytime"]["estimate"])
        assert point["interval"] == pytest.approx(effect["anytime"]["interval"])
    assert {arm: sum(came) for arm, came in result["daily"]["units"].items()} == dict.fromkeys(
        ("control", "placebo", "fast", "faster"), 1000
    )
    (own,) = [one for one in result["levels"] if (one["metric"], one["arm"]) == (cpi, "control")]
    assert own["mean"] == pytest.approx(5.0, abs=0.2)
    assert kept.keys() == {cpi, kpi}
    assert kept[cpi].level == pytest.approx(own["mean"])
    assert (kept[cpi].units, kept[cpi].before) == (1000, None)
    assert sum(one.units for one in days[cpi]) == 1000  # once, though two runs saw them
    hangs_on = SensitivityDocument.of_relationship(verdict.relationship)
    assert (hangs_on.at_half, hangs_on.at_double) == ("confirmed", "confirmed")  # .49 against .1 and .4
    assert hangs_on.direct_effects[0].lower > 0 > hangs_on.direct_effects[-1].lower


def test_many_days_are_thinned_to_the_last_one() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(100)]
    shown = _thinned(days)
    assert len(shown) <= MOST_POINTS
    assert shown[-1] == days[-1]
    assert list(_thinned(days[:5])) == days[:5]
    assert list(_thinned([])) == []
