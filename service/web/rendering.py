"""How does a page come about? A template, the values it shows, and the reader's language."""

from functools import cache, partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.access.browsers import form_token
from service.kit import numbers
from service.kit.languages import preferred, translations
from service.web.assets import address

COOKIE = "leverboard"  # of whoever is signed in
TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment(language: str) -> Environment:
    """One for each language: everything is escaped, and a value that nobody gave is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
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
    }
    made.globals |= {"language": language, "asset": address}
    return made


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
