"""How does a page come about? A template, the values it shows, and the reader's language."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from service.access.browsers import form_token
from service.kit import numbers
from service.kit.languages import preferred, translations
from service.web.assets import address
from service.web.direction import AsTyped, contained

COOKIE = "leverboard"  # of whoever is signed in
TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment(language: str) -> Environment:
    """One for each language: everything is escaped, and a value that nobody gave is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=contained,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.filters |= {
        "number": partial(numbers.number, locale=language),
        "signed": partial(numbers.number, locale=language, signed=True),
        "count": partial(numbers.count, locale=language),
        "date": partial(numbers.date, locale=language),
        "moment": partial(numbers.moment, locale=language),
        "level": partial(_level, locale=language),
        "opened": _opened,
        "as_typed": AsTyped,
        "except": _except,
    }
    told = {name: _containing(made.globals[name]) for name in ("gettext", "ngettext")}
    made.globals |= {"language": language, "asset": address, **told}
    return made


def _containing(translate: Any) -> Callable[..., str]:
    """A name inside a sentence turns no more of it than itself."""

    @pass_context
    def told(context: Context, *texts: Any, **values: object) -> str:
        contained_values = {name: contained(value) for name, value in values.items()}
        told_in_full: str = translate(context, *texts, **contained_values)  # markup: escaped already
        return told_in_full

    return told


def _level(value: float | None, share: bool, *, locale: str) -> str:  # noqa: FBT001 - a template's filter
    """A level of a metric: a share is told in percent."""
    return numbers.number(None if value is None else value * (100.0 if share else 1.0), locale)


def _opened(value: float | None) -> str:
    """For a script: an end that is open is nothing."""
    return "" if value is None else repr(value)


def _except(asked: Mapping[str, str], *names: str) -> list[tuple[str, str]]:
    """What an address asks, without these parts and without empty ones."""
    return [(name, value) for name, value in asked.items() if value and name not in names]


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page in the reader's language, for whom `request.state.caller` says is signed in."""
    language = preferred(request.headers.get("accept-language", ""))
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
