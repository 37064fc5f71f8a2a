"""In which language does a reader read? The first of theirs that we speak, English otherwise."""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.core import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from service.kit.sentences import CONTEXT, Sentences

CATALOGUES = Path(__file__).parents[1] / "locale"  # of all rooms together
ENGLISH = "en"
LANGUAGES = (ENGLISH, *sorted(path.stem for path in CATALOGUES.glob("*.po")))
MOST_READ = 1000  # characters of the header


def preferred(accept_language: str) -> str:
    """The best of our languages for an Accept-Language header; unknown or malformed ones say nothing."""
    weighed = []
    for position, part in enumerate(accept_language[:MOST_READ].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), position, tag.strip()))
        except ValueError:
            continue
    wanted = [tag for _, _, tag in sorted(weighed)]
    return negotiate_locale(wanted, LANGUAGES, sep="-") or _by_language(wanted)


def _by_language(wanted: list[str]) -> str:
    return next((tag[:2].lower() for tag in wanted if tag[:2].lower() in LANGUAGES), ENGLISH)


def translations(language: str) -> NullTranslations:
    """The catalogue of a language, compiled in memory when it is first asked for."""
    return _spoken(language)[0]


def sentences(language: str) -> Sentences:
    """What sentences that were kept in English are in a language; in English they are what they are."""
    return _spoken(language)[1]


@cache
def _spoken(language: str) -> tuple[NullTranslations, Sentences]:
    """Both are made of one reading, and what was read is let go."""
    if language not in LANGUAGES[1:]:
        return NullTranslations(), Sentences(ENGLISH, ())
    with (CATALOGUES / f"{language}.po").open(encoding="utf-8") as source:
        catalogue = read_po(source, locale=Locale.parse(language))
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    kept = ((str(one.id), str(one.string)) for one in catalogue if one.context == CONTEXT)
    return GNUTranslations(compiled), Sentences(language, kept)
