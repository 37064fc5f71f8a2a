"""A question over HTTP, answered from the lake: the truth comes back, and every doubt is said."""

import io
from datetime import timedelta

import numpy as np
import pytest

from tests.metrics.drafts import kpi
from tests.studies.market import (
    ANCHOR,
    FIRST,
    PERIOD,
    PLAN,
    TENURE,
    WORTH,
    asked,
    confounded,
    send,
    summed,
)

DRAWN = {"kpi": ["cpi", "tenure", "plan"], "cpi": ["tenure", "plan"]}


def test_the_worth_of_a_minute_comes_back_beside_every_doubt(company) -> None:
    send(company, confounded())
    hypothesis = company.hypothesis(window="PT1H")
    found = asked(
        company,
        hypothesis=hypothesis,
        template="usual-confounders",
        covariates=[
            TENURE,
            PLAN,
            {"kind": "calendar", "name": "season", "by": "weekday"},
            {"kind": "before", "name": "prior KPI", "metric": "kpi"},
        ],
    )
    result = found["result"]
    lower, upper = result["slope"]["interval"]
    assert lower <= WORTH <= upper
    assert upper - lower < 0.2
    assert result["rung"] == 1
    assert result["units"] == 1500
    assert result["details"]["naive"]["value"]["value"] < lower  # raw, waiting hardly costs anything
    assert result["details"]["answers"][0]["strategy"]["adjust"] == [
        "plan",
        "prior KPI",
        "season",
        "tenure",
    ]
    assert {one["name"] for one in result["checks"]} >= {
        "overlap",
        "refuter_placebo",
        "refuter_subset",
        "unmeasured_cause",
        "curves_agree",
    }
    assert "An experiment would tell" in result["sentence"]
    assert any("channel" in one for one in result["assumptions"])
    assert "kept" not in result["details"]["doubts"]["overlap"]

    beside = company.client.get(f"/v1/hypotheses/{hypothesis}/studies").json()["items"]
    assert [one["id"] for one in beside] == [found["id"]]
    lever = company.client.get(f"/v1/levers/{hypothesis}").json()
    assert lever["state"] == "untested"  # nothing that was not randomised makes a verdict
    assert lever["study"]["rung"] == 1
    assert lever["study"]["slope"] == result["slope"]
    assert company.verdict(hypothesis)["latest"] is None

    run = company.client.get(f"/v1/runs/{result['run_id']}").json()
    assert run["kind"] == "study"
    assert run["type"] == "exploratory"
    assert run["provenance"]["seed"] == 0
    assert run["provenance"]["fingerprint"] == result["fingerprint"]
    assert {"dowhy", "econml"} <= run["provenance"]["versions"].keys()
    assert run["snapshot"]


def test_nothing_adjusted_for_is_said_loudly_and_by_the_metrics_names(company) -> None:
    send(company, confounded(n=300))
    result = asked(company, template="usual-confounders")["result"]
    raw = "Nothing was adjusted for: this is a raw correlation."
    checks = {one["name"]: one for one in result["checks"]}
    assert (checks["adjusted"]["passed"], checks["adjusted"]["detail"]) == (False, raw)
    assert "overlap" not in checks  # of nothing all are alike
    assert raw in result["sentence"]
    first, missing = result["assumptions"][:2]
    assert first.startswith("Nothing at all moves both “Wait” and “Spending”")
    assert all(one in missing for one in ("tenure", "plan", "channel", "season", "prior KPI"))
    assert not any(" in nothing" in one or " cpi " in one or " kpi " in one for one in result["assumptions"])

    held = asked(company, template="usual-confounders", covariates=[TENURE])["result"]
    assert "adjusted" not in {one["name"] for one in held["checks"]}
    assert raw not in held["sentence"]
    assert held["assumptions"][0].startswith(
        "Apart from what “Wait” itself does, nothing but tenure makes it and “Spending” go together"
    )


def test_what_nobody_measured_is_gone_around_by_a_mediator_or_an_instrument(company) -> None:
    """A minute less is worth .4 by way of calls, of which each minute makes .8; patience is in no data."""
    rng = np.random.default_rng(8)
    n = 600
    patience, staffed = rng.normal(size=(2, n))
    waited = 10 + patience + staffed + rng.normal(size=n)
    called = 1 + 0.8 * waited + rng.normal(size=n)
    spent = 30 - 0.5 * called + 2 * patience + rng.normal(size=n)
    came = [FIRST + timedelta(days=int(day), hours=9) for day in rng.integers(0, 80, size=n)]
    rows = io.StringIO()
    rows.write("id,unit,event,time,value\n")
    for place, at in enumerate(came):
        values = {"visited": 1, "waited": waited, "called": called, "spent": spent, "staffed": staffed}
        for event, value in values.items():
            told = value if event == "visited" else value[place]
            rows.write(f"u{place}-{event},u{place},{event},{at.isoformat()},{told}\n")
    company.send("/v1/outcomes", rows.getvalue())
    calls, staff = (
        {"kind": "metric", "name": name, "metric": company.metric(kpi(name=name, definition=summed(event)))}
        for name, event in (("calls", "called"), ("staff", "staffed"))
    )
    causes = {"cpi": ["patience", "staff"], "calls": ["cpi"], "kpi": ["calls", "patience"]}
    found = asked(company, covariates=[calls, staff], unmeasured=["patience"], causes=causes)["result"]
    answers = {one["strategy"]["kind"]: one for one in found["details"]["answers"]}
    assert answers.keys() == {"instrument", "front_door"}
    for one in answers.values():
        lower, upper = one["found"]["value"]["interval"]
        assert lower < 0.4 < upper
        assert upper - lower < 0.45
    assert found["details"]["naive"]["value"]["interval"][1] < 0  # raw, the sign itself is wrong
    assert found["slope"]["estimate"] == answers["instrument"]["found"]["value"]["value"]
    assert "staff" in " ".join(found["assumptions"])

    known = {"cpi": [], "calls": ["cpi"], "kpi": ["calls", "cpi"]}
    split = asked(company, covariates=[calls], causes=known)["result"]["details"]["answers"]
    (through,) = [one["found"] for one in split if one["strategy"]["kind"] == "mediation"]
    whole, parts = through["value"]["value"], (through["through"]["value"], through["past"]["value"])
    assert whole == pytest.approx(sum(parts))


