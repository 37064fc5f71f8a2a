"""Which words do the board and the reports say, and which of them has each language? Kept as .po files.

Pages outside ``TRANSLATED`` speak English, whatever the reader's language.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from service.kit.sentences import CONTEXT
from tests.messages.kept import kept_sentences

SERVICE = Path(__file__).parents[2] / "service"
CATALOGUES = SERVICE / "locale"
LANGUAGES = ("it", "sv", "zh")

METHODS = [("**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"**.html": {"encoding": "utf-8", "trimmed": "true"}}
CALLS = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}

TRANSLATED = re.compile(
    r"reports/|charts/|web/(board|experiment_shown|lever_map|lever_shown|lever_words|relationship|strip)\.py"
    r"|web/templates/(board|board_line|charts|commitment|experiment|experiments|failed|layout|lever|map"
    r"|map_line|metric|metrics|notes|problem|reports|sign_in|words|registry/(experiment_actions|fields|names))\.html"
)

PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]|\{(\w*)[^}]*\}|%%")


def template() -> Catalog:
    """The words, with the files that say them."""
    found = Catalog(charset="utf-8")
    for name, line, message, comments, context in extract_from_dir(
        SERVICE, METHODS, OPTIONS, keywords=CALLS, comment_tags=("Translators:",)
    ):
        if TRANSLATED.match(name):
            found.add(message, locations=[(name, line)], auto_comments=comments, context=context)
    for sentence, name in kept_sentences():
        found.add(sentence, locations=[(name, 0)], context=CONTEXT)
    return found


def path_of(language: str) -> Path:
    return CATALOGUES / f"{language}.po"


def catalogue(language: str) -> Catalog:
    with path_of(language).open(encoding="utf-8") as source:
        return read_po(source, locale=language)


def missing(language: str, words: Catalog) -> Iterator[str]:
    """What a reader of the board or a report would meet in English."""
    ours = catalogue(language)
    for message in words:
        told = ours.get(message.id, message.context)
        if message.id and (told is None or not all(strings(told))):
            yield str(message.id)


def strings(message: Message) -> tuple[str, ...]:
    """A translation's forms."""
    return message.string if isinstance(message.string, tuple) else (message.string,)


def placeholders(text: str) -> list[str]:
    return sorted(match.group(0) for match in PLACEHOLDER.finditer(text))


def updated(language: str, words: Catalog) -> None:
    """Write the catalogue anew: words that are new stand empty, words that nobody says any more are gone.

    Nothing is guessed from similar words, and no line numbers are kept, so that files differ where words do.
    """
    ours = catalogue(language) if path_of(language).exists() else Catalog(locale=language, charset="utf-8")
    ours.update(words, no_fuzzy_matching=True)
    ours.obsolete.clear()
    ours.fuzzy = False
    head = f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Language: {language}\\n"\n'
    body = BytesIO()
    write_po(body, ours, width=110, omit_header=True, include_lineno=False, sort_by_file=True)
    plurals = f'"Plural-Forms: {ours.plural_forms}\\n"\n\n'
    path_of(language).write_text(head + plurals + body.getvalue().decode(), encoding="utf-8")
