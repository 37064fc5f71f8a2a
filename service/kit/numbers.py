"""How are numbers written for people? In their language, no more digits than are meant."""

import datetime as dt
import re
from functools import lru_cache
from math import floor, isfinite, log10

from babel.core import Locale
from babel.dates import format_date, format_datetime
from babel.lists import format_list
from babel.numbers import format_decimal
from babel.units import format_unit, get_unit_name

MINUS = "\N{MINUS SIGN}"
SIGNIFICANT = 3
TIMES = ("second", "minute", "hour", "day", "week", "month", "year")
_SPANS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_PLAIN = re.compile(r"[a-z]{3,}")  # a word of English that takes its plural as most do
# calls, minutes and fees; not status, series, analysis or boxes
_SIMPLE = re.compile(r"[^aeiousxz]s$|(?<![ix])(?<![cs]h)es$|[aeo]{2}s$")


# A board says the same numbers again and again, and a pattern takes long to apply; 3 is a count, 3.0 is none.
@lru_cache(maxsize=20_000, typed=True)
def number(value: float | None, locale: str, *, signed: bool = False) -> str:
    """Three significant digits, never in powers of ten; a count is exact, and nothing known is a dash.

    >>> number(0.017192, "en", signed=True), number(-84213.0, "en"), number(None, "en")
    ('+0.0172', '−84,200', '–')
    >>> number(1022, "en"), number(1022.0, "en")
    ('1,022', '1,020')
    """
    if value is None or not isfinite(value):
        return "–"
    if isinstance(value, int) and not signed:
        return count(value, locale)
    rounded, pattern = _rounded(value, "0")
    text = str(format_decimal(abs(rounded), format=pattern, locale=locale, decimal_quantization=True))
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return sign + text


def _rounded(value: float, digit: str) -> tuple[float, str]:
    """The number in three significant digits, and the pattern that writes them; ``#`` drops closing zeros."""
    digits = SIGNIFICANT - 1 - floor(log10(abs(value))) if value else 0
    return round(value, digits), "#,##0" + ("." + digit * digits if digits > 0 else "")


@lru_cache(maxsize=20_000)
def amount(value: float | None, unit: str, locale: str) -> str:
    """A number with its unit, in the plural where it takes one; a unit that is no word stays what it is.

    >>> amount(7.864, "minute", "en"), amount(1.0, "minutes", "en"), amount(0.5, "hour", "sv")
    ('7.86 minutes', '1 minute', '0,5 timmar')
    >>> amount(3, "option", "en"), amount(3, "EUR", "it"), amount(None, "day", "en")
    ('3 options', '3 EUR', '–')
    """
    if value is None or not isfinite(value):
        return "–"
    rounded, pattern = _rounded(value, "#")
    sign, size = MINUS if rounded < 0 else "", abs(rounded)
    time = unit.lower().removesuffix("s")
    if time in TIMES:
        return sign + _timed(size, f"duration-{time}", pattern, locale)
    text = str(format_decimal(size, format=pattern, locale=locale, decimal_quantization=True))
    return f"{sign}{text} {_named(unit, size, locale)}".strip()


def percent(share: float, locale: str) -> str:
    """A probability in per cent, never all or nothing: it is computed, and neither.

    >>> percent(0.99961, "en"), percent(0.0004, "sv"), percent(0.953, "en"), percent(1.0, "en")
    ('> 99.9', '< 0,1', '95.3', '> 99.9')
    """
    if share > 0.999:
        return f"> {number(99.9, locale)}"
    if share < 0.001:
        return f"< {amount(0.1, '', locale)}"
    return amount(share * 100, "", locale)


@lru_cache(maxsize=1000)
def unit_name(unit: str, locale: str) -> str:
    """A unit by itself, where a language has a name for it.

    >>> unit_name("minute", "zh"), unit_name("EUR", "zh")
    ('分钟', 'EUR')
    """
    time = unit.lower().removesuffix("s")
    if time not in TIMES or locale == "en":
        return unit
    names = (get_unit_name(f"duration-{time}", length=length, locale=locale) for length in ("long", "short"))
    return next((str(name) for name in names if name), unit)


def singular(unit: str) -> str:
    """A unit as one of it is called in English, however it was typed.

    >>> singular("minutes"), singular("calls"), singular("status"), singular("boxes")
    ('minute', 'call', 'status', 'boxes')
    """
    return _named(unit, 1.0, "en")


def _timed(size: float, unit: str, pattern: str, locale: str) -> str:
    """Where a language's long form is its short one, Babel knows the short one alone."""
    told = (
        str(format_unit(size, unit, length=length, format=pattern, locale=locale))
        for length in ("long", "short")
    )
    return next(text for text in told if unit not in text)  # else it says its own code


def _named(unit: str, size: float, locale: str) -> str:
    """People write units in the singular or in the plural; English ones are made to agree."""
    if locale != "en" or not _PLAIN.fullmatch(unit) or unit == "percent" or unit.upper() in _currencies():
        return unit
    if unit.endswith("s"):
        return unit.removesuffix("s") if size == 1 and _SIMPLE.search(unit) else unit
    if size == 1:
        return unit
    if unit.endswith(("x", "z", "ch", "sh")):
        return f"{unit}es"
    return f"{unit[:-1]}ies" if unit[-1] == "y" and unit[-2] not in "aeiou" else f"{unit}s"


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    return frozenset(Locale("en").currencies)


def duration(span: dt.timedelta, locale: str) -> str:
    """A length of time in words, its two largest parts that are not 0.

    >>> duration(dt.timedelta(minutes=2), "en"), duration(dt.timedelta(hours=30), "sv")
    ('2 minutes', '1 dygn och 6 timmar')
    """
    if span < dt.timedelta(seconds=1):
        return amount(span.total_seconds(), "second", locale)
    left, parts = round(span.total_seconds()), []
    for unit, seconds in _SPANS:
        whole, left = divmod(left, seconds)
        if whole:
            parts.append(amount(float(whole), unit, locale))
    return str(format_list(parts[:2], locale=locale))


def count(value: int, locale: str) -> str:
    """A whole number, all of it."""
    return str(format_decimal(value, format="#,##0", locale=locale))


def date(moment: dt.date, locale: str) -> str:
    return str(format_date(moment, format="medium", locale=locale))


def moment(value: dt.datetime, locale: str) -> str:
    return str(format_datetime(value, format="medium", locale=locale)) + " UTC"
