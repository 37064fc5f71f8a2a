"""How did an experiment go? Who came on which day, and how its effects grew with the units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import JsonValue

from service.charts.chart import Channel, Chart, in_language
from service.kit.words import Words

WIDTH = 520


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """One arm's effect on one metric at the end of a day, in the units that people read."""

    day: date
    arm: str
    units: int
    estimate: float
    low: float | None
    high: float | None


def _day(words: Words) -> Channel:
    _ = words.gettext
    title = _("Day")
    axis: Channel = {"format": _("%e %b"), "tickCount": 6}  # Translators: a day and its month, in d3's signs
    return {"field": "day", "type": "temporal", "title": title, "axis": axis}


def arrivals_chart(words: Words, days: Sequence[date], units: Mapping[str, Sequence[int]]) -> Chart:
    """Units of each arm as they came, added up day by day: arms of one weight lie on one another."""
    _ = words.gettext
    values: list[JsonValue] = []
    rows: list[tuple[str, str, int, int]] = []
    for arm, came in units.items():
        total = 0
        for day, n in zip(days, came, strict=True):
            total += n
            values.append({"day": day.isoformat(), "arm": arm, "total": total, "came": n})
            rows.append((words.date(day), arm, n, total))
    alt = _("Units of {arms} arms over {days} days, added up day by day.")
    arm_colour: Channel = {"field": "arm", "type": "nominal", "title": _("Arm")}
    return Chart(
        title=_("Who came when"),
        alt=alt.format(arms=len(units), days=len(days)),
        spec=in_language(
            words.language,
            {
                "width": WIDTH,
                "height": 220,
                "data": {"values": values},
                "mark": {"type": "line", "point": True, "strokeWidth": 2},
                "encoding": {
                    "x": _day(words),
                    "y": {
                        "field": "total",
                        "type": "quantitative",
                        "title": _("Units so far"),
                        "axis": {"format": "~s"},
                    },
                    "color": arm_colour,
                    "strokeDash": arm_colour,
                },
            },
        ),
        columns=(_("Day"), _("Arm"), _("Came"), _("So far")),
        rows=rows,
    )


def growth_chart(words: Words, metric: str, unit: str, grown: Sequence[Grown]) -> Chart:
    """Each arm's effect on one metric as units came, in the band that holds at every look at once."""
    _ = words.gettext
    values: list[JsonValue] = [
        {
            "day": one.day.isoformat(),
            "arm": one.arm,
            "estimate": one.estimate,
            "low": one.low,
            "high": one.high,
        }
        for one in grown
    ]
    effect = _("Effect on {metric}").format(metric=metric)
    y: Channel = {"type": "quantitative", "title": f"{effect}, {unit}" if unit else effect}
    alt = _(
        "The effect of {arms} arms on {metric} as units came, each with the band that holds however often "
        "somebody looks."
    )
    return Chart(
        title=_("{metric} over time").format(metric=metric),
        alt=alt.format(arms=len({one.arm for one in grown}), metric=metric),
        spec=in_language(
            words.language,
            {
                "width": WIDTH,
                "height": 260,
                "data": {"values": values},
                "layer": [
                    {"mark": {"type": "rule"}, "encoding": {"y": {"datum": 0}}},
                    *_in_band(words, y),
                ],
            },
        ),
        columns=(_("Day"), _("Arm"), _("Units"), _("Effect"), _("From"), _("To")),
        rows=[(words.date(one.day), one.arm, one.units, one.estimate, one.low, one.high) for one in grown],
    )


def _in_band(words: Words, y: Channel) -> list[JsonValue]:
    """Layers of an estimate that grows in its band, a line an arm."""
    arm: Channel = {"field": "arm", "type": "nominal", "title": words.gettext("Arm")}
    by: Channel = {"x": _day(words), "color": arm}
    ends: Channel = {"y": {**y, "field": "low"}, "y2": {"field": "high"}}
    return [
        {"mark": {"type": "area", "opacity": 0.15}, "encoding": {**by, **ends, "detail": by["color"]}},
        {"mark": {"type": "rule", "opacity": 0.4}, "encoding": {**by, **ends}},
        {
            "mark": {"type": "line", "point": True, "strokeWidth": 2},
            "encoding": {**by, "y": {**y, "field": "estimate"}, "strokeDash": {**arm, "legend": None}},
        },
    ]
