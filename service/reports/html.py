"""How does a report become one HTML file? All is in it, nothing is fetched, and no script could run."""

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from service.charts.chart import Theme
from service.kit.words import Words
from service.reports.content import Document
from service.reports.words import inert

TEMPLATES = Path(__file__).parent / "templates"
_LONG = re.compile(r"([^\s/-]{32})(?=[^\s/-])")  # an id has 30 characters and stays whole
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
type Pictures = Mapping[str, Mapping[Theme, str]]  # by the hash of the chart


@cache
def _environment(language: str) -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = Words.of(language)
    made.filters["number"] = words.number
    made.filters["breakable"] = _breakable
    made.install_gettext_translations(words.catalogue, newstyle=True)  # type: ignore[attr-defined]
    return made


def html(document: Document, pictures: Pictures) -> str:
    """The page, made of the document's blocks; a chart that has no picture shows its numbers alone."""
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    drawn = {
        key: {theme.value: Markup(svg) for theme, svg in both.items()}  # noqa: S704 - drawn by us, of data
        for key, both in pictures.items()
    }
    page = _environment(document.language).get_template("report.html")
    text = page.render(
        document=document,
        pictures=drawn,
        style=Markup(style),  # noqa: S704 - our own sheet
        policy=policy(style),
    )
    return inert(text)


def _breakable(text: str) -> Markup:
    """With places to break inside long words, so that one name does not make a table wide."""
    return Markup("<wbr>").join(piece for piece in _LONG.split(text) if piece)


def policy(style: str) -> str:
    """No script, no frame, nothing from elsewhere, and no style but this one."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def policy_of(page: str) -> str:
    """The policy that a page made earlier, with the sheet of its time, is served with."""
    found = _STYLE.search(page)
    return policy(found[1] if found else "")
