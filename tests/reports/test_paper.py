"""What of a page is put on paper, and do tables stay within the sheet and the screen?"""

from service.reports.content import Column, Document, Table
from service.reports.html import html
from service.reports.pdf import on_paper

LONG, RUN = "x" * 80, "exp_01m832esm6tbb1vjtqrmjvstde"
POINTER = "/run/result/hypotheses/0/judgement/verdict"
PAGE = (
    "<style></style>"
    '<div class="picture light"><svg><text>light</text></svg></div>'
    '<div class="picture dark" aria-hidden="true"><svg><text>dark</text></svg></div>'
    f"<p>{LONG}</p>"
)


def test_paper_has_the_light_pictures_alone():
    assert "<text>light</text>" in on_paper(PAGE)
    assert "dark" not in on_paper(PAGE)


def test_long_words_may_break_on_paper():
    assert f"<p>{'x' * 64}\u200b{'x' * 16}</p>" in on_paper(PAGE)


def test_long_words_may_break_in_cells_and_ids_and_pointers_stay_whole():
    table = Table(caption="", columns=[Column(text="")], rows=[[LONG], [RUN], [POINTER], ["<b>" + LONG]])
    page = html(Document(language="en", title="", lead="", sha256="", blocks=(table,)), {})
    for told in ("<wbr>".join(["x" * 32, "x" * 32, "x" * 16]), RUN, POINTER):
        assert f"<bdi>{told}</bdi>" in page
    assert f"<bdi>&lt;b&gt;{'x' * 29}<wbr>" in page
