"""Is it told what was learnt, how the program goes and what to test next?"""

from tests.experiments.drafts import ground
from tests.web.typing_in import token


def test_notes_are_written_found_and_taken_back_on_pages(editor, client) -> None:
    on = ground(client)
    page = editor.get(f"/levers/{on.hypothesis}").text
    assert f"/notes/new?subject={on.hypothesis}" in page
    typed = {"subject": on.hypothesis, "text": "Phone first <i>", "form_token": token(editor)}
    empty = editor.post("/notes/new", data=typed | {"subject": "hyp_0"})
    assert empty.status_code == 422
    assert "Phone first &lt;i&gt;" in empty.text
    assert editor.post("/notes/new", data=typed | {"form_token": "0"}).status_code == 403
    assert editor.post("/notes/new", data=typed).headers["location"] == f"/hypotheses/{on.hypothesis}"
    assert "Phone first &lt;i&gt;" in editor.get(f"/levers/{on.hypothesis}").text
    found = editor.get("/knowledge?q=phone").text
    assert "1 found" in found
    assert "Nothing that is known" in editor.get("/knowledge?q=zebra").text
    note = client.get("/v1/notes").json()["items"][0]["id"]
    assert editor.post(f"/notes/{note}/take-back", data={"form_token": token(editor)}).status_code == 303
    assert client.get("/v1/notes").json()["items"] == []


def test_the_program_says_what_it_is_before_anything_was_run(browser) -> None:
    page = browser.get("/program").text
    assert "No finished experiment" in page
    assert "No hypothesis is registered yet" in page


def test_the_program_says_what_to_test_next(browser, client) -> None:
    on = ground(client)
    page = browser.get("/program?volume=200,000").text
    assert f'<a href="/levers/{on.hypothesis}">' in page
    assert "What this assumes" in page
    assert browser.get("/program?volume=many").status_code == 200
