"""Explorations on pages: asked by a button, shown with both halves; and beside studies, on every screen."""

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from service.explorations.tables import Exploration
from service.runs import service as runs
from service.runs.rules import RunState
from tests.evidence.company import Company, Dealt
from tests.serving import a_key, serving
from tests.web.test_browser import CHROMIUM, WIDTHS, chromium, open_page
from tests.web.test_hostile import HOSTILE, RAW
from tests.web.test_studies import answered, asked, company, estimate, finding
from tests.web.typing_in import token

WIDEST = """() => [...document.querySelectorAll("main *")]
    .filter((one) => one.getBoundingClientRect().right > window.innerWidth && !one.closest(".wide"))
    .slice(-3).map((one) => one.outerHTML.slice(0, 200))"""
SHOTS = os.environ.get("LEVERBOARD_SCREENSHOTS")
__all__ = ["chromium", "company"]


def half(sign: float) -> dict[str, Any]:
    apart = {name: estimate(sign * n) for n, name in enumerate(("inside", "outside", "difference"), start=1)}
    slopes = {
        "slopes": [{"segment": "inside", "estimate": 0.5, "set": {"shape": "interval", "set": [[0.4, 0.6]]}}],
        "p_value": 0.2,
    }
    return {"units": 400, "share": 0.4, "kpi": apart, "cpi": apart, "slopes": slopes}


REFUSED = {"not_estimable": {"reason": "too_few_units", "detail": f"nobody is {HOSTILE}"}}
EXPLORED: dict[str, Any] = {
    "units": 2000,
    "share": 0.5,
    "discovery": 1000,
    "confirmation": 1000,
    "clusters": None,
    "seed": 3,
    "alpha": 0.05,
    "effect_kpi": estimate(1.0),
    "effect_cpi": estimate(-2.0),
    "segments": [
        {
            "words": f"device is {HOSTILE}",
            "conditions": [{"covariate": "device", "relation": "is", "value": HOSTILE}],
            "differs_in": "cpi",
            "discovery": half(1.0),
            "confirmation": half(-1.0),
            "adjusted_p_value": 0.01,
            "held_up": True,
        },
        {
            "words": "age below 30",
            "conditions": [],
            "differs_in": "kpi",
            "discovery": half(1.0),
            "confirmation": REFUSED,
            "adjusted_p_value": None,
            "held_up": False,
        },
    ],
    "policies": [
        {"words": f"treat {HOSTILE}", "treated": 0.4, "over_none": estimate(0.3), "over_all": REFUSED}
    ],
    "kpi_line": REFUSED,
    "cpi_line": REFUSED,
    "slope_line": REFUSED,
    "models": [
        {
            "method": "LinearDRLearner",
            "units": 1000,
            "calibration": {
                "not_estimable": {"reason": "too_few_units", "detail": "no group is large enough"}
            },
            "policy": {
                "words": "whom it says",
                "treated": 1.0,
                "over_none": estimate(0.9),
                "over_all": {"not_estimable": {"reason": "same", "detail": "it treats everybody"}},
            },
        },
        {
            "method": "CausalForestDML",
            "units": 1000,
            "calibration": {
                "best_line": {"mean": estimate(1.0), "slope": estimate(0.8)},
                "groups": [
                    {"units": 500, "predicted": 0.5, "effect": estimate(0.6)},
                    {"units": 500, "predicted": 1.5, "effect": estimate(1.4)},
                ],
                "top_less_bottom": estimate(0.8),
            },
            "policy": {
                "words": "whom it says",
                "treated": 0.7,
                "over_none": estimate(0.9),
                "over_all": estimate(0.1),
            },
        },
    ],
    "left_out": [{"words": HOSTILE, "reason": REFUSED}],
    "checks": [{"name": "windows", "passed": True, "detail": "all windows closed", "gates": False}],
}


