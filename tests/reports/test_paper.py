"""What of a page is put on paper, and does it stay within the sheet?"""

from service.reports.pdf import on_paper

LONG = "x" * 40
PAGE = (
    "<style>td { overflow-wrap: anywhere; }</style>"
    '<div class="picture light"><svg><text>light</text></svg></div>'
    '<div class="picture dark" aria-hidden="true"><svg><text>dark</text></svg></div>'
    f"<td>{LONG}</td><td>exp_01m832esm6tbb1vjtqrmjvstde</td><p>{LONG}</p>"
)


def test_paper_has_the_light_pictures_alone():
    assert "<text>light</text>" in on_paper(PAGE)
    assert "dark" not in on_paper(PAGE)


def test_long_words_may_break_in_cells_and_ids_stay_whole():
    found = on_paper(PAGE)
    assert f"<td>{'x' * 32}\u200b{'x' * 8}</td>" in found
    assert f"<p>{LONG}</p>" in found
    assert "exp_01m832esm6tbb1vjtqrmjvstde" in found


def test_columns_are_no_narrower_than_their_words():
    assert on_paper(PAGE).index("break-word") > on_paper(PAGE).index("anywhere")
