"""Are names that mean harm inert in every form? Do people get at reports from pages and the command?"""

import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from markdown_it import MarkdownIt

from service.access.rules import Role
from service.access.service import create_key
from service.app import create_app
from service.kit.clock import now
from service.kit.database import Database
from service.reports import making
from service.reports.assembling import experiment_bundle
from service.reports.assembling_levers import board_bundle, lever_bundle
from service.reports.bundles import BUNDLE
from service.reports.kinds import Form
from service.reports.making import made
from service.reports.markdown import escaped
from service.reports.pdf import Missing
from tests.reports.test_reports import Data, at

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\u202e\u2067 [x](javascript:alert(1)) `a` | b "
    "# c ![i](http://evil.example/i.png) </style></title>{{ 7*7 }} {% raw %} {n} %(n)s \u05e9\u05dc\u05d5 "
    + "w"
    * 400
)


def spoilt(value: Any) -> Any:
    """The same document with everything that people name renamed by somebody who means harm."""
    if isinstance(value, dict):
        named = {
            "name",
            "title",
            "team",
            "owner",
            "statement",
            "rationale",
            "sentence",
            "detail",
            "text",
            "unit",
        }
        return {
            key: HOSTILE if key in named and isinstance(one, str) else spoilt(one)
            for key, one in value.items()
        }
    return [spoilt(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def hostile(proven):

    database = Database.open(proven.company.settings.url)
    with database.read() as session:
        bundles = [
            experiment_bundle(session, proven.experiment),
            lever_bundle(session, proven.hypothesis),
            board_bundle(session, now(), now()),
        ]
    database.close()
    found = [BUNDLE.validate_python(spoilt(one.model_dump(mode="json"))) for one in bundles]
    paper = making.pdf
    made_of = []
    for one in found:  # paper is slow to lay out: the shortest report stands for all, made of the same page
        making.pdf = paper if one.kind == "board" else lambda _: Missing(why="not tried here")
        made_of.append((one, made(one, "en").forms))
    making.pdf = paper
    return made_of


def test_hostile_names_are_inert_in_every_form(hostile) -> None:
    for bundle, forms in hostile:
        page = forms[Form.HTML].decode()
        body = page.partition("</head>")[2]
        assert "<script" not in page
        assert "<img" not in body
        assert "&lt;script&gt;" in body
        assert page.count("</style>") == page.count("</title>") == 1
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", page)
        data = Data()
        data.feed(page)
        assert not {name for name in data.attributes if name.startswith("on")}
        document = json.loads(forms[Form.JSON])
        assert all(repr(at(document, pointer)) == shown for pointer, shown in data.found)
        drawn = MarkdownIt("commonmark", {"html": True}).enable("table").render(forms[Form.MARKDOWN].decode())
        assert "<script" not in drawn
        assert "<img" not in drawn
        assert "<a " not in drawn
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", forms[Form.MARKDOWN].decode())
        if bundle.kind == "board":
            assert forms[Form.PDF].startswith(b"%PDF-")
            assert b"/JavaScript" not in forms[Form.PDF]
            assert b"/URI" not in forms[Form.PDF]
        told = json.loads(forms[Form.NOTEBOOK])["cells"][0]["source"]  # spoilt ids make no numbers again
        assert "<script" not in MarkdownIt("commonmark", {"html": True}).render(told)


def test_markdown_tables_keep_their_columns_whatever_is_in_a_cell(hostile) -> None:
    for _, forms in hostile:
        tokens = MarkdownIt("commonmark").enable("table").parse(forms[Form.MARKDOWN].decode())
        widths: list[int] = []
        for token in tokens:
            if token.type == "tr_open":
                widths.append(0)
            elif token.type in ("td_open", "th_open"):
                widths[-1] += 1
        assert widths
        assert min(widths) >= 2


TYPED = ["- a", "1. b", "# c", "> d", "a\n\nb", "=== e", "+ f", "`g`", "<h>", "a_b_c*d*", "_i_ __j__ k_ _l"]
LINKED = ["ada@example.com", "https://a.example", "www.b.example #1", "[c](d) ![e](f)", "g&#64;h"]


@pytest.mark.parametrize("text", [*TYPED, *LINKED])
def test_escaped_text_reads_as_it_was_typed(text) -> None:
    drawn = MarkdownIt("commonmark").parse(escaped(text))
    assert [token.type for token in drawn] == ["paragraph_open", "inline", "paragraph_close"]
    children = drawn[1].children or []
    assert "".join(child.content for child in children) == " ".join(text.split())
    assert {child.type for child in children} <= {"text", "text_special"}


@pytest.fixture
def browsing(proven, kept):
    """A browser of an editor of the team."""
    with kept.write() as session:
        key = create_key(session, owner="lea@example.com", team="growth", role=Role.editor)[1]
    with TestClient(create_app(proven.company.settings), follow_redirects=False) as browser:
        assert browser.post("/sign-in", data={"key": key}).status_code == 303
        yield browser


def test_a_person_has_a_report_written_and_reads_it(proven, browsing) -> None:
    page = browsing.get(f"/reports?about={proven.hypothesis}").text
    token = re.search(r'name="form_token" value="(\w+)"', page)[1]
    forged = browsing.post("/reports", data={"form_token": "0" * 64, "about": proven.hypothesis})
    assert forged.status_code == 403
    asked = browsing.post("/reports", data={"form_token": token, "about": proven.hypothesis})
    assert asked.status_code == 303
    proven.write()
    page = browsing.get(asked.headers["location"]).text
    links = re.findall(r'href="(/reports/\w{64}/report\.(\w+)\?language=en)"', page)
    assert {form for _, form in links} == {"html", "pdf", "md", "json", "ipynb"}
    for link, form in links[:5]:
        answer = browsing.get(link)
        assert answer.status_code == 200
        place = "inline" if form == "html" else "attachment"
        assert answer.headers["content-disposition"].startswith(f"{place}; filename=")
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert policy.endswith("sandbox")
    assert "Write a report now" in browsing.get("/reports?about=board").text
    assert browsing.get("/reports").status_code == 200
    assert browsing.get("/reports?about=x'onload").status_code == 422


def test_a_stranger_asks_on_no_page(proven, kept) -> None:
    with kept.write() as session:
        key = create_key(session, owner="bo@example.com", team="ops", role=Role.editor)[1]
    with TestClient(create_app(proven.company.settings), follow_redirects=False) as browser:
        assert browser.get("/reports").status_code == 303
        browser.post("/sign-in", data={"key": key})
        assert "Write a report now" not in browser.get(f"/reports?about={proven.experiment}").text
        board = browser.get("/reports?about=board").text
        token = re.search(r'name="about"', board) and re.search(r'form_token" value="(\w+)"', board)[1]
        refused = browser.post("/reports", data={"form_token": token, "about": proven.experiment})
        assert refused.status_code == 403


def test_the_command_writes_five_files(proven, monkeypatch, tmp_path, capsys) -> None:
    from service.cli.report import command

    monkeypatch.setenv("LEVERBOARD_DATA_DIR", str(proven.company.settings.data_dir))
    command(proven.hypothesis, run=None, language="en", folder=tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.rpartition(".")[2] for name in names] == ["html", "ipynb", "json", "md", "pdf"]
    assert capsys.readouterr().out.count("leverboard-lever-") == 5