def explored(company: Company, database, editor) -> str:
    """Asked by the button of a stopped experiment; what a worker would find is put in its place."""
    experiment = company.experiment([company.hypothesis()], {"fast": Dealt(mechanism="first")}, n=10)
    assert "Explore" not in editor.get(f"/experiments/{experiment}").text
    company.stop(experiment)
    assert "Explore" in editor.get(f"/experiments/{experiment}").text
    asked_for = {"form_token": token(editor), "attributes": "device, age,device"}
    answer = editor.post(f"/experiments/{experiment}/explorations", data=asked_for)
    assert answer.status_code == 303, answer.text
    place = str(answer.headers["location"])
    assert "A worker is looking" in editor.get(place).text
    with database.write() as session:
        row = session.get_one(Exploration, place.rpartition("/")[2])
        assert row.asked["attributes"] == ["device", "age"]
        run = runs.get(session, row.run_id)
        run.state, run.result = RunState.SUCCEEDED, {"explored": EXPLORED}
    return place


def test_what_was_typed_to_explore_by_stays_where_it_is_refused(company, editor) -> None:
    experiment = company.experiment([company.hypothesis()], {"fast": Dealt(mechanism="first")}, n=10)
    company.stop(experiment)
    address, typed = f"/experiments/{experiment}/explorations", f"device, {'x' * 201}"
    refused = editor.post(address, data={"form_token": token(editor), "attributes": typed})
    assert refused.status_code == 422
    assert f'name="attributes" type="text" value="{typed}"' in refused.text
    assert 'id="f-attributes-fault1"' in refused.text
    stale = editor.post(address, data={"form_token": "0" * 64, "attributes": "device"})
    assert stale.status_code == 403
    assert 'name="attributes" type="text" value="device"' in stale.text


def test_an_exploration_shows_both_halves_and_that_it_proves_nothing(company, database, editor) -> None:
    place = explored(company, database, editor)
    shown = editor.get(place).text
    assert not RAW.search(shown)
    for told in (
        "exploratory",
        "enters no verdict",
        "the other half agrees",
        "the other half does not show it",
        "proposed in",
        "tested in",
        "What treating only some would bring",
        "CausalForestDML",
        "no group is large enough",
        "it treats everybody",
        "a sample of 50",
    ):
        assert told in shown, told
    assert f'href="{place}"' in editor.get(place.partition("/explorations")[0]).text
    wrong = editor.post(place.rpartition("/")[0], data={"form_token": "0" * 64})
    assert wrong.status_code == 403


def test_pages_that_speak_english_speak_it_wholly(company, database, editor) -> None:
    place = explored(company, database, editor)
    study = asked(company, hypothesis=company.hypothesis())
    answered(database, study, finding())
    for address in ("/studies", f"/studies/{study}", place, "/program"):
        said = editor.get(address, headers={"accept-language": "sv"})
        assert (said.status_code, said.headers["content-language"]) == (200, "en")
        assert said.text == editor.get(address).text, address
    assert editor.get("/experiments", headers={"accept-language": "sv"}).headers["content-language"] == "sv"


@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium, which .ci/run installs")
def test_they_fit_every_screen_and_everybody(chromium, company, database, editor, tmp_path) -> None:
    place = explored(company, database, editor)
    study = asked(company, hypothesis=company.hypothesis())
    answered(database, study, finding())
    with serving(tmp_path, "--no-worker") as (_, address, _log):
        page, complaints = open_page(chromium, address, a_key(tmp_path))
        for at, path in enumerate(("/studies", f"/studies/{study}", "/studies/new", place)):
            page.goto(address + path)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                room = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
                assert room <= 0, f"{path} is {room} pixels too wide at {width}: {page.evaluate(WIDEST)}"
                _keep(page, f"{at}-{width}")
            serious = [
                f"{found['id']}: {found['nodes'][0]['html']}"
                for found in Axe().run(page).response["violations"]
                if found["impact"] in ("serious", "critical")
            ]
            assert serious == [], path
            if SHOTS:
                page.emulate_media(color_scheme="dark")
                page.reload(wait_until="networkidle")  # the script draws for the ground that it finds
                _keep(page, f"{at}-dark")
                page.emulate_media(color_scheme="light")
        assert complaints == []


def _keep(page, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SHOTS) / f"studies-{name}.png", full_page=True)
