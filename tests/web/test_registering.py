"""From nothing to a proven lever, by the pages alone: with scripts and without, on three screens."""

import re
import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from service.settings import Settings
from tests.evidence.company import ARRIVAL, TWO_MECHANISMS, WINDOW, Company, Dealt
from tests.serving import a_key, serving, until
from tests.web.test_browser import SHOTS, WIDTHS, chromium, open_page

pytestmark = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="needs Debian's chromium, which .ci/run installs"
)
__all__ = ["chromium"]  # the fixture
SHORT = "PT0.2S"
ARMS = {"control": Dealt(), **TWO_MECHANISMS}


def go_on(page: Page) -> None:
    page.click('p.buttons button[value="next"]')


def save(page: Page) -> None:
    """Over every step that is left, to the end."""
    while page.locator('p.buttons button[value="next"]').count():
        go_on(page)
        assert page.locator("#trouble").count() == 0, page.inner_text("#trouble")
    page.click('p.buttons button[value="save"]')
    assert page.locator("#trouble").count() == 0, page.inner_text("#trouble")


def choose(page: Page, name: str, value: str) -> None:
    """A choice that shows other fields does so by itself, or by the button that stands for the script."""
    place = f'[name="{name}"]'
    again = page.locator(f".field:has({place}) button.plain")
    if page.locator(f"{place}[data-redraw]").count() == 0:
        page.select_option(place, value)
    elif again.count() and again.first.is_visible():
        page.select_option(place, value)
        again.first.click()
    else:
        with page.expect_event("load"):  # of the page drawn anew: what is typed before it would be lost
            page.select_option(place, value)


def measured(page: Page, event: str) -> None:
    choose(page, "definition.aggregation", "sum")
    page.fill('[name="definition.event.event"]', event)
    page.select_option('[name="definition.value_type"]', "amount")
    page.fill('[name="definition.window"]', SHORT)
    page.fill('[name="definition.pre_period"]', "0")


def a_cpi(page: Page, address: str) -> None:
    page.goto(f"{address}/metrics")
    page.click("text=Register a metric")
    page.select_option('[name="kind"]', "cpi")
    go_on(page)
    assert "This is needed." in page.inner_text("#trouble")  # the name; what was chosen stays
    assert page.input_value('[name="kind"]') == "cpi"
    page.fill('[name="name"]', "Wait")
    page.fill('[name="unit_type"]', "customer")
    go_on(page)
    page.fill('[name="outcome"]', "I need not wait")
    page.select_option('[name="value_kind"]', "time")
    page.fill('[name="increment.amount"]', "1")
    page.fill('[name="increment.unit"]', "minute")
    page.select_option('[name="increment.better"]', "lower")
    page.select_option('[name="evidence.0.method"]', "contextual_inquiry_observation")
    for name, text in {
        "summary": "Nine of twelve gave up",
        "place": "Leeds",
        "researcher": "Grace Okafor",
        "journey_point": "Waiting",
        "date": "2026-03-14",
    }.items():
        page.fill(f'[name="evidence.0.{name}"]', text)
    go_on(page)
    measured(page, "waited")
    save(page)
    assert "qualified" in page.inner_text("main")


def a_kpi(page: Page, address: str) -> None:
    page.goto(f"{address}/metrics/new?kind=kpi")
    page.fill('[name="name"]', "Spending")
    page.fill('[name="unit_type"]', "customer")
    go_on(page)
    go_on(page)
    measured(page, "spent")
    save(page)


def a_hypothesis(page: Page, address: str) -> str:
    page.goto(f"{address}/hypotheses/new")
    page.select_option('[name="cpi"]', label="Wait (customer)")
    page.select_option('[name="kpi"]', label="Spending (customer)")
    go_on(page)
    page.select_option('[name="direction"]', "increase")
    page.fill('[name="smallest_slope"]', "0,2")
    page.fill('[name="window"]', SHORT)
    page.fill('[name="rationale"]', "Who waits less stays")
    save(page)
    draft = page.url
    for name in ("first", "second"):
        page.goto(draft)
        page.click("text=Register a mechanism")
        page.fill('[name="name"]', name)
        page.fill('[name="description"]', f"The {name} way")
        save(page)
        assert page.url == draft
    page.click("text=Register: freeze it")
    return page.url


def an_experiment(page: Page, address: str) -> str:
    page.goto(f"{address}/experiments")
    page.click("text=Plan an experiment")
    page.fill('[name="name"]', "Shorter waits")
    page.fill('[name="unit_type"]', "customer")
    go_on(page)
    page.click('button[value="more:arms"]')
    for row, name in enumerate(ARMS):
        page.fill(f'[name="arms.{row}.name"]', name)
        page.fill(f'[name="arms.{row}.weight"]', "1")
    go_on(page)
    choose(
        page,
        "hypotheses.0.hypothesis",
        page.get_attribute('option:has-text("Wait → Spending")', "value") or "",
    )
    for row, dealt in enumerate(ARMS.values()):
        if row:
            play(page, f"hypotheses.0.arms.{row}", dealt)
    go_on(page)
    go_on(page)
    page.check('[name="recording"][value="none"]')
    page.check('[name="sharing"][value="none"]')
    go_on(page)
    page.fill('[name="planned_size.units"]', "1000")
    save(page)
    return page.url


