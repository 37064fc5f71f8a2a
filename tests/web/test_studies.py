"""Studies on pages: asked by a form, shown with every doubt, inert whatever their names."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from service.charts.tables import Drawing
from service.kit.clock import now
from service.kit.ids import new_id
from service.runs import service as runs
from service.runs.rules import RunKind, RunState
from service.studies import service as studies
from service.studies.schemas import StudyCheck, StudyFinding, StudyRefusal, StudySlope
from tests.evidence.company import Company
from tests.facts.sources.test_analysis import MAPPED
from tests.web.test_hostile import HOSTILE, NOTE, RAW
from tests.web.typing_in import token


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)


def estimate(value: float, reach: float = 0.1) -> dict[str, Any]:
    return {
        "value": value,
        "std_error": reach / 2,
        "interval": [value - reach, value + reach],
        "p_value": 0.01,
    }


def of_slope(value: float) -> dict[str, Any]:
    return {"value": estimate(value), "units": 900, "checks": [], "through": None, "past": None}


DETAILS: dict[str, Any] = {
    "naive": of_slope(-0.2),
    "answer": {"strategy": {"kind": "backdoor", "adjust": ["tenure", HOSTILE], "assumptions": []}},
    "doubts": {
        "trimmed": of_slope(0.42),
        "learned": {"not_estimable": {"reason": "too_few_units", "detail": "few"}},
        "sensitivity": {
            "robustness": {"partial_r2": 0.1, "value": 0.2, "value_alpha": 0.15},
            "e_value": 1.8,
            "e_value_end": 1.5,
            "contrast": -1.0,
            "benchmarks": [
                {"covariate": HOSTILE, "times": 1, "adjusted": 0.3, "lower": 0.2, "upper": 0.4},
                {"covariate": HOSTILE, "times": 2, "adjusted": 0.1, "lower": 0.0, "upper": 0.2},
            ],
            "overturned_by": [],
            "fragile": False,
            "detail": f"Nothing as strong as {HOSTILE} would.",
        },
    },
    "comparison": {
        "observed": 0.4,
        "randomised": 0.5,
        "randomised_interval": [0.45, 0.56],
        "difference": -0.1,
        "interval": [-0.3, 0.1],
        "agrees": True,
        "opposite": False,
        "sentence": "Experiments found 0.5.",
    },
}


def finding(**changes: Any) -> StudyFinding:
    given = {
        "rung": 1,
        "sentence": f"Observed, not proven: {HOSTILE}.",
        "slope": StudySlope(estimate=0.4, interval=(0.3, 0.5)),
        "units": 900,
        "left_out": {"window_open": 12, f"without {HOSTILE}": 3},
        "assumptions": (f"Nothing but {HOSTILE} moves both.",),
        "checks": (
            StudyCheck(name="overlap", passed=False, detail=f"few like {HOSTILE}"),
            StudyCheck(name="graph_fits", passed=None, detail="not asked"),
        ),
        "details": DETAILS,
    }
    return StudyFinding.model_validate(given | changes)


def asked(company: Company, **changes: Any) -> str:
    document = {
        "design": "graph",
        "name": HOSTILE,
        "cpi": company.ids["cpi"],
        "kpi": company.ids["kpi"],
        "anchor": {"event": HOSTILE},
        "period": {"from": "2026-06-01T00:00:00Z", "to": "2026-08-01T00:00:00Z"},
        "covariates": [{"kind": "attribute", "name": "tenure", "attribute": HOSTILE}],
        "causes": {"cpi": ["tenure", "luck"], "kpi": ["cpi", "tenure", "luck"]},
        "unmeasured": ["luck"],
        "notes": NOTE,
    } | changes
    if document.get("hypothesis"):
        document |= {"cpi": None, "kpi": None}
    answer = company.client.post("/v1/studies", json=document)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def answered(database, study: str, found: StudyFinding) -> None:
    with database.write() as session:
        run = runs.latest_about(session, RunKind.STUDY, study)
        assert run is not None
        run.state = RunState.SUCCEEDED
        studies.keep(session, study, new_id("run"), found, fingerprint="f", as_of=now())


def test_a_studys_page_says_what_must_hold_and_what_speaks_against_it(company, database, editor) -> None:
    hypothesis = company.hypothesis()
    study = asked(company, hypothesis=hypothesis)
    waiting = editor.get(f"/studies/{study}").text
    assert "A worker is computing the answer" in waiting
    assert "data-look-again" in waiting
    answered(database, study, finding())
    shown = editor.get(f"/studies/{study}").text
    assert not RAW.search(shown)
    for told in (
        "nobody randomised this",
        "What must hold",
        "Units alike differ in the CPI",
        "failed",
        "not yet seen for long enough",
        "Experiments have answered this too.",
        "E-value",
        "nothing held fixed",
        "The same as numbers",
        "By a causal graph",
    ):
        assert told in shown, told
    assert ">+0.1<" not in shown  # only what is as strong once
    lever = editor.get(f"/levers/{hypothesis}").text
    assert f'href="/studies/{study}"' in lever
    assert "By a causal graph" in lever
    listed = editor.get(f"/studies?hypothesis={hypothesis}").text
    assert not RAW.search(listed)
    assert f'href="/studies/{study}"' in listed
    document = editor.get(f"/studies/{study}/result.json")
    assert document.json()["slope"]["estimate"] == 0.4


@pytest.mark.parametrize(
    "slope",
    [
        StudyRefusal(reason="cpi_not_told_moved", detail="the change did not move the CPI"),
        StudySlope(estimate=3.0, interval=(None, None)),  # as earlier versions kept it
    ],
)
def test_what_has_no_answer_shows_no_number(company, database, editor, slope) -> None:
    study = asked(company)
    answered(database, study, finding(rung=2, slope=slope, details={}, checks=()))
    shown, listed = editor.get(f"/studies/{study}").text, editor.get("/studies").text
    assert "No answer" in shown
    assert "no answer" in listed
    assert "+3" not in shown + listed
    assert editor.get("/studies/stu_none").status_code == 404


def specs(database) -> list[Any]:
    """What pages have wanted drawn."""
    with database.read() as session:
        return [row.spec for row in session.scalars(select(Drawing))]


def test_the_dashed_line_stands_on_the_side_of_the_claim(company, database, editor) -> None:
    study = asked(company, hypothesis=company.hypothesis(direction="decrease"))
    answered(database, study, finding())
    editor.get(f"/studies/{study}")
    (spec,) = specs(database)
    (dashed,) = [one for one in spec["layer"] if one["encoding"].get("x") == {"datum": -0.2}]
    assert "strokeDash" in dashed["mark"]


@pytest.mark.parametrize("kept", [True, False], ids=["with its interval", "as earlier versions kept it"])
def test_the_randomised_answer_is_among_the_several(company, database, editor, kept) -> None:
    study = asked(company)
    compared = {name: one for name, one in DETAILS["comparison"].items() if kept or "_" not in name}
    answered(database, study, finding(details=DETAILS | {"comparison": compared}))
    shown = editor.get(f"/studies/{study}").text
    assert ("experiments: +0.500 (0.450 – 0.560)" in shown) is kept
    assert "(– – –)" not in shown
    (spec,) = specs(database)
    assert ("experiments" in [one["name"] for one in spec["data"]["values"]]) is kept


QUESTION = {"name": "What waiting costs", "design": "graph"}
UNITS = {"anchor.event": "visited", "period.from": "2026-06-01", "period.to": "2026-08-24"}
HOW = {
    "template": "usual-confounders",
    "covariates.0.kind": "attribute",
    "covariates.0.name": "tenure",
    "covariates.0.attribute": "tenure_days",
    "covariates.1.kind": "calendar",
    "covariates.1.name": "season",
    "covariates.1.by": "weekday",
    "covariates.1.attribute": "left over from another kind",
    "arrows.0.node": "cpi",
    "arrows.0.of": "luck, tenure",
    "unmeasured": "luck",
}


def test_a_study_is_asked_by_a_form_without_scripts(company, editor) -> None:
    hypothesis = company.hypothesis()
    first = editor.get(f"/studies/new?hypothesis={hypothesis}").text
    assert re.search(rf'value="{hypothesis}" selected', first)
    sent = QUESTION | {"hypothesis": hypothesis, "form_token": token(editor)}
    second = editor.post("/studies/new", data=sent | {"go": "next", "step": "1"})
    assert (second.status_code, "starts at its first" in second.text) == (200, True)
    wrong = editor.post("/studies/new", data=sent | {"go": "next", "step": "2"})
    assert wrong.status_code == 422
    assert "This is needed." in wrong.text
    third = editor.post("/studies/new", data=sent | UNITS | {"go": "next", "step": "2"})
    assert "Usual common causes" in third.text
    kept = editor.post("/studies/new", data=sent | UNITS | HOW | {"go": "save", "step": "4"})
    assert kept.status_code == 303, kept.text
    (study,) = company.client.get("/v1/studies").json()["items"]
    assert kept.headers["location"] == f"/studies/{study['id']}"
    asked_for = study["request"]
    assert asked_for["period"] == {"from": "2026-06-01T00:00:00Z", "to": "2026-08-24T00:00:00Z"}
    assert asked_for["causes"] == {"cpi": ["luck", "tenure"]}
    assert [one["name"] for one in asked_for["covariates"]] == ["tenure", "season"]
    again = editor.get(f"/studies/new?of={study['id']}").text
    assert "What waiting costs" in again
    more = editor.post(f"/studies/{study['id']}/runs", data={"form_token": token(editor)})
    assert more.status_code == 303
    assert editor.post(f"/studies/{study['id']}/runs", data={"form_token": "0" * 64}).status_code == 403
    refused = editor.post("/studies/new", data=sent | UNITS | HOW | {"go": "save", "form_token": "0" * 64})
    assert refused.status_code == 403


def test_the_review_names_what_is_asked_and_that_nothing_will_be_adjusted_for(company, editor) -> None:
    hypothesis = company.hypothesis()
    sent = (
        QUESTION | UNITS | {"hypothesis": hypothesis, "form_token": token(editor), "go": "next", "step": "3"}
    )
    bare = editor.post("/studies/new", data=sent | {"template": "usual-confounders"}).text
    for told in ("Wait → Spending", "<dd>Wait</dd>", "<dd>Spending</dd>", "Usual common causes"):
        assert told in bare, told
    assert "the answer is a raw correlation" in bare
    known = {"covariates.0.kind": "attribute", "covariates.0.name": "tenure", "covariates.0.attribute": "t"}
    full = editor.post("/studies/new", data=sent | {"template": "usual-confounders"} | known).text
    assert "tenure <span" in full
    assert "raw correlation" not in full
    pair = sent | {"hypothesis": "", "cpi": company.ids["cpi"], "kpi": company.ids["kpi"]}
    assert "<dd>Wait</dd>" in editor.post("/studies/new", data=pair | known).text


def test_rows_are_never_lost_silently(company, editor) -> None:
    ends = {"cpi": company.ids["cpi"], "kpi": company.ids["kpi"], "form_token": token(editor)}
    sent = QUESTION | ends | UNITS | {"go": "save", "step": "4"}
    changes = {
        "groups": "region",
        "changes.0.group": "north",
        "changes.0.at": "2026-07-01",
        "changes.2.group": "north",
        "changes.2.at": "2026-07-08",
        "changes.3.at": "2026-07-15",
    }
    twice = editor.post("/studies/new", data=sent | changes | {"design": "did"})
    assert twice.status_code == 422
    for row, at in ((2, "2026-07-08"), (0, "2026-07-01"), (3, "2026-07-15")):
        assert re.search(rf'name="changes.{row}.at"[^>]*value="{at}', twice.text)
    assert re.search(r'id="f-changes-2-group-fault1">“north” has a row already', twice.text)
    assert 'id="f-changes-0-group-fault1"' not in twice.text
    assert 'id="f-changes-3-group-fault1">This is needed.' in twice.text
    nobody = editor.post("/studies/new", data=sent | HOW | {"arrows.1.of": "tenure"})
    assert nobody.status_code == 422
    assert 'id="f-arrows-1-node-fault1">This is needed.' in nobody.text
    more = {
        "arrows.1.node": "kpi",
        "arrows.1.of": "cpi",
        "arrows.2.node": "cpi",
        "arrows.2.of": "tenure, rain",
    }
    kept = editor.post("/studies/new", data=sent | HOW | more | {"unmeasured": "luck, rain"})
    assert kept.status_code == 303, kept.text
    (study,) = company.client.get("/v1/studies").json()["items"]
    assert study["request"]["causes"] == {"cpi": ["luck", "tenure", "rain"], "kpi": ["cpi"]}


def test_only_sources_that_one_may_read_through_are_offered(
    company, client, other_team_client, editor, monkeypatch
) -> None:
    monkeypatch.setattr("service.kit.paging.LARGEST_LIMIT", 1)
    for asking, name in ((client, "Ours"), (other_team_client, "Theirs"), (client, "Ours too")):
        answer = asking.post("/v1/sources", json=MAPPED | {"name": name})
        assert answer.status_code == 201, answer.text
    sent = QUESTION | {"form_token": token(editor), "go": "stay", "step": "2"}
    page = editor.post("/studies/new", data=sent).text
    assert re.findall(r">((?:Ours|Theirs)[^<]*)</option>", page) == ["Ours", "Ours too"]


@pytest.mark.parametrize(
    ("design", "typed", "field", "shown"),
    [
        (
            "did",
            {
                "groups": "region",
                "changes.0.group": "north.west",
                "changes.0.at": "2026-07-01",
                "every": "week",
            },
            {"adopted": {"north.west": "2026-07-01T00:00:00Z"}},
            "<dd>north.west 2026-07-01</dd>",
        ),
        (
            "its",
            {"changed_at": "2026-07-01", "comparison.groups": "region", "comparison.values": "south, east"},
            {"comparison": {"groups": "region", "values": ["south", "east"]}},
            "<dd>region: south, east</dd>",
        ),
        (
            "rdd",
            {
                "score.kind": "attribute",
                "score.name": "score",
                "score.attribute": "score",
                "score.metric": "cpi",
                "cutoff": "0,5",
            },
            {"cutoff": 0.5},
            "<dd>score ≥ 0.5",
        ),
        (
            "synthetic_control",
            {"groups": "region", "group": "north", "changed_at": "2026-07-01"},
            {"group": "north"},
            "<dd>north</dd>",
        ),
        ("leading_indicator", {"groups": "region", "horizon": "2"}, {"horizon": 2}, "<dd>region</dd>"),
    ],
)
def test_every_design_has_its_fields(*, company, editor, design, typed, field, shown) -> None:
    ends = {"cpi": company.ids["cpi"], "kpi": company.ids["kpi"]}
    sent = QUESTION | ends | UNITS | {"design": design, "form_token": token(editor)}
    drawn = editor.post("/studies/new", data=sent | typed | {"go": "stay", "step": "3"})
    for name in typed:
        assert f'name="{name}"' in drawn.text, name
    kept = editor.post("/studies/new", data=sent | typed | HOW | {"go": "save", "step": "4"})
    assert kept.status_code == 303, kept.text
    (study,) = company.client.get("/v1/studies").json()["items"]
    assert field.items() <= study["request"].items()
    assert editor.get(f"/studies/new?of={study['id']}").status_code == 200
    assert shown in editor.get(kept.headers["location"]).text
