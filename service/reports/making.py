"""How is a report made? One bundle, one language, five forms; a worker's work, since charts are drawn."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from service.charts.chart import Theme, themed
from service.charts.drawing import svg
from service.kit.canonical import canonical_json, sha256_hex
from service.kit.words import Words
from service.reports.bundles import BoardBundle, ExperimentBundle, LeverBundle
from service.reports.content import Document
from service.reports.html import Pictures, html
from service.reports.kinds import Form, ReportKind
from service.reports.markdown import markdown
from service.reports.notebook import notebook
from service.reports.pdf import Missing, pdf, printer
from service.reports.telling.board import board_document
from service.reports.telling.experiment import experiment_document
from service.reports.telling.lever import lever_document

type AnyBundle = ExperimentBundle | LeverBundle | BoardBundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A report in one language."""

    sha256: str
    document: Document
    forms: Mapping[Form, bytes | Missing]


def text_of(bundle: AnyBundle) -> str:
    """The one text of a bundle: what is hashed, and what the JSON form is."""
    return canonical_json(bundle.model_dump(mode="json"))


def made(bundle: AnyBundle, language: str) -> Made:
    """Every form of it; the same bundle and language give the same, but for the PDF's own inner ids."""
    text = text_of(bundle)
    sha256 = sha256_hex(text)
    document = told(bundle, sha256, Words.of(language))
    with ThreadPoolExecutor(max_workers=1) as beside:  # drawing holds no lock of the interpreter's
        drawing = beside.submit(_pictures, document)
        printer()
        page = html(document, drawing.result())
    forms: dict[Form, bytes | Missing] = {
        Form.JSON: text.encode(),
        Form.HTML: page.encode(),
        Form.PDF: pdf(page),
        Form.MARKDOWN: markdown(document).encode(),
        Form.NOTEBOOK: notebook(document, ReportKind(bundle.kind), text).encode(),
    }
    return Made(sha256=sha256, document=document, forms=forms)


def told(bundle: AnyBundle, sha256: str, words: Words) -> Document:
    """The bundle in words."""
    match bundle:
        case ExperimentBundle():
            return experiment_document(bundle, sha256, words)
        case LeverBundle():
            return lever_document(bundle, sha256, words)
        case BoardBundle():
            return board_document(bundle, sha256, words)


def _pictures(document: Document) -> Pictures:
    return {one.chart.sha256: _drawn(one.chart.spec, n) for n, one in enumerate(document.figures)}


_NAMED = re.compile(r'(\bid="|url\(#|href="#)')


def _drawn(spec: Mapping[str, object], number: int) -> dict[Theme, str]:
    """Both pictures, whose inner names no other picture of the page has."""
    return {
        theme: _NAMED.sub(rf"\g<1>{theme.value}{number}-", svg(themed(spec, theme)))  # type: ignore[arg-type]
        for theme in Theme
    }
