"""What belongs to a chart? Its specification, what it says in words, and the same numbers as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from service.kit.canonical import canonical_json, sha256_hex

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
        return sha256_hex(canonical_json(self.spec))


def themed(spec: Mapping[str, JsonValue], theme: Theme) -> dict[str, JsonValue]:
    """The whole specification, for light or dark ground."""
    return {"$schema": VEGA_LITE, "background": "transparent", "config": _config(theme), **spec}


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
        },
        "range": {"category": list(PALETTE)},
        "rule": {"color": ink},
        "text": {"color": ink},
    }