def play(page: Page, part: str, dealt: Dealt) -> None:
    choose(page, f"{part}.role", "placebo" if dealt.placebo else "treatment")
    if dealt.placebo:
        page.fill(f'[name="{part}.shares"]', "The same page")
        return
    page.select_option(f'[name="{part}.mechanism"]', label=dealt.mechanism)
    page.fill(f'[name="{part}.dose.amount"]', str(dealt.shift))
    page.fill(f'[name="{part}.dose.unit"]', "minute")
    page.select_option(f'[name="{part}.dose.kind"]', "change")


def customers_come(address: str, key: str, experiment: str, settings: Settings) -> None:
    """Sent to the API, as they always are."""
    with httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}) as client:
        company = Company.__new__(Company)  # without registering what the pages have registered
        company.client, company.settings, company.slope = client, settings, 0.5
        started = client.get(f"/v1/experiments/{experiment}").json()["started_at"]
        company.moments = {experiment: datetime.fromisoformat(started) + ARRIVAL}
        company.deal(experiment, ARMS, 1000)


def run_it(page: Page, address: str, key: str, place: str, settings: Settings, *, scripts: bool) -> None:
    for words in ("Approve: freeze the plan", "Start"):
        page.goto(place)
        page.click(f"text={words}")
    customers_come(address, key, place.rpartition("/")[2], settings)
    page.goto(place)
    page.click("text=Stop assigning")
    time.sleep((WINDOW + timedelta(milliseconds=50)).total_seconds())
    page.click("text=Analyse now")
    assert "/runs/" in page.url
    done = page.locator("p.lead", has_text="succeeded")
    if scripts:  # the page looks again by itself
        done.wait_for(timeout=90_000)
    else:
        until(lambda: page.reload() and done.count(), 90)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
def test_from_nothing_to_a_proven_lever(chromium, settings, tmp_path, scripts) -> None:
    with serving(tmp_path) as (_, address, _log):
        key = a_key(tmp_path)
        screen = {"width": 1024 if scripts else 360, "height": 900}
        page, complaints = open_page(chromium, address, key, java_script_enabled=scripts, viewport=screen)
        a_cpi(page, address)
        a_kpi(page, address)
        lever = a_hypothesis(page, address)
        place = an_experiment(page, address)
        run_it(page, address, key, place, settings, scripts=scripts)
        page.goto(f"{address}/board")
        assert "Wait → Spending" in page.inner_text("main")
        assert "Proven" in page.inner_text("main")
        page.goto(lever)
        assert "each 1 minute less: +" in page.inner_text("main")
        assert [one for one in complaints if "422" not in one] == []
        if scripts:
            looked_at(page, address)


def looked_at(page: Page, address: str) -> None:
    """Every page of the registry fits every screen, and axe finds nothing serious."""
    (run,) = re.findall(r"/runs/run_\w+", page.request.get(f"{address}/runs").text())[:1]
    for where in (
        "/metrics/new?template=quick-quote",
        "/metrics/new?kind=cpi",
        "/library",
        "/hypotheses",
        "/hypotheses/new",
        "/mechanisms/new",
        "/experiments/new",
        "/plan?noise.kind=rate&noise.rate=0.04&effect=0.002&traffic.daily=2000",
        "/plan/doses",
        "/program",
        "/knowledge?q=wait",
        "/customers",
        "/runs",
        run,
    ):
        page.goto(address + where)
        fits(page, where)
    page.goto(f"{address}/metrics/new?kind=cpi")
    go_on(page)
    fits(page, "/metrics-refused")
    for step, name in ((2, "why"), (3, "how"), (4, "review")):
        page.goto(f"{address}/metrics/new?template=quick-quote")
        page.click(f'button[value="to:{step}"]')
        fits(page, f"/metrics-{name}")


def keep(page: Page, place: str, width: int) -> None:
    if SHOTS:
        name = re.sub(r"\?.*", "", place.strip("/")).replace("/", "-")[:30]
        page.screenshot(path=str(Path(SHOTS) / f"registry-{name}-{width}.png"), full_page=True)


def fits(page: Page, where: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        room = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert room <= 0, f"{where} is {room} pixels too wide at {width}"
        keep(page, where, width)
    serious = [
        f"{found['id']}: {found['nodes'][0]['html']}"
        for found in Axe().run(page).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]
    assert serious == [], where


def test_while_one_types_the_page_says_whether_it_is_a_cpi(chromium, tmp_path) -> None:
    with serving(tmp_path, "--no-worker") as (_, address, _log):
        page, complaints = open_page(chromium, address, a_key(tmp_path))
        page.goto(f"{address}/metrics/new?template=quick-quote")
        page.click('button[value="to:2"]')
        assert "provisional" in page.inner_text("#panel")
        page.fill('[name="outcome"]', "")
        until(lambda: "none is given" in page.inner_text("#panel"))
        page.fill('[name="outcome"]', "I know what it costs")
        until(lambda: "none is given" not in page.inner_text("#panel"))
        assert complaints == []
