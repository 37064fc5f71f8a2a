"""How does a page come about? A template, the values it shows, and the reader's language."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum
from functools import cache, partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from service.access.browsers import form_token
from service.kit import numbers
from service.kit.languages import preferred
from service.kit.words import Words
from service.reports.telling.checks import check_name, left_out_name
from service.web.assets import address
from service.web.direction import AsTyped, contained
from service.web.wording import OneLanguage, speaking

COOKIE = "leverboard"  # of whoever is signed in
TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment(language: str) -> Environment:
    """One for each language: everything is escaped, and a value that nobody gave is an error."""
    made = OneLanguage(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=contained,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = Words.of(language)
    made.catalogue = words.catalogue
    made.filters |= {
        "number": words.number,
        "signed": partial(words.number, signed=True),
        "count": words.count,
        "date": words.date,
        "moment": words.moment,
        "level": partial(_level, words=words),
        "amount": words.amount,
        "duration": words.duration,
        "timed": partial(_timed, words=words),
        "unit": words.unit,
        "percent": partial(numbers.percent, locale=language),
        "retold": words.retold,
        "check_name": partial(check_name, words),
        "left_out_name": partial(left_out_name, words),
        "opened": _opened,
        "as_typed": AsTyped,
        "except": _except,
        "pairs": _pairs,
        "called": _called,
        "change": partial(_change, words=words),
    }
    made.globals |= {"language": language, "asset": address, **speaking(made.catalogue)}
    return made


def _level(value: float | None, share: bool, *, words: Words) -> str:  # noqa: FBT001 - a template's filter
    """A level of a metric: a share is told in percent."""
    return words.number(None if value is None else value * (100.0 if share else 1.0))


def _timed(value: datetime, *, words: Words) -> Markup:
    """The moment in words, and for machines the instant itself."""
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), words.moment(value))


def _opened(value: float | None) -> str:
    """For a script: an end that is open is nothing."""
    return "" if value is None else repr(value)


def _except(asked: Mapping[str, str], *names: str) -> list[tuple[str, str]]:
    """What an address asks, without these parts and without empty ones."""
    return [(name, value) for name, value in asked.items() if value and name not in names]


def _pairs(things: Iterable[Any], said: Callable[[Any], object] | None = None) -> list[tuple[str, object]]:
    """What a choice offers: each by its id, under its name, or as a macro says it."""
    return [(one.id, one.name if said is None else said(one)) for one in things]


def _called(things: Iterable[Enum], name: Callable[[Any], object]) -> list[tuple[str, object]]:
    """What a choice offers of an enumeration: each under what a macro calls it."""
    return [(one.value, name(one.value)) for one in things]


def _change(value: float | None, unit: str, *, words: Words) -> str:
    """By how much something moved, with its unit and its sign."""
    return f"{'+' if value is not None and value > 0 else ''}{words.amount(value, unit)}"


def words_of(request: Request) -> Words:
    """The words of whoever reads."""
    return Words.of(language_of(request))


def language_of(request: Request) -> str:
    """The reader's, as far as we speak it."""
    return preferred(request.headers.get("accept-language", ""))


def page(
    request: Request, template: str, *, status: int = 200, language: str = "", **values: Any
) -> HTMLResponse:
    """The page in the reader's language or in one of its own, for who `request.state.caller` says is in."""
    language = language or language_of(request)
    shown = {
        "actor": getattr(request.state, "caller", None),
        "path": request.url.path,
        "form_token": form_token(request.cookies.get(COOKIE, "")),
        **values,
    }
    text = environment(language).get_template(template).render(shown)
    return HTMLResponse(
        text, status_code=status, headers={"Content-Language": language, "Vary": "Accept-Language, Cookie"}
    )
