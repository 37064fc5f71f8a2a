"""Do the pages of docs/methods say what the code says, numbers included? Has every estimator one?"""

import re

import pytest

from tests.methods.__main__ import written
from tests.methods.catalogue import (
    PAGES,
    REQUIRED,
    ROOT,
    catalogue,
    exported,
    function,
    plumbing,
    refusals,
    said,
)

HOW = "Add it to docs/methods/catalogue.toml, run `make docs`, and commit the page."


def test_every_exported_estimator_stands_on_one_page():
    named = [name for method in catalogue() for name in method.functions]
    assert sorted(exported() - set(named) - plumbing()) == [], HOW
    assert len(named) == len(set(named))
    assert plumbing() <= exported()


# Said by members of classes, or by one of two words: reading the source does not follow them.
UNSEEN = {"not_planned", "empty_group", "weak_instrument"}


def test_every_reason_for_no_answer_stands_on_a_page():
    sources = (ROOT / "analyses").rglob("*.py")
    given = {reason for one in sources for reason in re.findall(r'reason="([a-z_]+)"', one.read_text())}
    told = {one.reason for method in catalogue() for one in refusals(method)}
    assert given - told - UNSEEN == set()
    assert not UNSEEN & told


def test_the_catalogue_names_functions_that_are_there():
    for method in catalogue():
        for name in method.functions:
            assert function(name).__module__.startswith("analyses."), name


@pytest.mark.parametrize("method", catalogue(), ids=lambda method: method.page)
def test_a_page_says_question_assumptions_formula_units_and_source(method):
    assert [name for name in REQUIRED if not said(method).get(name)] == []


def test_committed_pages_are_what_the_code_writes():
    """One that differs is written anew by `make docs`; read what changed before it is committed."""
    committed = {path.name: path.read_text() for path in PAGES.glob("*.md")}
    fresh = written()
    assert sorted(committed) == sorted(fresh)
    assert [name for name, text in fresh.items() if committed[name] != text] == []
