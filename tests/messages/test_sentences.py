"""Does a sentence that was kept in English read in the reader's language, with its names and its numbers?"""

import time

import pytest

from service.kit.languages import sentences
from service.kit.sentences import Sentences
from tests.messages.kept import kept_sentences

SWEDISH = Sentences(
    "sv",
    [
        (
            "{kpi} changes by {size} per {step}, {low} to {high}.",
            "{kpi} ändras med {size} per {step}, {low} till {high}.",
        ),
        ("{amount} {unit} less", "{amount} {unit} mindre"),
        ("Confirmed.", "Bekräftad."),
        ("The data fit both.", "Data passar båda."),
        ("{name} has no final run: {why}", "{name} har ingen slutlig körning: {why}"),
        ("no arm moved the CPI", "ingen arm flyttade CPI:n"),
        ("{told}{more}: find out", "{told}{more}: ta reda på"),
        ("Each {unit} less of {name}", "Varje {unit} mindre av {name}"),
        ("Each {step} of {name}", "Varje {step} av {name}"),
    ],
)  # fmt: skip


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("Confirmed.", "Bekräftad."),
        (
            "Confirmed. Sales changes by +0.42 per 1 minute less, +0.3 to +1,234.5. The data fit both.",
            "Bekräftad. Sales ändras med +0,42 per 1 minut mindre, +0,3 till +1\xa0234,5. Data passar båda.",
        ),
        ("5 minutes less", "5 minuter mindre"),
        ("Each minute less of Wait", "Varje minut mindre av Wait"),
        ("Each 5 minutes less of Wait", "Varje 5 minuter mindre av Wait"),
        ("many more are less", "many more are less"),  # no step: it begins with no number
        ("Q has no final run: no arm moved the CPI", "Q har ingen slutlig körning: ingen arm flyttade CPI:n"),
        ("A. B has no final run: Confirmed.", "A. B har ingen slutlig körning: Bekräftad."),
        ("Fast: no arm moved the CPI", "Fast: ingen arm flyttade CPI:n"),
        ("Fast: nobody knows. Confirmed.", "Fast: nobody knows. Bekräftad."),
        ("No arm moved the CPI.", "Ingen arm flyttade CPI:n."),
        ("a and b: find out", "a and b: ta reda på"),
        ("2 calls less has no final run: Confirmed.", "2 calls less har ingen slutlig körning: Bekräftad."),
        ("2026-11 has no final run: Confirmed.", "2026-11 har ingen slutlig körning: Bekräftad."),
        ("≤ 2 calls less", "≤ 2 calls less"),
        ("Sales changes by -1.5 per -, -2 to 3.", "Sales ändras med −1,5 per -, −2 till 3."),
        ("{name} {0} %(x)s has no final run: \\1", "{name} {0} %(x)s har ingen slutlig körning: \\1"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_kept_sentence_is_told_by_its_template(kept, told):
    assert SWEDISH.told(kept) == told


def test_in_english_and_for_a_text_without_end_a_sentence_stays_as_it_was_kept():
    assert sentences("en").told("Confirmed.") == sentences("xx").told("Confirmed.") == "Confirmed."
    assert SWEDISH.told("Confirmed. " * 1000) == "Confirmed. " * 1000


def test_a_hostile_name_costs_no_more_than_others():
    before = time.process_time()
    for text in ("x: " * 1900, ". " * 2900, "per to interval : ; " * 280, " has no final run: " * 300):
        sentences("zh").told(text)
    assert time.process_time() - before < 2


def test_every_template_is_told_apart_by_words_of_its_own():
    """A template of values alone, or with two values side by side, would fit what it does not say."""
    assert not [text for text, _ in kept_sentences() if "}{" in text]
