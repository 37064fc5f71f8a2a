"""How did an experiment go? Who came on which day, and how its effects grew with the units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import JsonValue

from service.charts.chart import Channel, Chart

WIDTH = 520
DAY: Channel = {
    "field": "day",
    "type": "temporal",
    "title": "Day",
    "axis": {"format": "%e %b", "tickCount": 6},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """One arm's effect on one metric at the end of a day, in the units that people read."""

    day: date
    arm: str
    units: int
    estimate: float
    low: float | None
    high: float | None


def arrivals_chart(days: Sequence[date], units: Mapping[str, Sequence[int]]) -> Chart:
    """Units of each arm as they came, added up day by day: arms of one weight lie on one another."""
    values: list[JsonValue] = []
    rows: list[tuple[str, str, float, float]] = []
    for arm, came in units.items():
        total = 0
        for day, n in zip(days, came, strict=True):
            total += n
            values.append({"day": day.isoformat(), "arm": arm, "total": total, "came": n})
            rows.append((day.isoformat(), arm, float(n), float(total)))
    return Chart(
        title="Who came when",
        alt=f"Units of {len(units)} arms over {len(days)} days, added up day by day.",
        spec={
            "width": WIDTH,
            "height": 220,
            "data": {"values": values},
            "mark": {"type": "line", "point": True, "strokeWidth": 2},
            "encoding": {
                "x": DAY,
                "y": {
                    "field": "total",
                    "type": "quantitative",
                    "title": "Units so far",
                    "axis": {"format": "~s"},
                },
                "color": {"field": "arm", "type": "nominal", "title": "Arm"},
                "strokeDash": {"field": "arm", "type": "nominal", "title": "Arm"},
            },
        },
        columns=("Day", "Arm", "Came", "So far"),
        rows=rows,
    )


def growth_chart(metric: str, unit: str, grown: Sequence[Grown]) -> Chart:
    """Each arm's effect on one metric as units came, in the band that holds at every look at once."""
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
    y: Channel = {
        "type": "quantitative",
        "title": f"Effect on {metric}, {unit}" if unit else f"Effect on {metric}",
    }
    return Chart(
        title=f"{metric} over time",
        alt=f"The effect of {len({one.arm for one in grown})} arms on {metric} as units came, each with the "
        "band that holds however often somebody looks.",
        spec={
            "width": WIDTH,
            "height": 260,
            "data": {"values": values},
            "layer": [
                {"mark": {"type": "rule"}, "encoding": {"y": {"datum": 0}}},
                *_in_band(y),
            ],
        },
        columns=("Day", "Arm", "Units", "Effect", "From", "To"),
        rows=[
            (one.day.isoformat(), one.arm, float(one.units), one.estimate, one.low, one.high) for one in grown
        ],
    )


def _in_band(y: Channel) -> list[JsonValue]:
    """Layers of an estimate that grows in its band, a line an arm."""
    by: Channel = {"x": DAY, "color": {"field": "arm", "type": "nominal", "title": "Arm"}}
    ends: Channel = {"y": {**y, "field": "low"}, "y2": {"field": "high"}}
    return [
        {"mark": {"type": "area", "opacity": 0.15}, "encoding": {**by, **ends, "detail": by["color"]}},
        {"mark": {"type": "rule", "opacity": 0.4}, "encoding": {**by, **ends}},
        {
            "mark": {"type": "line", "point": True, "strokeWidth": 2},
            "encoding": {**by, "y": {**y, "field": "estimate"}},
        },
    ]
