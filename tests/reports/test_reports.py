"""Does a report say what the run says, digit for digit, in every form, and does it stay as it is?"""

import json
import re
import time
from contextlib import redirect_stdout
from datetime import timedelta
from hashlib import sha256
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import nbformat
import pytest
from jsonschema import Draft202012Validator
from nbclient import NotebookClient

from service.access.rules import Role
from service.kit.canonical import canonical_json
from service.kit.clock import now
from service.reports import keeping, making
from service.reports.assembling_levers import board_bundle
from service.reports.bundles import BUNDLE, schema
from service.reports.pdf import Missing
from tests.evidence.company import TWO_MECHANISMS, WINDOW


class Data(HTMLParser):
    """Every number of a page: what the run keeps, and where."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.attributes |= set(given)
        if tag == "data":
            self.found.append((str(given["title"]), str(given["value"])))


def at(document: Any, pointer: str) -> Any:
    for part in pointer.strip("/").split("/"):
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def test_one_report_in_five_forms_under_its_hash(proven) -> None:
    report = proven.report(proven.experiment)
    assert report["kind"] == "experiment"
    assert report["run_id"] == proven.run["id"]
    assert {one["form"] for one in report["forms"]} == {"json", "html", "pdf", "md", "ipynb"}
    text = proven.form(report, "json").text
    assert sha256(text.encode()).hexdigest() == report["sha256"]
    assert canonical_json(json.loads(text)) == text
    for form, kind in (("html", "text/html"), ("md", "text/markdown"), ("ipynb", "application/x-ipynb+json")):
        answer = proven.form(report, form)
        assert answer.headers["content-type"].startswith(kind)
        assert f'filename="leverboard-experiment-{proven.experiment}' in answer.headers["content-disposition"]
        assert answer.headers["etag"] == f'"{sha256(answer.content).hexdigest()}"'
    assert proven.form(report, "pdf").content.startswith(b"%PDF-")
    assert proven.form(report, "html", language="xx").status_code == 404
    page = proven.company.client.get(f"/v1/reports/{report['sha256']}", headers={"Accept": "text/markdown"})
    assert page.text == proven.form(report, "md").text
    about = proven.company.client.get(
        f"/v1/reports/{report['sha256']}", headers={"Accept": "application/json"}
    )
    assert about.json()["forms"] == report["forms"]
    assert [one.headers["vary"] for one in (page, about)] == ["Accept", "Accept"]


def test_the_numbers_of_a_report_are_the_run_s_digit_for_digit(proven) -> None:
    report = proven.report(proven.experiment)
    bundle = proven.form(report, "json").json()
    assert bundle["run"]["result"] == proven.run["result"]
    assert bundle["run"]["provenance"] == proven.run["provenance"]
    data = Data()
    data.feed(proven.form(report, "html").text)
    assert len(data.found) > 30
    for pointer, shown in data.found:
        assert repr(at(bundle, pointer)) == shown
    effects = {f"/run/result/effects/{i}/estimate" for i in range(len(proven.run["result"]["effects"]))}
    assert effects <= {pointer for pointer, _ in data.found}
    markdown = proven.form(report, "md").text
    for effect in proven.run["result"]["effects"]:
        assert repr(effect["estimate"]) in markdown
    told, exact = markdown.split("## Every number above")
    assert re.findall(r"\d\.\d{8,}", exact)
    assert re.findall(r"\d\.\d{8,}", told) == []  # people read three digits


def test_asked_again_it_is_the_same_report_whoever_makes_it(proven) -> None:
    first = proven.report(proven.experiment)
    asked = proven.company.client.post("/v1/reports", json={"subject": proven.experiment})
    proven.company.drain_with_worker()
    run = proven.company.client.get(asked.headers["Location"]).json()
    again = proven.company.client.get(f"/v1/reports/{run['result']['report']}").json()
    assert first == again
    listed = proven.company.client.get("/v1/reports", params={"subject": proven.experiment}).json()["items"]
    assert [one["sha256"] for one in listed] == [first["sha256"]]


MADE_AGAIN = re.compile(r"([\w ]+): (\d+) numbers made again, (\d+) of them digit for digit")


def test_its_notebook_makes_the_numbers_again_with_analyses_alone(proven) -> None:
    notebook = nbformat.reads(proven.form(proven.report(proven.experiment), "ipynb").text, 4)
    nbformat.validate(notebook)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    told = "".join(out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", []))
    lines = MADE_AGAIN.findall(told)
    assert [name for name, _, _ in lines] == ["effects", "relationship", "slope"]
    assert all(int(n) == int(same) > 2 for _, n, same in lines)  # on the machine that made them, every digit


def run_here(notebook: Any) -> list[tuple[str, str, str]]:
    """The cells of a notebook in this process, which costs no kernel."""
    said, names = StringIO(), {}
    with redirect_stdout(said):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                exec(cell["source"], names)
    return MADE_AGAIN.findall(said.getvalue())


def test_so_do_the_notebooks_of_a_lever_and_of_the_board(proven) -> None:
    lever = proven.form(proven.report(proven.hypothesis), "ipynb").json()
    assert [name for name, _, _ in run_here(lever)] == ["relationship", "slope", "chance"]
    board = proven.form(proven.report("board"), "ipynb").json()
    made = run_here(board)
    assert [name for name, _, _ in made] == ["standings", "false ones expected"]
    assert all(int(n) == int(same) > 1 for _, n, same in made)


def test_a_notebook_stops_where_a_number_was_changed(proven) -> None:
    notebook = proven.form(proven.report(proven.hypothesis), "ipynb").json()
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code[1]["source"] += '\nbundle["verdict"]["slope"]["estimate"] += 1e-6'
    with pytest.raises(AssertionError, match="slope: 1 of 3 numbers differ"):
        run_here(notebook)


@pytest.mark.parametrize("about", ["experiment", "hypothesis", "board"])
def test_every_bundle_keeps_to_the_published_schema(proven, about) -> None:
    report = proven.report(getattr(proven, about, "board"))
    bundle = proven.form(report, "json").json()
    published = proven.company.client.get("/v1/reports/schema.json").json()
    assert published == json.loads(json.dumps(schema()))
    Draft202012Validator(published).validate(bundle)
    assert BUNDLE.validate_python(bundle).model_dump(mode="json") == bundle


def test_a_page_fetches_nothing_and_lets_nothing_run(proven) -> None:
    page = proven.form(proven.report(proven.hypothesis), "html")
    assert "<script" not in page.text
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page.text)
    assert "url(http" not in page.text
    assert " style=" not in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("; sandbox")
    assert policy.removesuffix("; sandbox").replace("'", "&#39;") in page.text


def test_a_lever_s_report_tells_question_answer_doubts_and_what_would_change_it(proven) -> None:
    report = proven.report(proven.hypothesis)
    text = proven.form(report, "md").text
    for said in (
        "Question and answer",
        "Does “Wait” move “Spending”",
        "**Yes: 1 minute less changes “Spending” by",
        "How sure, and why",
        "What would change our mind",
        "The evidence, arm by arm",
        "What was registered, and what deviated from it",
        "Methods",
        "How to make these numbers again",
    ):
        assert said in text, said


def test_the_board_s_digest_tells_what_is_new(proven) -> None:
    proven.company.hypothesis()
    report = proven.report("board")
    text, bundle = proven.form(report, "md").text, proven.form(report, "json").json()
    assert f"**1 lever of {len(bundle['levers'])} is proven.**" in text
    assert "What is new" in text
    changed = next(one for one in bundle["changes"] if one["hypothesis_id"] == proven.hypothesis)
    told = (changed["hypothesis_id"], changed["before"], changed["after"])
    assert told == (proven.hypothesis, None, "confirmed")
    assert [one["hypothesis_id"] for one in bundle["levers"] if one["proven"]] == [proven.hypothesis]


def test_a_running_experiment_s_report_shows_what_holds_at_any_look_and_no_answer(proven) -> None:
    company = proven.company
    experiment = company.experiment([company.hypothesis()], TWO_MECHANISMS, n=300)
    nothing = company.client.post("/v1/reports", json={"subject": experiment})
    assert nothing.status_code == 409
    assert nothing.json()["type"].endswith("nothing-to-report")
    time.sleep(2 * WINDOW.total_seconds())  # or nobody's window has closed, and there is no effect to tell
    company.run(experiment)
    report = proven.report(experiment)
    text = proven.form(report, "md").text
    assert "No answer yet" in text
    assert "holds at any look" in text
    assert proven.form(report, "json").json()["run"]["result"]["inputs"] is None
    assert len(run_here(proven.form(report, "ipynb").json())) >= 6


def test_what_is_not_there_has_no_report(proven) -> None:
    client = proven.company.client
    assert client.post("/v1/reports", json={"subject": "exp_0"}).status_code == 404
    assert client.post("/v1/reports", json={"subject": "nothing"}).status_code == 422
    assert client.get(f"/v1/reports/{'0' * 64}").status_code == 404


def test_without_pango_the_answer_says_so_and_a_later_try_makes_it(proven, monkeypatch, kept) -> None:
    with kept.read() as session:
        bundle = board_bundle(session, now(), now() - timedelta(days=1))
    with monkeypatch.context() as without:
        without.setattr(making, "pdf", lambda _: Missing(why="The worker's system has no Pango."))
        lacking = making.made(bundle, "en")
    keeping.keep(kept, bundle, lacking)
    report = {"sha256": lacking.sha256}
    answer = proven.form(report, "pdf")
    assert answer.status_code == 501
    assert "no Pango" in answer.json()["detail"]
    assert proven.form(report, "html").status_code == 200
    keeping.keep(kept, bundle, making.made(bundle, "en"))
    assert proven.form(report, "pdf").status_code == 200


def test_other_teams_ask_for_no_report_and_read_them_all(proven, client_for) -> None:
    settings = proven.company.settings
    strangers = (client_for(settings, team="ops"), client_for(settings, role=Role.viewer))
    for client in strangers:
        assert client.post("/v1/reports", json={"subject": proven.experiment}).status_code == 403
    report = proven.report(proven.experiment)
    assert strangers[1].get(f"/v1/reports/{report['sha256']}/report.html").status_code == 200
