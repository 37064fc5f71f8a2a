"""What do people see? Every page of a company with a proven lever, and of one with hostile names."""

import csv
from dataclasses import replace
from io import StringIO
from itertools import product

import pytest
from sqlalchemy import select

from service.charts.drawing import draw_wanted
from service.charts.tables import Drawing
from tests.evidence.company import TWO_MECHANISMS, Company
from tests.metrics.drafts import cpi, kpi

HOSTILE = "<script>alert(1)</script>\u202e\" onload=x '=cmd|"


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)


@pytest.fixture
def proven(company: Company) -> str:
    hypothesis: str = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    return hypothesis


def test_an_empty_board_says_so(browser) -> None:
    answer = browser.get("/board")
    assert answer.status_code == 200
    assert "no registered hypothesis fits" in answer.text


def test_every_page_keeps_scripts_and_frames_of_others_out(browser) -> None:
    for address in ("/board", "/experiments", "/metrics", "/runs", "/levers/hyp_unknown"):
        policy = browser.get(address).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_what_is_not_there_is_told_on_a_page(browser) -> None:
    answer = browser.get("/levers/hyp_unknown")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "There is no hypothesis" in answer.text


def test_a_link_that_leads_nowhere_ends_on_a_page_for_people_and_in_a_problem_for_programs(browser) -> None:
    seen = browser.get("/nothing<b>", headers={"Accept": "text/html,*/*"})
    assert (seen.status_code, seen.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "default-src 'none'" in seen.headers["content-security-policy"]
    assert "To the board" in seen.text
    for address, accept in (("/nothing", "*/*"), ("/v1/nothing", "text/html")):
        answer = browser.get(address, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_page_asked_for_in_the_wrong_shape_says_so_on_a_page(browser) -> None:
    answer = browser.get(f"/board?q={'a' * 201}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "text/html; charset=utf-8")
    assert "<strong>q</strong>" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_proven_lever_is_told_with_its_size_and_can_be_found(browser, proven) -> None:
    board = browser.get("/board").text
    assert "Proven" in board
    assert "1 minute less" in board
    assert "Wait → Spending" in board
    assert "Wait → Spending" in browser.get("/board?q=SPEND&state=confirmed").text
    assert "Wait → Spending" not in browser.get("/board?q=nothing").text
    assert "Wait → Spending" not in browser.get("/board?state=rejected").text
    assert "Wait → Spending" not in browser.get("/board?team=ops").text
    assert "97.5 %" in board  # what the first of several verdicts may claim
    assert "rung 4 of 5" in board
    assert "at half the slope confirmed" in board
    assert "False ones expected" in board
    assert "if alike: &lt;" in board
    assert "steps, for each of them" in board
    (told,) = browser.get("/board.json?volume=1000&increments=1").json()
    value = f"{told['value']['estimate']:.0f}"
    assert value in browser.get("/board?volume=1000&increments=1").text.replace(",", "")
    assert "not tested so far" in browser.get("/board?volume=1000&increments=9").text
    for odd in ("volume=-1", "volume=x", "volume=inf", "volume=1&increments=nan"):
        assert "Wait → Spending" in browser.get(f"/board?{odd}").text


def test_a_lever_s_page_tells_on_what_it_hangs_and_what_the_evidence_says(browser, proven) -> None:
    page = browser.get(f"/levers/{proven}").text
    assert "Had twice as much been registered: confirmed." in page
    assert "past the CPI by" in page
    assert "The verdict stands whatever is said here." in page
    assert "4 of 5: randomised, several mechanisms" in page


def test_a_metric_s_page_tells_how_customers_have_it_and_what_they_bring(browser, company, proven) -> None:
    page = browser.get(f"/metrics/{company.ids['cpi']}").text
    assert "units of control arms" in page
    assert "What customers get, and what they bring" in page
    assert f'href="/levers/{proven}">Spending' in page


def test_the_map_leads_from_cpis_to_kpis_and_says_the_same_as_a_table(browser, company, proven) -> None:
    other = company.hypothesis()
    page = browser.get("/map").text
    assert page.count('<path class="way proven"') == 1
    assert page.count('<path class="way untested"') == 1
    assert page.count('<tr><th scope="row">Wait') == 2
    for hypothesis in (proven, other):
        assert page.count(f'href="/levers/{hypothesis}"') == 2


def test_a_lever_shows_its_contrasts_and_its_picture_once_a_worker_has_drawn_it(
    browser, proven, database
) -> None:
    page = browser.get(f"/levers/{proven}").text
    assert "The picture is being drawn" in page
    assert "The evidence, arm by arm" in page
    assert draw_wanted(database) == 3  # contrasts, arm by arm, side effects
    assert draw_wanted(database) == 0
    page = browser.get(f"/levers/{proven}").text
    assert "The picture is being drawn" not in page
    with database.read() as session:
        drawn = session.scalars(select(Drawing.sha256)).all()
    for sha256, theme in product(drawn, ("light", "dark")):
        picture = browser.get(f"/charts/{sha256}/{theme}.svg")
        assert picture.headers["content-type"] == "image/svg+xml"
        assert "<svg" in picture.text
        assert "style=" not in picture.text  # which the page's policy would refuse
        assert browser.get(f"/charts/{sha256}/{theme}.json").json()["layer"]


def test_an_experiment_shows_whether_it_can_be_trusted_and_what_it_found(browser, company, proven) -> None:
    (experiment,) = company.client.get("/v1/experiments").json()["items"]
    page = browser.get(f"/experiments/{experiment['id']}").text
    assert "Wait" in page
    told = " ".join(page.split())
    assert "<strong>Confirmed</strong> – each 1 minute less: <strong>+" in told
    assert "minutes</strong>" in told  # an effect with its unit
    assert "All checks" in page
    assert "Split as planned: passed" in told
    assert "better with probability" in page
    lines = list(csv.DictReader(StringIO(browser.get(f"/experiments/{experiment['id']}/effects.csv").text)))
    assert len(lines) == 6  # three arms, two metrics
    kept = browser.get(f"/experiments/{experiment['id']}/result.json")
    assert kept.json()["experiment"] == experiment["id"]
    assert experiment["name"] in browser.get("/experiments?state=stopped").text
    assert experiment["id"] in browser.get("/runs").text
    told_of_its_run(browser, kept.headers["content-disposition"].split('"')[1].removesuffix(".json"))


def told_of_its_run(browser, run: str) -> None:
    """Tables and versions in words; every file that it read is in a download."""
    page = browser.get(f"/runs/{run}").text
    assert "the lake after fold" in page
    assert "assignments: " in page
    assert ".parquet" not in page
    read = browser.get(f"/runs/{run}/snapshot.json")
    assert read.json()["assignments_version"] > 0
    assert read.headers["content-disposition"] == f'attachment; filename="{run}-snapshot.json"'


def test_a_proven_lever_is_nothing_to_test_next(browser, proven, company) -> None:
    page = browser.get("/program").text
    assert "Every registered lever is proven" in page
    open_still = company.hypothesis(smallest_slope=0.4)
    page = browser.get("/program").text
    assert "1 proven lever is not listed" in page
    assert f'href="/levers/{open_still}"' in page
    assert f'href="/levers/{proven}"' not in page


def test_a_cpi_that_moved_too_is_told_whether_or_not_somebody_claims_it(editor, company) -> None:
    company.add_rival()
    hypothesis = company.hypothesis()
    moved = {name: replace(dealt, rival=-dealt.shift) for name, dealt in TWO_MECHANISMS.items()}
    company.finish(company.experiment([hypothesis], moved))
    page = editor.get(f"/levers/{hypothesis}").text
    assert f'<a href="/metrics/{company.ids["rival"]}">Options</a>: nobody has claimed yet' in page
    assert f"/hypotheses/new?cpi={company.ids['rival']}&amp;kpi={company.ids['kpi']}" in page
    claim = company.hypothesis(cpi=company.ids["rival"])
    page = editor.get(f"/levers/{hypothesis}").text
    assert f'<a href="/levers/{claim}">a lever of its own</a>' in page


def test_the_numbers_of_the_downloads_are_the_api_s(browser, company, proven) -> None:
    (lever,) = company.client.get("/v1/levers").json()["items"]
    (line,) = csv.DictReader(StringIO(browser.get("/board.csv").text))
    slope = lever["verdict"]["slope"]
    assert [float(line[name]) for name in ("slope", "low", "high")] == [slope["estimate"], *slope["interval"]]
    chance = lever["false_discovery"]
    assert [float(line[name]) for name in ("p_value", "false_share")] == [chance["p_value"], chance["share"]]
    (same,) = browser.get("/board.json").json()
    assert (same["verdict"]["slope"], same["false_discovery"]) == (slope, chance)


def test_hostile_names_are_inert_everywhere(browser, client) -> None:
    made = client.post("/v1/metrics", json=cpi(name=HOSTILE, outcome=HOSTILE))
    assert made.status_code == 201, made.text
    for address in ("/metrics", f"/metrics/{made.json()['id']}"):
        page = browser.get(address).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


def test_hostile_names_of_a_proven_lever_are_inert_on_every_page(browser, client, settings) -> None:
    company = Company(client=client, settings=settings)
    company.ids["cpi"] = company.metric(cpi(name=HOSTILE, definition=company.wait, outcome=HOSTILE))
    company.ids["kpi"] = company.metric(kpi(name=HOSTILE, definition=company.spending))
    for name in ("first", "second"):
        company.ids[name] = company.mechanism(f"{name} {HOSTILE}")
    hypothesis = company.hypothesis(rationale=HOSTILE)
    experiment = company.experiment([hypothesis], TWO_MECHANISMS, name=HOSTILE)
    company.finish(experiment)
    for address in (
        "/board?volume=9",
        "/map",
        f"/levers/{hypothesis}",
        f"/experiments/{experiment}",
        "/runs",
    ):
        page = browser.get(address)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert '" onload=x' not in page.text


def test_a_header_that_names_no_language_of_ours_gets_english(browser) -> None:
    for odd in ("", "xx", ";;;q=,", "q" * 5000, "en;q=abc"):
        answer = browser.get("/board", headers={"Accept-Language": odd})
        assert '<html lang="en">' in answer.text
        assert answer.headers["content-language"] == "en"
