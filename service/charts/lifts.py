"""What did each arm do to each metric, all on one scale? Shares of the control's mean, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from service.charts.chart import Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """One arm's effect on one metric as a share of the control's mean."""

    metric: str
    arm: str
    estimate: float
    low: float | None
    high: float | None


def lifts_chart(title: str, alt: str, columns: tuple[str, ...], lifts: Sequence[Lift]) -> Chart:
    """An interval a line, around nothing; ``columns`` name metric, arm, estimate, lower and upper end."""
    values: list[JsonValue] = [
        {
            "line": f"{one.metric} · {one.arm}",
            "metric": one.metric,
            "estimate": one.estimate,
            "low": one.low,
            "high": one.high,
        }
        for one in lifts
    ]
    order: list[JsonValue] = [f"{one.metric} · {one.arm}" for one in lifts]
    y: dict[str, JsonValue] = {
        "field": "line",
        "type": "nominal",
        "title": None,
        "sort": order,
        "axis": {"labelLimit": 260},
    }
    x: dict[str, JsonValue] = {"type": "quantitative", "title": columns[2], "axis": {"format": "+.1%"}}
    colour: dict[str, JsonValue] = {"field": "metric", "type": "nominal", "legend": None}
    return Chart(
        title=title,
        alt=alt,
        spec={
            "width": 380,
            "padding": {"left": 28, "top": 5, "right": 14, "bottom": 5},  # for wider fonts
            "height": {"step": 28},
            "data": {"values": values},
            "layer": [
                {"mark": {"type": "rule"}, "encoding": {"x": {"datum": 0}}},
                {
                    "mark": {"type": "rule", "strokeWidth": 3},
                    "encoding": {
                        "y": y,
                        "x": {**x, "field": "low"},
                        "x2": {"field": "high"},
                        "color": colour,
                    },
                },
                {
                    "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                    "encoding": {"y": y, "x": {**x, "field": "estimate"}, "color": colour},
                },
            ],
        },
        columns=columns,
        rows=[(one.metric, one.arm, one.estimate, one.low, one.high) for one in lifts],
    )
