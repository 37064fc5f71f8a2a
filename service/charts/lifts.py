"""What did each arm do to each metric, all on one scale? Shares of the control's mean, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from service.charts.chart import Channel, Chart, in_language
from service.charts.intervals import NOTHING, intervals


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """One arm's effect on one metric as a share of the control's mean."""

    metric: str
    arm: str
    estimate: float
    low: float | None
    high: float | None


def lifts_chart(
    language: str, title: str, alt: str, columns: tuple[str, ...], lifts: Sequence[Lift]
) -> Chart:
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
    y: Channel = {
        "field": "line",
        "type": "nominal",
        "title": None,
        "sort": order,
        "axis": {"labelLimit": 260},
    }
    x: Channel = {"type": "quantitative", "title": columns[2], "axis": {"format": "+.1%"}}
    colour: Channel = {"field": "metric", "type": "nominal", "legend": None}
    return Chart(
        title=title,
        alt=alt,
        spec=in_language(
            language,
            {
                "width": 380,
                "height": {"step": 28},
                "data": {"values": values},
                "layer": [NOTHING, *intervals(x, y, colour)],
            },
        ),
        columns=columns,
        rows=[(one.metric, one.arm, one.estimate, one.low, one.high) for one in lifts],
    )
