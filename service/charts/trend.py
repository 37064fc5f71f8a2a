"""Where does a metric stand, day by day, beside what customers expect?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import JsonValue

from service.charts.chart import Channel, Chart, in_language
from service.kit.words import Words

FARTHEST = 5.0  # times the largest level: an expectation above it would press the days into one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """The level of one day, in the unit that people read."""

    day: date
    level: float
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    segment: str
    level: float


def trend_chart(
    words: Words, metric: str, unit: str, stood: Sequence[Stood], expected: Sequence[Expected]
) -> Chart:
    """A point for every day on which control units came, and a dashed line for each expectation."""
    _ = words.gettext
    title = f"{metric}, {unit}" if unit else metric
    values: list[JsonValue] = [
        {"day": one.day.isoformat(), "level": one.level, "units": one.units} for one in stood
    ]
    y: Channel = {"field": "level", "type": "quantitative", "title": title, "scale": {"zero": False}}
    x: Channel = {
        "field": "day",
        "type": "temporal",
        "title": _("Day"),
        "axis": {"format": _("%e %b"), "tickCount": {"interval": "day", "step": 1}, "labelOverlap": True},
    }
    shown, beyond = _apart(stood, expected)
    levels = _levels(words, stood[0].day, shown)
    return Chart(
        title=_titled(words, beyond),
        alt=_alt(words, title, len(stood), expected),
        spec=in_language(
            words.language,
            {
                "width": 520,
                "height": 220,
                "layer": [
                    {
                        "data": {"values": values},
                        "mark": {"type": "line", "point": True, "color": "#0072B2"},
                        "encoding": {"x": x, "y": y},
                    },
                    *_expected(x, y, levels),
                ],
            },
        ),
        columns=(_("Day"), title, _("Units")),
        rows=[(words.date(one.day), one.level, one.units) for one in stood],
    )


def _apart(stood: Sequence[Stood], expected: Sequence[Expected]) -> tuple[list[Expected], list[Expected]]:
    """Expectations within the picture, and those so far above it that nothing else could be seen."""
    farthest = FARTHEST * max(abs(one.level) for one in stood)
    shown = [one for one in expected if not farthest or abs(one.level) <= farthest]
    return shown, [one for one in expected if one not in shown]


def _titled(words: Words, beyond: Sequence[Expected]) -> str:
    _ = words.gettext
    if not beyond:
        return _("As customers have it today")
    told = _said(words, beyond)
    return _("As customers have it today; expected far above the picture: {levels}").format(levels=told)


def _said(words: Words, expected: Sequence[Expected]) -> str:
    return ", ".join(f"{one.segment} {words.number(one.level)}" for one in expected)


def _alt(words: Words, title: str, days: int, expected: Sequence[Expected]) -> str:
    _ = words.gettext
    told = _said(words, expected)
    alt = _("{metric} on {n} days, of customers for whom nothing was changed.")
    if told:
        alt = _("{metric} on {n} days, of customers for whom nothing was changed; expected: {levels}.")
    return alt.format(metric=title, n=days, levels=told)


def _levels(words: Words, first: date, expected: Sequence[Expected]) -> list[JsonValue]:
    """Each expectation with its name, which stands where the days begin."""
    name = words.gettext("expected: {segment}")
    return [
        {"level": one.level, "name": name.format(segment=one.segment), "day": first.isoformat()}
        for one in expected
    ]


def _expected(x: Channel, y: Channel, levels: list[JsonValue]) -> list[JsonValue]:
    """None where nobody expects anything: a layer without data has no extent to draw."""
    if not levels:
        return []
    return [
        {
            "data": {"values": levels},
            "layer": [
                {
                    "mark": {"type": "rule", "strokeDash": [5, 4], "color": "#D55E00"},
                    "encoding": {"y": y},
                },
                {
                    "mark": {"type": "text", "align": "left", "dy": -6},
                    "encoding": {"x": x, "y": y, "text": {"field": "name"}},
                },
            ],
        },
    ]
