"""Do the pages say what is there? Rooms, commands, paths and links are compared with the tree."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import analyses

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def named(text: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, text))


def test_every_room_stands_in_the_table_of_rooms_and_no_other():
    table = (ROOT / "ARCHITECTURE.md").read_text().partition("## Rooms")[2].partition("\n## ")[0]
    rooms = {f"service/{d.name}/" for d in (ROOT / "service").iterdir() if (d / "__init__.py").exists()}
    inner = {f"analyses/{d.name}/" for d in (ROOT / "analyses").iterdir() if (d / "__init__.py").exists()}
    assert named(table, r"`((?:service|analyses)/\w+/)`") == rooms | inner


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_or_names_as_a_path_exists(page):
    text = page.read_text()
    links = {link for link in named(text, r"\]\(([^)#]+)\)") if "://" not in link}
    assert [link for link in sorted(links) if not (page.parent / link).exists()] == []
    paths = named(text, r"`((?:service|analyses|tests|migrations|docs|openapi)/[\w/.-]+)`")
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_command_that_a_page_shows_exists(page):
    targets = named((ROOT / "Makefile").read_text(), r"(?m)^([a-z-]+):")
    shown = named(page.read_text(), r"`make ([a-z]+)") | named(page.read_text(), r"(?m)^make ([a-z]+)")
    assert shown <= targets


@pytest.mark.parametrize("name", dir(analyses))
def test_every_public_name_of_the_estimators_loads_and_says_what_it_is(name):
    found = getattr(analyses, name)
    if callable(found):
        assert (found.__doc__ or "").strip()


def test_every_reason_is_used_and_every_used_reason_has_words():
    source = "".join(path.read_text() for path in (ROOT / "analyses").rglob("*.py"))
    registered = import_module("analyses.rule").REASONS
    used = named(source, r'\breason\(\s*"(\w+)"')
    assert used == set(registered)
