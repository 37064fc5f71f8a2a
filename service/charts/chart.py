"""What belongs to a chart? Its specification, what it says in words, and the same numbers as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from babel.core import Locale
from pydantic import JsonValue

from service.kit.canonical import canonical_json, sha256_hex
from service.kit.languages import ENGLISH

type Channel = dict[str, JsonValue]
"""What one property of a mark is encoded by."""

VEGA_LITE = "https://vega.github.io/schema/vega-lite/v6.json"  # names the language; nothing is fetched
FONT = "Arial, Helvetica, sans-serif"  # whose widths the drawing library knows
# Okabe and Ito's colours, which the colour-blind tell apart, in an order that keeps contrast on both grounds.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


class Theme(StrEnum):
    LIGHT = "light"
    DARK = "dark"


INK = {Theme.LIGHT: "#16202c", Theme.DARK: "#e6ebf1"}
LINE = {Theme.LIGHT: "#dde2e8", Theme.DARK: "#2e3844"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart; ``rows`` of the table are the numbers that it shows, under ``columns``."""

    title: str
    alt: str  # what it shows, for those who do not see it
    spec: dict[str, JsonValue]
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str | float | None]]

    @property
    def sha256(self) -> str:
        """Of all that is drawn: a picture in other colours or with other margins is another one."""
        return sha256_hex(canonical_json(themed(self.spec, Theme.LIGHT)))


def themed(spec: Mapping[str, JsonValue], theme: Theme) -> dict[str, JsonValue]:
    """The whole specification, for light or dark ground."""
    own = spec.get("config")
    config = {**_config(theme), **(own if isinstance(own, dict) else {})}
    return {"$schema": VEGA_LITE, "background": "transparent", **spec, "config": config}


@cache
def _said_in(language: str) -> Mapping[str, JsonValue]:
    """How axes write numbers and days in a language; English is what Vega speaks by itself."""
    if language == ENGLISH:
        return {}
    locale = Locale.parse(language)
    symbols = locale.number_symbols["latn"]
    months = [locale.months["format"]["wide"], locale.months["format"]["abbreviated"]]
    days = [locale.days["format"]["wide"], locale.days["format"]["abbreviated"]]
    number: JsonValue = {
        "decimal": str(symbols["decimal"]),
        "thousands": str(symbols["group"]),
        "grouping": [3],
        "currency": ["", ""],
    }
    time: JsonValue = {
        "dateTime": "%x, %X",
        "date": "%Y-%m-%d",
        "time": "%H:%M:%S",
        "periods": [str(locale.day_periods["format"]["abbreviated"][half]) for half in ("am", "pm")],
        "days": [str(days[0][(day - 1) % 7]) for day in range(7)],  # Vega's week begins on Sunday
        "shortDays": [str(days[1][(day - 1) % 7]) for day in range(7)],
        "months": [str(months[0][month]) for month in range(1, 13)],
        "shortMonths": [str(months[1][month]) for month in range(1, 13)],
    }
    return {"config": {"locale": {"number": number, "time": time}}}


def in_language(language: str, spec: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The specification with numbers and days as that language writes them."""
    return {**spec, **_said_in(language)}


def _config(theme: Theme) -> dict[str, JsonValue]:
    ink, line = INK[theme], LINE[theme]
    words: dict[str, JsonValue] = {
        "labelColor": ink,
        "titleColor": ink,
        "labelFontSize": 12,
        "titleFontSize": 12,
    }
    return {
        "font": FONT,
        "padding": {"left": 28, "top": 5, "right": 14, "bottom": 5},  # where a reader's font is wider
        "aria": False,  # told by the chart's alternative text, in the reader's language, not part by part
        "view": {"stroke": None},
        "axis": {
            **words,
            "gridColor": line,
            "domainColor": ink,
            "tickColor": ink,
            "titleFontWeight": "normal",
        },
        "legend": {
            **words,
            "orient": "bottom",
            "titleFontWeight": "normal",
            "symbolSize": 90,
            "symbolOpacity": 1,
            "symbolBaseFillColor": ink,
            "symbolBaseStrokeColor": ink,
            "columnPadding": 24,
            # One below the other: side by side, the words of one ran into the next where the font is wider.
            "layout": {"bottom": {"anchor": "start", "direction": "vertical", "margin": 8}},
        },
        "range": {"category": list(PALETTE)},
        "rule": {"color": ink},
        "text": {"color": ink},
    }
