"""Does each language speak the whole board and report, with the same numbers in its sentences as English?"""

import pytest

from service.kit.languages import LANGUAGES as SPOKEN
from tests.messages.catalogues import LANGUAGES, catalogue, missing, placeholders, strings, template


@pytest.fixture(scope="module")
def words():
    return template()


def test_the_service_speaks_every_catalogue():
    assert ("en", *LANGUAGES) == SPOKEN


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_of_the_board_or_a_report_is_left_in_english(language, words):
    assert list(missing(language, words)) == []  # `make messages` brings new words, somebody translates them


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_is_kept_that_nobody_says(language, words):
    ours = [message for message in catalogue(language) if message.id]
    assert [one.id for one in ours if words.get(one.id, one.context) is None] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_holds_the_same_values_in_every_language(language):
    for message in catalogue(language):
        english = message.id if isinstance(message.id, tuple) else (message.id,)
        allowed = [placeholders(form) for form in english]
        assert all(placeholders(form) in allowed for form in strings(message) if form), message.id


@pytest.mark.parametrize(
    ("wanted", "language", "board"),
    [("sv", "sv", "Tavla"), ("it-CH,en;q=.5", "it", "Quadro"), ("zh-CN,zh;q=.9", "zh", "看板")],
)
def test_a_reader_gets_the_board_in_his_language(browser, wanted, language, board):
    answer = browser.get("/board", headers={"Accept-Language": wanted})
    assert f'<html lang="{language}">' in answer.text
    assert f"<h1>{board}</h1>" in answer.text or f">{board}<" in answer.text
