"""Experiments that were run elsewhere: do they grade their hypothesis, apart from every verdict?"""

import copy
from typing import Any

import pytest

from tests.evidence.company import TWO_MECHANISMS, Company
from tests.evidence.past import ONE, TWO, UNITS, report


def send(company: Company, document: Any, **headers: str) -> Any:
    return company.client.post("/v1/evidence:import", json=document, headers=headers)


def imported(company: Company, hypothesis: str, *reports: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Imported, and graded by a worker."""
    answer = send(company, {"hypothesis": hypothesis, "experiments": list(reports), **more})
    assert answer.status_code == 201, answer.text
    company.drain()
    return answer.json()


def retrospective(company: Company, hypothesis: str, query: str = "") -> dict[str, Any]:
    answer = company.client.get(f"/v1/hypotheses/{hypothesis}/retrospective{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_past_experiments_give_a_grade_and_no_verdict(company: Company) -> None:
    hypothesis = company.hypothesis()
    receipt = imported(company, hypothesis, report("a", TWO))
    assert (receipt["experiments"], receipt["contrasts"], receipt["imported_by"]) == (
        1,
        3,
        "ada@example.com",
    )
    run = company.client.get(f"/v1/runs/{receipt['gradings'][0]['run_id']}").json()
    assert (run["kind"], run["state"], run["type"]) == ("retrospective", "succeeded", "exploratory"), run
    found = retrospective(company, hypothesis)
    grade = found["latest"]
    assert (grade["grade"], found["outdated"], found["imported"]) == ("speaks_for", False, 1)
    assert grade["slope"]["estimate"] == pytest.approx(company.slope)
    assert grade["sentence"].startswith(
        "Retrospective, no verdict: one past experiment speaks for the hypothesis. “Spending” changes by"
    )
    assert grade["mechanisms"] == 2
    verdict = company.verdict(hypothesis)
    assert (verdict["latest"], list(verdict["history"]), verdict["missing_now"]) == (None, [], [])
    assert company.client.get(f"/v1/hypotheses/{hypothesis}/evidence").json()["items"] == []


def test_the_grade_leaves_a_verdict_as_it_is(company: Company) -> None:
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    before = company.verdict(hypothesis)
    imported(company, hypothesis, report("contrary", TWO, slope=0.5))
    assert company.verdict(hypothesis) == before
    assert retrospective(company, hypothesis)["latest"]["grade"] == "speaks_against"
    (lever,) = company.client.get("/v1/levers").json()["items"]
    assert (lever["state"], lever["verdict"]["proven"]) == ("confirmed", True)
    assert lever["retrospective"]["grade"] == "speaks_against"
    assert lever["retrospective"]["sentence"].startswith("Retrospective, no verdict:")


def test_one_mechanism_leaves_it_open_and_the_next_experiment_adds_another(company: Company) -> None:
    hypothesis = company.hypothesis()
    imported(company, hypothesis, report("a", ONE))
    grade = retrospective(company, hypothesis)["latest"]
    assert (grade["grade"], grade["label"]) == ("open", "supported")
    following = grade["next_experiment"]
    assert [arm["role"] for arm in following["arms"]] == ["control", "placebo", "treatment", "treatment"]
    tried, needed = following["arms"][2:]
    assert (tried["mechanism"], tried["shift"], needed["mechanism"]) == ("form", -2.0, None)
    assert following["units"] == 4 * following["units_per_arm"]
    assert following["units_per_day"] == 2 * UNITS / 20
    assert following["days"] == -(-following["units"] // (2 * UNITS / 20)) + following["window_days"]
    assert "a second mechanism, still to be found" in following["sentence"]
    assert "“form”, which moved “Wait” by -2 in “The past experiment a”" in following["sentence"]


def test_days_are_said_only_where_somebody_says_how_many_units_come(company: Company) -> None:
    hypothesis = company.hypothesis()
    undated = report("a", TWO, started_on=None, ended_on=None)
    imported(company, hypothesis, undated)
    following = retrospective(company, hypothesis)["latest"]["next_experiment"]
    assert (following["days"], following["units_per_day"]) == (None, None)
    assert following["why_no_days"]["code"] == "traffic_unknown"
    asked = retrospective(company, hypothesis, "?units_per_day=100")["latest"]["next_experiment"]
    assert asked["days"] == -(-following["units"] // 100) + following["window_days"]
    imported(company, hypothesis, report("b", TWO), units_per_day=50)
    told = retrospective(company, hypothesis)["latest"]["next_experiment"]
    assert (told["units_per_day"], told["units_per_day_from"]) == (50, "as the import says")


def test_what_no_past_experiment_can_plan_is_said_and_not_invented(company: Company) -> None:
    hypothesis = company.hypothesis()
    imported(company, hypothesis, report("weak", {"form": (0.001, "form")}))
    grade = retrospective(company, hypothesis)["latest"]
    assert grade["grade"] == "open"
    assert grade["next_experiment"]["not_estimable"]["reason"] == "no_known_dose"


def test_with_a_bound_one_mechanism_and_a_placebo_decide(company: Company) -> None:
    hypothesis = company.hypothesis(direct_effect_bound=0.05)
    imported(company, hypothesis, report("a", ONE))
    following = retrospective(company, hypothesis)["latest"]["next_experiment"]
    assert [arm["role"] for arm in following["arms"]] == ["control", "placebo", "treatment"]
    assert "No arm changes the KPI by more than 0.05" in following["assumptions"][-1]


def test_three_forms_of_one_report_say_the_same(company: Company) -> None:
    hypothesis = company.hypothesis()
    variances = report("a", TWO)
    errors = copy.deepcopy(variances) | {"form": "errors", "id": "b"}
    for group in (errors["control"], *errors["arms"]):
        cpi, cov, kpi = (group.pop(name) for name in ("var_cpi", "cov", "var_kpi"))
        group |= {"se_cpi": cpi**0.5, "se_kpi": kpi**0.5, "correlation": cov / (cpi * kpi) ** 0.5}
    moments = copy.deepcopy(variances) | {"form": "moments", "id": "c"}
    for group in (moments["control"], *moments["arms"]):
        for name in ("var_cpi", "cov", "var_kpi"):
            group.pop(name)
        group |= {"unit_var_cpi": 1.0, "unit_cov": -0.5, "unit_var_kpi": 1.25}
        group |= {
            "mean_cpi": 5 + group.pop("cpi_effect", 0.0),
            "mean_kpi": 20 + group.pop("kpi_effect", 0.0),
        }
    answer = send(company, {"hypothesis": hypothesis, "experiments": [variances, errors, moments]})
    assert answer.status_code == 201, answer.text
    items = company.client.get(f"/v1/hypotheses/{hypothesis}/imported").json()["items"]
    first, *others = (item["contrasts"] for item in items)
    for other in others:
        assert other["arms"] == first["arms"]
        for name in ("effects", "covariance"):
            flat, wanted = _numbers(other[name]), _numbers(first[name])
            assert flat == pytest.approx(wanted, abs=1e-12)


def _numbers(value: Any) -> list[float]:
    return [one for inner in value for one in _numbers(inner)] if isinstance(value, list) else [value]


def test_a_failed_sample_ratio_blocks_the_grade_as_it_blocks_a_verdict(company: Company) -> None:
    hypothesis = company.hypothesis()
    broken = report("a", TWO)
    broken["arms"][1]["units"] = UNITS // 2
    imported(company, hypothesis, broken)
    grade = retrospective(company, hypothesis)["latest"]
    assert grade["grade"] == "open"
    assert [reason["code"] for reason in grade["reasons"]] == ["srm"]
    assert [check["passed"] for check in grade["experiments"][0]["checks"]] == [False, True]


def test_a_correction_stands_beside_what_it_corrects_and_counts(company: Company) -> None:
    hypothesis = company.hypothesis()
    imported(company, hypothesis, report("a", TWO, slope=0.5))
    again = send(company, {"hypothesis": hypothesis, "experiments": [report("a", TWO)]})
    assert again.status_code == 422
    assert [error["rule"] for error in again.json()["errors"]] == ["already_imported"]
    imported(company, hypothesis, report("a", TWO, corrects="The sign of the KPI was turned"))
    found = retrospective(company, hypothesis)
    assert (found["latest"]["grade"], found["imported"], found["latest"]["slope"]["estimate"]) == (
        "speaks_for",
        1,
        pytest.approx(0.5),
    )
    assert [grade["grade"] for grade in found["history"]] == ["speaks_for", "speaks_against"]
    items = company.client.get(f"/v1/hypotheses/{hypothesis}/imported").json()["items"]
    assert [item["counts"] for item in items] == [True, False]
    assert items[0]["corrects"] == items[1]["id"]
    assert items[0]["report"]["corrects"] == "The sign of the KPI was turned"


def test_an_amendment_outdates_the_grade_until_it_is_given_anew(company: Company) -> None:
    hypothesis = company.hypothesis()
    imported(company, hypothesis, report("a", TWO))
    url = f"/v1/hypotheses/{hypothesis}"
    amended = company.client.post(
        f"{url}:amend",
        json={"reason": "The price rose", "change": {"smallest_slope": 0.9}},
        headers={"If-Match": company.client.get(url).headers["ETag"]},
    )
    assert amended.status_code == 200, amended.text
    assert retrospective(company, hypothesis)["outdated"] is True
    asked = company.client.post(f"{url}/retrospective")
    assert asked.status_code == 202, asked.text
    company.drain()
    found = retrospective(company, hypothesis)
    assert (found["outdated"], found["latest"]["grade"]) == (False, "speaks_against")
    assert found["latest"]["hypothesis_version"] == 2


def test_a_repeated_request_imports_once(company: Company) -> None:
    hypothesis = company.hypothesis()
    document = {"hypothesis": hypothesis, "experiments": [report("a", TWO)]}
    first, second = (send(company, document, **{"Idempotency-Key": "once"}) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(company.client.get("/v1/evidence/imports").json()["items"]) == 1
    other = send(company, {**document, "experiments": [report("b", TWO)]}, **{"Idempotency-Key": "once"})
    assert other.status_code == 422


def test_what_an_import_brought_can_be_looked_up(company: Company) -> None:
    hypothesis = company.hypothesis()
    answer = send(company, {"hypothesis": hypothesis, "experiments": [report(k, ONE) for k in "abc"]})
    location = answer.headers["Location"]
    shown = company.client.get(location).json()
    assert shown == {name: answer.json()[name] for name in shown}
    page = company.client.get(f"{location}/experiments?limit=2")
    assert [item["report"]["id"] for item in page.json()["items"]] == ["c", "b"]
    rest = company.client.get(page.links["next"]["url"]).json()["items"]
    assert [item["report"]["id"] for item in rest] == ["a"]
    assert all(item["retrospective"] for item in rest)
    assert company.client.get("/v1/evidence/imports/imp_nothing").status_code == 404


def test_only_the_hypothesis_own_team_imports(company: Company, other_team_client) -> None:
    hypothesis = company.hypothesis()
    document = {"hypothesis": hypothesis, "experiments": [report("a", TWO)]}
    assert other_team_client.post("/v1/evidence:import", json=document).status_code == 403
    assert other_team_client.post(f"/v1/hypotheses/{hypothesis}/retrospective").status_code == 403
    assert company.client.post(f"/v1/hypotheses/{hypothesis}/retrospective").status_code == 409


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "covariance": ({"cov": 1.0}, "not_a_covariance"),
    "control": ({"var_cpi": 1e-9, "cov": 0.0}, "control_exceeds_whole"),
    "twice": ({"name": "form"}, "duplicate_arm"),
    "spelling": ({"mechanism": "FORM "}, "mechanism_spelt_twice"),
    "mechanism": ({"mechanism": "mec_1"}, "unknown_mechanism"),
    "nobody": ({"units": 1}, "greater_than_equal"),
    "words": ({"var_kpi": "small"}, "float_type"),
    "stray": ({"p_value": 0.01}, "extra_forbidden"),
}


@pytest.mark.parametrize("wrong", sorted(WRONG))
def test_an_arm_that_cannot_be_is_refused_by_name_and_nothing_is_kept(company: Company, wrong) -> None:
    hypothesis = company.hypothesis()
    change, rule = WRONG[wrong]
    bad = report("b", TWO)
    bad["arms"][2] |= change
    answer = send(company, {"hypothesis": hypothesis, "experiments": [report("a", TWO), bad]})
    assert answer.status_code == 422, answer.text
    assert rule in {error["rule"] for error in answer.json()["errors"]}, answer.text
    assert any("experiments.1" in error["field"] for error in answer.json()["errors"])
    assert company.client.get("/v1/evidence/imports").json()["items"] == []
    assert company.client.get(f"/v1/hypotheses/{hypothesis}/imported").json()["items"] == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"hypothesis": "hyp_nobody"}, "unknown_hypothesis"),
        ({"ended_on": "2025-08-01"}, "ends_before_it_starts"),
        ({"ended_on": "2190-01-01"}, "not_past"),
        ({"corrects": "it was wrong"}, "nothing_to_correct"),
        ({"id": "a"}, "duplicate_experiment"),
        ({"control": {"units": 9}}, "control_share_missing"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused_by_name(company: Company, change, rule) -> None:
    hypothesis = company.hypothesis()
    answer = send(
        company, {"hypothesis": hypothesis, "experiments": [report("a", TWO), report("b", TWO, **change)]}
    )
    assert answer.status_code == 422, answer.text
    assert [error["rule"] for error in answer.json()["errors"]] == [rule], answer.text


def test_drafts_and_experiments_that_run_here_are_refused(company: Company) -> None:
    hypothesis = company.hypothesis()
    running = company.experiment([hypothesis], TWO_MECHANISMS, n=2)
    answer = send(company, {"hypothesis": hypothesis, "experiments": [report(running, TWO)]})
    assert [error["rule"] for error in answer.json()["errors"]] == ["runs_here"]
    draft = company.client.post(
        "/v1/hypotheses",
        json={
            "cpi": company.ids["cpi"],
            "kpi": company.ids["kpi"],
            "direction": "increase",
            "direct_effect_bound": "unknown",
            "rationale": "Not yet",
            "unit_type": "customer",
            "window": "PT0.2S",
        },
    ).json()["id"]
    answer = send(company, {"hypothesis": draft, "experiments": [report("a", TWO)]})
    assert [error["rule"] for error in answer.json()["errors"]] == ["hypothesis_not_registered"]
    answer = send(company, {"experiments": [report("a", TWO)]})
    assert [error["rule"] for error in answer.json()["errors"]] == ["hypothesis_missing"]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(company: Company, text) -> None:
    hypothesis = company.hypothesis()
    body = f'{{"hypothesis": "{hypothesis}", "units_per_day": {text}, "experiments": []}}'
    answer = company.client.post(
        "/v1/evidence:import", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {400, 422}, answer.text


def test_a_mechanism_that_is_registered_is_named(company: Company) -> None:
    hypothesis = company.hypothesis()
    arms = {"placebo": (0.0, None), "fast": (-2.0, company.ids["first"]), "faster": (-1.0, "engine")}
    imported(company, hypothesis, report("a", arms))
    names = [arm["name"] for arm in retrospective(company, hypothesis)["latest"]["next_experiment"]["arms"]]
    assert {"first", "engine"} <= set(names)


def test_it_is_the_same_on_postgresql(client_for, settings, postgres_url) -> None:
    chosen = settings.model_copy(update={"database_url": postgres_url})
    company = Company(client=client_for(chosen), settings=chosen)
    hypothesis = company.hypothesis()
    imported(company, hypothesis, report("a", TWO, slope=0.5))
    imported(company, hypothesis, report("a", TWO, corrects="The sign was turned"), units_per_day=10)
    found = retrospective(company, hypothesis)
    assert (found["latest"]["grade"], found["imported"], found["outdated"]) == ("speaks_for", 1, False)
    assert found["latest"]["next_experiment"]["units_per_day"] == 10
    (lever,) = company.client.get("/v1/levers").json()["items"]
    assert (lever["state"], lever["retrospective"]["grade"]) == ("untested", "speaks_for")
