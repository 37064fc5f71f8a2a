"""Changes that nobody randomised, over HTTP: groups and periods read from the lake, rung 2."""

from datetime import timedelta

import numpy as np
import pytest

from tests.studies.market import FIRST, PERIOD, WEEKS, WORTH, Visits, asked, send

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