def test_what_the_data_cannot_say_is_a_reason(company) -> None:
    send(company, confounded(n=120))
    nobody = asked(company, anchor={"event": "never"}, covariates=[TENURE], causes={"cpi": ["tenure"]})
    assert nobody["result"]["slope"]["reason"] == "empty_population"
    hidden = asked(company, causes={"cpi": ["hidden"], "kpi": ["cpi", "hidden"]}, unmeasured=["hidden"])
    assert hidden["result"]["slope"]["reason"] == "unidentified"
    assert "hidden acts on both" in hidden["result"]["slope"]["detail"]
    unknown = {"kind": "attribute", "name": "mood", "attribute": "mood"}
    told = asked(company, covariates=[unknown], causes={"cpi": ["mood"], "kpi": ["cpi", "mood"]})
    assert told["result"]["slope"]["reason"] == "covariate_unknown"


@pytest.mark.parametrize(
    ("changes", "status", "slug", "rule"),
    [
        ({"causes": {"cpi": ["tenure"], "tenure": ["kpi"]}}, 422, "study-refused", "cyclic_graph"),
        ({"causes": {"kpi": ["cpi", "mood"]}}, 422, "study-refused", "unknown_node"),
        ({"template": "none such"}, 422, "study-refused", "known_template"),
        ({"causes": DRAWN, "source": "src_01"}, 404, "source-not-found", None),
        ({"causes": DRAWN, "cpi": "met_none"}, 404, "metric-not-found", None),
        (
            {"causes": DRAWN, "hypothesis": "hyp_none", "cpi": None, "kpi": None},
            404,
            "hypothesis-not-found",
            None,
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_at_once(company, changes, status, slug, rule) -> None:
    document = {
        "design": "graph",
        "name": "What waiting costs",
        "cpi": company.ids["cpi"],
        "kpi": company.ids["kpi"],
        "anchor": ANCHOR,
        "period": PERIOD,
        "covariates": [TENURE, PLAN],
    } | changes
    answer = company.client.post("/v1/studies", json=document)
    assert answer.status_code == status, answer.text
    assert answer.json()["type"].endswith(slug)
    if rule:
        assert [one["rule"] for one in answer.json()["errors"]] == [rule]


def test_the_ends_are_a_cpi_and_a_kpi_and_named_once(company) -> None:
    base = {"design": "graph", "name": "x", "anchor": ANCHOR, "period": PERIOD, "causes": {"cpi": []}}
    turned = base | {"cpi": company.ids["kpi"], "kpi": company.ids["cpi"]}
    answer = company.client.post("/v1/studies", json=turned)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["rule"] == "right_kind"
    assert company.client.post("/v1/studies", json=base).status_code == 422
    both = turned | {"hypothesis": "hyp_1"}
    assert company.client.post("/v1/studies", json=both).status_code == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"period": {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T00:00:00Z"}},
        {"covariates": [TENURE | {"name": "kpi"}]},
        {"covariates": [TENURE, TENURE]},
        {"covariates": [TENURE | {"name": "plan: basic"}]},
        {"design": "rdd", "causes": None, "score": TENURE | {"name": "cpi"}, "cutoff": 1.0},
        {"causes": {}},
    ],
)
def test_a_question_that_could_be_misread_is_no_question(company, changes) -> None:
    document = {
        "design": "graph",
        "name": "What waiting costs",
        "cpi": company.ids["cpi"],
        "kpi": company.ids["kpi"],
        "anchor": ANCHOR,
        "period": PERIOD,
        "causes": {"kpi": ["cpi"]},
    } | changes
    answer = company.client.post("/v1/studies", json={k: v for k, v in document.items() if v is not None})
    assert answer.status_code == 422, answer.text


def test_who_may_not_change_things_may_not_ask(company, viewer_client) -> None:
    viewer = viewer_client
    body = {
        "design": "graph",
        "name": "x",
        "cpi": company.ids["cpi"],
        "kpi": company.ids["kpi"],
        "anchor": ANCHOR,
        "period": PERIOD,
        "causes": {"kpi": ["cpi"]},
    }
    assert viewer.post("/v1/studies", json=body).status_code == 403
    assert viewer.get("/v1/studies").json()["items"] == []
    assert viewer.get("/v1/studies/stu_none").status_code == 404
    (first, second) = viewer.get("/v1/studies/templates").json()
    assert {one["name"] for one in first["role"]} == {"tenure", "plan", "channel", "season", "prior KPI"}
    assert "prior CPI" in {one["name"] for one in second["role"]}
