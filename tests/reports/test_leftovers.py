"""What does a reader of another language still meet in English: on the board, the map, a lever, in a report?

Names stay what they are: everything that the company here named is one word, so that two English words in a
row are a sentence that nobody translated.
"""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from fastapi.testclient import TestClient

from service.access.rules import Role
from service.access.service import create_key
from service.app import create_app

TAGS = re.compile(r"<(?P<apart>style|script|code|pre)\b.*?</(?P=apart)>|<[^>]*>", re.DOTALL)
SPOKEN = re.compile(r'(?:alt|aria-label|title|placeholder|data-label|data-beyond|data-alt)="([^"]*)"')
# In Chinese any two words; where letters are the same, words that English alone has.
ENGLISH = {
    "zh": re.compile(r"\b[A-Za-z][a-z']+ [a-z']{2,}\b"),
    "sv": re.compile(r"\b(the|of|with|that|which|and|from)\b"),
    "it": re.compile(r"\b(the|of|with|that|which|and|from)\b"),
}
GIVEN = (  # by the company, and what papers and their journals are called
    "Who waits less stays",
    "Nine of twelve gave up comparing insurers when a quote took over a minute",
    "I know what it costs before I have to move on",
    "Experiment on placebo, fast, faster",
    "Benjamini & Yekutieli (2001), Annals of Statistics 29(4)",
    "Lin (2013), Annals of Applied Statistics 7(1)",
    "Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Annals of Statistics 52(6)",
)


def leftovers(page: str, language: str) -> list[str]:
    """Words of English in what is read or read out."""
    texts = [*SPOKEN.findall(page), *TAGS.sub("\n", page).split("\n")]
    told = [unescape(text) for text in texts]
    for given in GIVEN:
        told = [text.replace(given, "") for text in told]
    return sorted({text.strip() for text in told if ENGLISH[language].search(text)})


@pytest.fixture
def reader(proven, kept) -> Iterator[TestClient]:
    with kept.write() as session:
        _, key = create_key(session, owner="lea@example.com", team="growth", role=Role.approver)
    with TestClient(create_app(proven.company.settings)) as client:
        assert client.post("/sign-in", data={"key": key}).url.path == "/board"
        yield client


@pytest.mark.parametrize("language", ["zh", "sv", "it"])
def test_no_page_for_leaders_and_no_report_speaks_two_languages(language, proven, reader) -> None:
    found = {}
    own = (f"/levers/{proven.hypothesis}", f"/experiments/{proven.experiment}")
    metric = f"/metrics/{proven.company.ids['cpi']}"
    lists = ("/board?volume=9", "/board?volume=9&increments=9", "/map", "/experiments", "/metrics")
    for address in (*lists, *own, metric, "/reports?about=board"):
        answer = reader.get(address, headers={"Accept-Language": language})
        assert f'<html lang="{language}">' in answer.text
        found[address] = leftovers(answer.text, language)
    for subject in (proven.experiment, proven.hypothesis, "board"):
        report = proven.report(subject, language=language)
        found[subject] = leftovers(proven.form(report, "html", language=language).text, language)
    assert {address: texts for address, texts in found.items() if texts} == {}


def test_a_sentence_of_english_is_seen() -> None:
    """The test itself: it reads what stands on a page, and what is read out instead of a picture."""
    page = '<p>Nothing to show</p><img alt="Units so far"><svg><text>Effect on Wait</text></svg>'
    assert leftovers(page, "zh") == ["Effect on Wait", "Nothing to show", "Units so far"]
    assert leftovers("<p>Andel of alla</p>", "sv") == ["Andel of alla"]
