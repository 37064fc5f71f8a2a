"""What is a lever worth in a year? Asked over HTTP, of levers with a known truth."""

from typing import Any

import pytest

from service.evidence.tables import Verdict
from service.levers import doses
from service.levers.schemas import LeverView
from service.reports.bundles import HypothesisPart
from service.reports.telling.verdicts import smallest
from service.web.lever_words import told
from service.web.numbers_typed import customers_in, steps_in
from tests.evidence.company import TWO_MECHANISMS, Company, summed
from tests.metrics.drafts import cpi, kpi


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)


def lever(company: Company, hypothesis: str, query: str = "") -> dict[str, Any]:
    answer = company.client.get(f"/v1/levers/{hypothesis}{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_value_is_the_slope_times_what_was_asked_with_its_interval(company: Company) -> None:
    hypothesis = company.hypothesis()
    assert lever(company, hypothesis)["value"] is None
    assert lever(company, hypothesis, "?volume=1000")["value"]["not_estimable"]["reason"] == "untested"
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    found = lever(company, hypothesis, "?volume=1000&increments=1.5&value_per_kpi_unit=3")
    slope, value = found["verdict"]["slope"], found["value"]
    assert value["estimate"] == pytest.approx(slope["estimate"] * 1.5 * 1000 * 3)
    assert value["interval"] == pytest.approx([end * 4500 for end in slope["interval"]])
    assert (value["proven"], value["currency"]) == (True, None)
    assert value["tested_up_to"] == pytest.approx(2, abs=0.2)
    cost = lever(company, hypothesis, "?volume=1000&value_per_kpi_unit=-1")["value"]
    assert cost["interval"] == pytest.approx([-1000 * end for end in reversed(slope["interval"])])
    units = lever(company, hypothesis, "?volume=1000")["value"]
    assert (units["value_per_kpi_unit"], units["currency"]) == (None, None)


def test_beyond_the_doses_that_were_tested_no_value_is_given(company: Company) -> None:
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    why = lever(company, hypothesis, "?volume=1000&increments=3")["value"]["not_estimable"]
    assert why["reason"] == "extrapolation"
    assert "beyond the doses that were tested nothing is known" in why["detail"]


def test_a_kpi_that_was_registered_with_a_value_brings_its_currency(company: Company) -> None:
    worth = {"amount": 2.5, "currency": "EUR"}
    company.ids["kpi"] = company.metric(
        kpi(name="Margin", definition=summed("spent"), value_of_one_unit=worth)
    )
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    found = lever(company, hypothesis, "?volume=10")
    value = found["value"]
    assert (value["currency"], value["value_per_kpi_unit"]) == ("EUR", 2.5)
    assert value["estimate"] == pytest.approx(found["verdict"]["slope"]["estimate"] * 25)


def test_a_cost_that_falls_is_a_gain(client, settings) -> None:
    """Half a call less for each minute less, a call costs 2.5: the lever earns at a slope below 0."""
    company = Company(client=client, settings=settings, slope=-0.5)
    cost, worth = {"amount": 0.5, "currency": "EUR"}, {"amount": 2.5, "currency": "EUR"}
    company.ids["cpi"] = company.metric(cpi(name="Wait", definition=company.wait, cost_of_one_increment=cost))
    company.ids["kpi"] = company.metric(
        kpi(name="Calls", definition=company.spending, value_of_one_unit=worth, better="lower")
    )
    company.ids |= {name: company.mechanism(name) for name in ("first", "second")}
    hypothesis = company.hypothesis(direction="decrease")
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    found = lever(company, hypothesis, "?volume=10")
    slope, value, earning = found["verdict"]["slope"], found["value"], found["earning"]
    assert (found["verdict"]["proven"], value["value_per_kpi_unit"]) == (True, -2.5)
    assert slope["interval"][1] < 0
    assert value["estimate"] == pytest.approx(-25 * slope["estimate"])
    assert value["interval"] == pytest.approx([-25 * end for end in reversed(slope["interval"])])
    assert earning["estimate"] == pytest.approx(-5 * slope["estimate"])
    assert earning["interval"] == pytest.approx([-5 * end for end in reversed(slope["interval"])])
    typed = lever(company, hypothesis, "?volume=10&value_per_kpi_unit=1")["value"]
    assert typed["estimate"] == pytest.approx(10 * slope["estimate"])
    row = told(LeverView.model_validate({name: found[name] for name in LeverView.model_fields}))
    assert (row.smallest, row.worth_of_one) == (-0.2, -2.5)
    assert row.low is not None
    assert row.low < row.smallest < 0


def test_a_claimed_harm_is_no_gain(company: Company) -> None:
    worth = {"amount": 2.5, "currency": "EUR"}
    company.ids["kpi"] = company.metric(
        kpi(name="Calls", definition=summed("spent"), value_of_one_unit=worth, better="lower")
    )
    harm, gain = company.hypothesis(), company.hypothesis(direction="decrease")
    for query in ("", "?volume=1000"):
        first, last = company.client.get(f"/v1/program/next{query}").json()["items"]
        assert (first["hypothesis_id"], last["hypothesis_id"]) == (gain, harm)
        assert first["value"] > 1
        assert (last["value"], last["money"], last["p_act"]) == (0, None, 0)
    assert last["no_money"]["reason"] == "claims_harm"


@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_a_report_has_the_smallest_slope_on_the_side_of_the_claim(direction: str) -> None:
    part = HypothesisPart.model_construct(direction=direction, smallest_slope=0.2)
    assert smallest(part) == (0.2 if direction == "increase" else -0.2)


@pytest.mark.parametrize("typed", ["200,000", "200.000", "200 000", "200\u202f000", "200'000", " 200000 "])
def test_separators_of_thousands_make_no_other_number_of_customers(typed: str) -> None:
    assert customers_in(typed) == 200_000


def test_steps_may_be_parts_of_one_and_nonsense_is_no_number() -> None:
    assert (steps_in("1,5"), steps_in("1.5"), customers_in("1.5")) == (1.5, 1.5, 1.5)
    assert [customers_in(one) for one in ("", "-3", "nan", "inf", "many", "1e13")] == [None] * 6


def test_tested_is_what_an_arm_surely_brought_and_no_noise() -> None:
    """One minute less is better: the noisiest arm, the placebo and an arm that stood still are no dose."""

    def arm(effect: float, error: float, *, placebo: bool = False) -> dict[str, Any]:
        return {"cpi_effect": effect, "var_cpi": error**2, "placebo": placebo}

    arms = [arm(-2, 0.1), arm(-9, 5), arm(-3, 0.1, placebo=True), arm(4, 0.1)]
    found = Verdict(rule={"increment": 2, "better": -1}, relationship={"contrasts": arms})
    assert doses.tested_up_to(found) == pytest.approx((2 - 1.96 * 0.1) / 2)
    found = Verdict(rule={"increment": 2, "better": -1}, relationship={"contrasts": [arm(-9, 5)]})
    assert doses.tested_up_to(found) == 0


@pytest.mark.parametrize("query", ["?volume=-1", "?volume=inf", "?volume=1&increments=0", "?volume=nan"])
def test_a_question_that_makes_no_sense_is_refused(company: Company, query: str) -> None:
    hypothesis = company.hypothesis()
    assert company.client.get(f"/v1/levers/{hypothesis}{query}").status_code == 422
    assert company.client.get("/v1/levers/hyp_unheard?volume=1").status_code == 404
