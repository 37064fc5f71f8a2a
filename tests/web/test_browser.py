"""What does a real browser make of the pages, with scripts and without, on three screens?"""

import os
import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from service.charts.drawing import draw_wanted
from tests.evidence.company import TWO_MECHANISMS, Company, Dealt
from tests.metrics.drafts import cpi, kpi
from tests.serving import a_key, serving, until

CHROMIUM = shutil.which("chromium")
WIDTHS = (360, 1024, 1600)
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")
LOUD = ("error", "warning")
DRAWN = 7  # a lever's contrasts, arms and side effects; who came, and two effects over time; a metric's trend
SHOTS = os.environ.get("LEVERBOARD_SCREENSHOTS")  # a folder, where somebody wants to look at the pages

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium, which .ci/run installs")


@pytest.fixture
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)


def open_page(chromium: Browser, address: str, key: str, **context) -> tuple[Page, list[str]]:
    """Signed in, with all that its console complained of from then on."""
    page = chromium.new_context(**context).new_page()
    complaints: list[str] = []
    page.goto(f"{address}/sign-in")
    page.fill("#key", key)
    page.click("main button")
    page.on(
        "console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def test_every_page_fits_every_screen_and_everybody(chromium, company, settings, database, tmp_path) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    company.finish(experiment)
    (metric, *_) = company.client.get("/v1/metrics").json()["items"]
    addresses = [
        "/board",
        "/map",
        f"/levers/{hypothesis}",
        "/experiments",
        f"/experiments/{experiment}",
        "/metrics",
        f"/metrics/{metric['id']}",
        "/runs",
    ]
    with serving(tmp_path, "--no-worker") as (_, address, _log):
        key = a_key(tmp_path)
        page, complaints = open_page(chromium, address, key)
        for place in (f"/levers/{hypothesis}", f"/experiments/{experiment}", f"/metrics/{metric['id']}"):
            page.goto(address + place)  # wants its pictures
        assert draw_wanted(database) == DRAWN
        for place in addresses:
            page.goto(address + place)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                room = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
                assert room <= 0, f"{place} is {room} pixels too wide at {width}"
                _keep(page, place, width)
            serious = [
                f"{found['id']}: {found['nodes'][0]['html']}"
                for found in Axe().run(page).response["violations"]
                if found["impact"] in ("serious", "critical")
            ]
            assert serious == [], place
        assert complaints == []


def test_names_of_as_many_letters_as_are_taken_fit_every_screen(chromium, company, tmp_path) -> None:
    client, name, text = company.client, "W" * 200, "x" * 500
    expected = [{"segment": name, "level": 3, "note": text}]
    long = cpi(name=name, outcome=text, expectations=expected, definition=company.wait)
    long["increment"] = long["increment"] | {"unit": "W" * 150}
    company.ids["cpi"] = company.metric(long)
    company.ids["kpi"] = company.metric(kpi(name=f"K{name[1:]}", definition=company.spending))
    company.ids["first"] = company.mechanism(name)
    hypothesis = company.hypothesis(rationale=text)
    arms, size = {f"T{name[1:]}": Dealt(mechanism="first")}, {"units": 9, "per": "arm"}
    experiment = company.experiment([hypothesis], arms, n=0, name=name, planned_size=size)
    assert client.post("/v1/notes", json={"subject": hypothesis, "text": text}).status_code == 201
    addresses = ["/board?volume=9", "/map", f"/levers/{hypothesis}", "/experiments", "/metrics", "/program"]
    addresses += [f"/experiments/{experiment}", f"/metrics/{company.ids['cpi']}", "/hypotheses", "/runs"]
    with serving(tmp_path, "--no-worker") as (_, address, _log):
        page, complaints = open_page(chromium, address, a_key(tmp_path))
        for place in (*addresses, f"/knowledge?q={text[:200]}"):
            page.goto(address + place)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                room = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
                assert room <= 0, f"{place} is {room} pixels too wide at {width}"
        assert complaints == []


def test_a_chart_is_drawn_by_the_script_and_stays_a_picture_without(chromium, company, tmp_path) -> None:
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    with serving(tmp_path) as (_, address, _log):
        key = a_key(tmp_path)
        bare, _ = open_page(chromium, address, key, java_script_enabled=False)
        bare.goto(f"{address}/levers/{hypothesis}")
        assert bare.locator("figure table td").count() > 0
        assert bare.locator("figure img").count() == 0
        until(lambda: bare.reload() and bare.locator("figure img").count() == 3)  # the worker has drawn it
        assert bare.locator("figure img").first.evaluate("picture => picture.naturalWidth") > 0
        lively, complaints = open_page(chromium, address, key)
        lively.goto(f"{address}/levers/{hypothesis}")
        lively.wait_for_selector("figure svg.marks")
        assert complaints == []


def _keep(page: Page, place: str, width: int) -> None:
    """By the kind of page, light; the widest one dark as well."""
    if not SHOTS:
        return
    kind, *one = place.strip("/").split("/")
    name = f"{kind}-one" if one else kind
    folder = Path(SHOTS)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
    if width == WIDTHS[-1]:
        page.emulate_media(color_scheme="dark")
        page.reload(wait_until="networkidle")  # the script draws for the ground that it finds
        page.screenshot(path=folder / f"{name}-{width}-dark.png", full_page=True)
        page.emulate_media(color_scheme="light")
