"""Script tags, marks that turn the text, as many characters as are taken: inert on every page."""

import re
from collections import deque
from html import unescape

import pytest
from fastapi.testclient import TestClient

from service.access.rules import Role
from service.access.service import create_key
from service.app import create_app
from service.web.direction import contained
from tests.evidence.company import TWO_MECHANISMS, Company
from tests.metrics.drafts import cpi, kpi

HOSTILE = "<script>alert(1)</script>\u202e\u2069\" onload=x '=cmd|{{7*7}}<img src=x>"
LONG = (HOSTILE * 10)[:200]
NOTE = (HOSTILE * 20)[:500]
RAW = re.compile(r"<script>alert|<img src=x|onload=x '", re.IGNORECASE)
TURNED = re.compile("\u202e[^\u2068]*?\u202c\u2069")
FIELD = re.compile(r'value="[^"]*"|<textarea[^>]*>[^<]*</textarea>')


@pytest.fixture
def everywhere(client, settings) -> Company:
    """A company in which all that can be named is named by somebody who means harm."""
    company = Company(client=client, settings=settings)
    wait = cpi(name=LONG, outcome=NOTE, description=NOTE, definition=company.wait)
    wait["increment"] = wait["increment"] | {"unit": HOSTILE}
    wait["expectations"] = [{"segment": LONG, "level": 4, "note": NOTE}]
    company.ids["cpi"] = company.metric(wait)
    company.ids["kpi"] = company.metric(kpi(name=HOSTILE, description=NOTE, definition=company.spending))
    for name in ("first", "second"):
        made = {"cpi": company.ids["cpi"], "name": f"{name} {HOSTILE}", "description": NOTE}
        company.ids[name] = client.post("/v1/mechanisms", json=made).json()["id"]
    hypothesis = company.hypothesis(rationale=NOTE)
    company.hypothesis(rationale=NOTE)
    said = {"direction": "increase", "window": "PT0.2S", "direct_effect_bound": "unknown", "rationale": NOTE}
    draft = said | {"cpi": company.ids["cpi"], "kpi": company.ids["kpi"], "unit_type": "customer"}
    assert client.post("/v1/hypotheses", json=draft).status_code == 201
    experiment = company.experiment([hypothesis], TWO_MECHANISMS, n=300, name=LONG, description=NOTE)
    company.finish(experiment)
    for subject in (hypothesis, experiment, company.ids["cpi"]):
        assert client.post("/v1/notes", json={"subject": subject, "text": NOTE}).status_code == 201
    return company


@pytest.fixture
def reader(settings, database):
    with database.write() as session:
        key = create_key(session, owner=HOSTILE, team=LONG, role=Role.admin)[1]
    with TestClient(create_app(settings), follow_redirects=False) as browser:
        assert browser.post("/sign-in", data={"key": key}).status_code == 303
        yield browser


def pages(reader: TestClient) -> dict[str, str]:
    """Every page that can be reached by links, from the board on; the same page of other things once each."""
    waiting = deque(["/board", "/metrics/new", "/experiments/new", f"/knowledge?q={'alert'}", "/customers"])
    seen: dict[str, str] = {}
    while waiting:
        address = waiting.popleft()
        if address in seen or len(seen) > 150:
            continue
        answer = reader.get(address)
        assert answer.status_code < 500, address
        if answer.status_code in (302, 303):
            waiting.append(answer.headers["location"])
            seen[address] = ""
        elif answer.headers.get("content-type", "").startswith("text/html"):
            seen[address] = answer.text
            waiting.extend(
                unescape(one) for one in re.findall(r'href="(/[^"#]*)', answer.text)
                if "template=" not in one and not one.startswith("/static")
            )  # fmt: skip
    return seen


def test_hostile_names_are_inert_on_every_page(everywhere, reader) -> None:
    found = pages(reader)
    kinds = {re.sub(r"[a-z]{3}_[0-9a-z]{20,}", "*", one.partition("?")[0]) for one in found}
    assert kinds >= {
        "/board", "/map", "/levers/*", "/experiments", "/experiments/*", "/metrics", "/metrics/*", "/runs",
        "/runs/*", "/program", "/knowledge", "/library", "/hypotheses", "/hypotheses/*", "/hypotheses/new",
        "/metrics/new", "/metrics/*/edit", "/metrics/*/evidence/new", "/mechanisms/new", "/experiments/new",
        "/plan", "/plan/doses", "/notes/new", "/customers",
    }  # fmt: skip
    for address, page in found.items():
        assert not RAW.search(page), address
        written = FIELD.sub("", page)
        for turn in re.finditer("\u202e", written):
            assert TURNED.match(written, turn.start()), (
                address,
                written[turn.start() - 60 : turn.end() + 60],
            )
    told = [one for one, page in found.items() if "&lt;script&gt;" in page]
    assert len(told) > len(found) / 2  # they are there, as text


def test_forms_give_back_what_was_typed_character_by_character(reader) -> None:
    form = reader.get("/metrics/new").text
    token = re.search(r'name="form_token" value="([0-9a-f]{64})"', form)
    assert token is not None
    typed = {"kind": "cpi", "name": HOSTILE, "unit_type": "x", "outcome": HOSTILE, "form_token": token[1]}
    for step in ("1", "2"):
        page = reader.post("/metrics/new", data=typed | {"step": step, "go": "save"}).text
        assert not RAW.search(page)
        kept = re.findall(r'value="([^"]*)"', page) + re.findall(r">([^<]*)</textarea>", page)
        assert [unescape(one) for one in kept].count(HOSTILE) == 2


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("plain", "plain"),
        ("\u202ea", "\u2068\u202ea\u202c\u2069"),
        ("\u2067a\u202eb", "\u2068\u2067a\u202eb\u202c\u2069\u2069"),
        ("\u2067a\u202eb\u2069c", "\u2068\u2067a\u202eb\u2069c\u2069"),
        ("a\u2069b", "\u2068ab\u2069"),
    ],
)
def test_a_turn_ends_with_the_value_that_made_it(said: str, written: str) -> None:
    assert contained(said) == written
