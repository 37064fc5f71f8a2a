"""Does the search find what has the words, the best first, in any script?"""

import pytest

from service.knowledge.ranking import Text, excerpt, rank, words


def places(query: str, *texts: Text) -> list[int]:
    return [one.place for one in rank(query, texts)]


def body(text: str) -> Text:
    return Text(title="", body=text)


def test_every_word_has_to_be_there() -> None:
    texts = (body("Customers wait for a quote"), body("Customers wait"), body("A quote"))
    assert places("quote wait", *texts) == [0]
    assert places("nothing", *texts) == []
    assert places("  !? ", *texts) == []
    assert places("quote") == []


def test_a_word_in_the_title_says_more_than_one_in_the_body() -> None:
    texts = (body("quote and much else"), Text(title="Quote", body="and much else"))
    assert places("quote", *texts) == [1, 0]


def test_a_rare_word_says_more_than_a_common_one() -> None:
    common = [body(f"customers number {n}") for n in range(20)]
    texts = (body("customers customers plate"), body("plate plate customers"), *common)
    assert places("plate customers", *texts) == [1, 0]


def test_the_beginning_of_a_word_finds_it_after_the_word_itself() -> None:
    assert places("quot", body("quotes, quoted"), body("a quot b")) == [1, 0]
    assert places("qu", body("quotes")) == []


@pytest.mark.parametrize(
    ("typed", "written"), [("qualite", "Qualité"), ("ÄRA", "ära"), ("等待", "客户等待时间")]
)
def test_case_accents_and_scripts_without_spaces_are_no_obstacle(typed: str, written: str) -> None:
    assert places(typed, body(written), body("other")) == [0]


def test_the_scores_are_those_of_the_formula() -> None:
    """BM25 by hand: two documents of 3 and 1 words, the word twice in the first."""
    (one,) = rank("wait", [body("wait wait longer"), body("buy")])
    rareness, damped = 0.6931471805599453, 1.2 * (1 - 0.75 + 0.75 * 3 / 2)  # ln 2: one of two has it
    assert one.score == pytest.approx(rareness * 2 * 2.2 / (2 + damped), rel=1e-12)


def test_an_excerpt_shows_where_the_word_stands() -> None:
    text = body("x " * 200 + "the plate fills it in" + " y" * 200)
    shown = excerpt("PLATE", text)
    assert "the plate fills it in" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < 220
    assert excerpt("plate", Text(title="plate", body="short")) == "short"


def test_words_are_bare() -> None:
    assert words("Bob's e-mail") == ["bob", "s", "e", "mail"]
