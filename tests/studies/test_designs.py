"""Changes that nobody randomised, over HTTP: groups and periods read from the lake, rung 2."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.metrics.drafts import kpi
from tests.studies.market import ANCHOR, FIRST, PERIOD, WEEKS, WORTH, Visits, asked, send

WEEK = timedelta(days=7)
CHANGE = 6  # the week in which it came


def visits(regions: int, per_cell: int, saved, *, seed: int = 1) -> Visits:
    """Each region has customers each week; ``saved(region, week)`` is how many minutes the change saved."""
    rng = np.random.default_rng(seed)
    at, waited, spent, region, score = [], [], [], [], []
    level, drift = rng.normal(size=regions), rng.normal(size=(regions, WEEKS)).cumsum(axis=1) * 0.02
    for one in range(regions):
        for week in range(WEEKS):
            for place in range(per_cell):
                wait = 10 + level[one] + drift[one, week] - saved(one, week) + rng.normal()
                at.append(FIRST + week * WEEK + timedelta(days=place % 7, hours=9))
                waited.append(wait)
                spent.append(40 + level[one] - WORTH * wait + rng.normal())
                region.append(f"r{one:02d}")
                score.append(rng.normal())
    return Visits(
        at=at,
        waited=np.array(waited),
        spent=np.array(spent),
        numbers={"score": np.array(score)},
        texts={"region": region},
    )


def moment(week: int) -> str:
    return (FIRST + week * WEEK).isoformat()


def holds(found) -> None:
    """The truth is in the interval, which says something."""
    result = found["result"]
    assert result["rung"] == 2
    assert "estimate" in result["slope"], result["slope"]
    lower, upper = result["slope"]["interval"]
    assert lower <= WORTH <= upper
    assert lower > 0
    assert result["assumptions"][-1].startswith("The change reached the KPI through the CPI alone")


def test_regions_that_changed_at_different_times(company) -> None:
    starts = {one: CHANGE + 2 * (one % 2) for one in range(6)}
    send(company, visits(14, 14, lambda one, week: 3.0 * (week >= starts.get(one, 99))))
    hypothesis = company.hypothesis(window="PT1H")
    adopted = {f"r{one:02d}": moment(week) for one, week in starts.items()}
    found = asked(company, hypothesis=hypothesis, design="did", groups="region", adopted=adopted)
    holds(found)
    assert found["result"]["units"] == 14 * 14 * WEEKS
    assert company.client.get(f"/v1/levers/{hypothesis}").json()["study"]["rung"] == 2
    again = company.client.post(f"/v1/studies/{found['id']}/runs")
    assert again.status_code == 202
    company.drain()
    kept = company.client.get(f"/v1/studies/{found['id']}/results").json()["items"]
    assert len(kept) == 2
    assert kept[0]["slope"] == kept[1]["slope"]  # the same data, the same numbers
    one = asked(
        company, design="synthetic_control", groups="region", group="nowhere", changed_at=moment(CHANGE)
    )
    assert one["result"]["slope"]["reason"] == "unknown_group"
    two = asked(company, design="leading_indicator", groups="region", horizon=1, lags=1)
    assert two["result"]["rung"] == 1
    assert two["result"]["slope"]["reason"] == "too_few_periods"


def test_one_region_that_changed(company) -> None:
    send(company, visits(21, 7, lambda one, week: 3.0 * (one == 0 and week >= CHANGE), seed=2))
    found = asked(
        company, design="synthetic_control", groups="region", group="r00", changed_at=moment(CHANGE)
    )
    assert found["result"]["rung"] == 2
    assert found["result"]["slope"]["estimate"] == pytest.approx(WORTH, abs=0.3)
    assert len(found["result"]["details"]["weights"]) >= 1


def test_a_change_for_everybody(company) -> None:
    send(company, visits(1, 210, lambda _, week: 3.0 * (week >= CHANGE), seed=3))
    around = {"from": moment(CHANGE - 4), "to": moment(CHANGE + 2)}
    found = asked(company, design="its", period=around, every="day", changed_at=moment(CHANGE))
    holds(found)
    assert found["result"]["details"]["overall"]["outcomes"] == ["cpi", "kpi"]
    compared = {"groups": "region", "values": ["elsewhere"]}
    nobody = asked(
        company, design="its", period=around, every="day", changed_at=moment(CHANGE), comparison=compared
    )
    assert nobody["result"]["slope"]["reason"] == "empty_group"
    assert "no answer" in nobody["result"]["sentence"]
    bad = company.client.post(
        "/v1/studies",
        json={
            "design": "its",
            "name": "too late",
            "cpi": company.ids["cpi"],
            "kpi": company.ids["kpi"],
            "anchor": {"event": "visited"},
            "period": PERIOD,
            "changed_at": "2027-01-01T00:00:00Z",
        },
    )
    assert bad.status_code == 422
    assert bad.json()["errors"][0]["rule"] == "change_in_the_period"


def test_what_happened_to_everybody_is_taken_off_by_units_that_the_change_never_reached(company) -> None:
    """A holiday makes everybody wait longer; a ratio of sums is answered as any other average."""
    data = visits(2, 105, lambda one, week: 3.0 * (one == 0 and week >= CHANGE), seed=6)
    weeks = np.array([(at - FIRST) // WEEK for at in data.at])
    send(company, replace(data, waited=data.waited + 4.0 * (weeks >= CHANGE), spent=data.spent))
    around = {"from": moment(CHANGE - 4), "to": moment(CHANGE + 2)}
    ratio = {
        "aggregation": "ratio",
        "numerator": {"event": {"event": "spent"}},
        "denominator": {"event": {"event": "visited"}, "count": True},
        "value_type": "money",
        "window": "PT1H",
        "pre_period": "P0D",
    }
    spending = company.metric(kpi(name="Spending a visit", definition=ratio))
    found = asked(
        company,
        kpi=spending,
        design="its",
        period=around,
        every="day",
        changed_at=moment(CHANGE),
        comparison={"groups": "region", "values": ["r01"]},
    )
    holds(found)
    assert found["result"]["units"] == 2 * 6 * 105
    saved = found["result"]["details"]["overall"]["effects"][0]
    assert saved["interval"][0] < -3.0 < saved["interval"][1]
    assert "without the anchor in the period" in found["result"]["left_out"]
    graph = {
        "design": "graph",
        "name": "x",
        "cpi": company.ids["cpi"],
        "kpi": spending,
        "causes": {"cpi": []},
    }
    refused = company.client.post("/v1/studies", json=graph | {"anchor": ANCHOR, "period": PERIOD})
    assert [one["rule"] for one in refused.json()["errors"]] == ["one_value_a_unit"]


def test_a_change_that_moved_nothing_is_no_answer(company) -> None:
    send(company, visits(1, 70, lambda _one, _week: 0.0, seed=7))
    around = {"from": moment(CHANGE - 4), "to": moment(CHANGE + 2)}
    found = asked(company, design="its", period=around, every="day", changed_at=moment(CHANGE))
    assert found["result"]["slope"]["reason"] == "cpi_not_told_moved"
    assert "no answer" in found["result"]["sentence"]
    assert found["result"]["units"] == 6 * 70


def test_a_rule_with_a_threshold(company) -> None:
    data = visits(1, 170, lambda _one, _week: 0.0, seed=4)
    served = 3.0 * (data.numbers["score"] >= 0)
    faster = Visits(
        at=data.at,
        waited=data.waited - served,
        spent=data.spent + WORTH * served,
        numbers=data.numbers,
        texts={},
    )
    send(company, faster)
    score = {"kind": "attribute", "name": "score", "attribute": "score"}
    holds(asked(company, design="rdd", score=score, cutoff=0.0))
