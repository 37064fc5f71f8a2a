"""How are numbers written for people? In their language, no more digits than are meant."""

import datetime as dt
from functools import lru_cache
from math import floor, isfinite, log10

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

MINUS = "\N{MINUS SIGN}"
SIGNIFICANT = 3


@lru_cache(maxsize=20_000)  # a board says the same numbers again and again, and a pattern takes long to apply
def number(value: float | None, locale: str, *, signed: bool = False) -> str:
    """Three significant digits, never in powers of ten; nothing known is a dash.

    >>> number(0.017192, "en", signed=True), number(-84213.0, "en"), number(None, "en")
    ('+0.0172', '−84,200', '–')
    """
    if value is None or not isfinite(value):
        return "–"
    digits = SIGNIFICANT - 1 - floor(log10(abs(value))) if value else 0
    rounded = round(value, digits)
    pattern = "#,##0" + ("." + "0" * digits if digits > 0 else "")
    text = str(format_decimal(abs(rounded), format=pattern, locale=locale, decimal_quantization=True))
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return sign + text


def count(value: int, locale: str) -> str:
    """A whole number, all of it."""
    return str(format_decimal(value, format="#,##0", locale=locale))


def date(moment: dt.date, locale: str) -> str:
    return str(format_date(moment, format="medium", locale=locale))


def moment(value: dt.datetime, locale: str) -> str:
    return str(format_datetime(value, format="medium", locale=locale)) + " UTC"
