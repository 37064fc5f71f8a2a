"""How large is the slope, read apart? A line for each experiment, arm or segment, and for side effects."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from service.charts.chart import Chart

type Channel = dict[str, JsonValue]

WIDTH = 420


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One slope with its interval, per increment of improvement; an open end is None."""

    name: str
    kind: str  # what colours it: a mechanism, a segmentation, all together
    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What is left of the slope if arms may act past the CPI by so much."""

    bound: float
    low: float | None
    high: float | None


def forest_chart(title: str, alt: str, unit: str, smallest: float, lines: Sequence[Line]) -> Chart:
    """Slopes beneath one another; one that is open at both ends has no line, and stands in the table."""
    drawn = [one for one in lines if one.low is not None and one.high is not None]
    values: list[JsonValue] = [
        {"name": one.name, "kind": one.kind, "estimate": one.estimate, "low": one.low, "high": one.high}
        for one in drawn
    ]
    order: list[JsonValue] = [one.name for one in drawn]
    y: Channel = {
        "field": "name",
        "type": "nominal",
        "title": None,
        "sort": order,
        "axis": {"labelLimit": 240, "ticks": False, "domain": False},
    }
    x: Channel = {"type": "quantitative", "title": unit}
    colour: Channel = {"field": "kind", "type": "nominal", "title": None}
    return Chart(
        title=title,
        alt=alt,
        spec={
            "width": WIDTH,
            "height": {"step": 28},
            "data": {"values": values},
            "layer": [
                {"mark": {"type": "rule"}, "encoding": {"x": {"datum": 0}}},
                {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": {"x": {"datum": smallest}}},
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
                    "encoding": {
                        "y": y,
                        "x": {**x, "field": "estimate"},
                        "color": colour,
                        "shape": {**colour, "legend": None},
                    },
                },
            ],
        },
        columns=("Which", "Of", "Slope", "From", "To"),
        rows=[(one.name, one.kind, one.estimate, one.low, one.high) for one in lines],
    )


def exclusion_chart(
    kpi: str, unit: str, allowed: Sequence[Allowed], breakdown: float | None, registered: float | None
) -> Chart:
    """The interval of the slope as larger direct effects are allowed, and where it takes nothing in."""
    values: list[JsonValue] = [
        {"bound": one.bound, "low": one.low, "high": one.high}
        for one in allowed
        if one.low is not None and one.high is not None
    ]
    x: Channel = {"field": "bound", "type": "quantitative", "title": f"Direct effect allowed on {kpi}"}
    y: Channel = {"type": "quantitative", "title": unit}
    marks = [
        (at, name, dash)
        for at, name, dash in ((breakdown, "breakdown", [6, 3]), (registered, "registered", [2, 2]))
        if at is not None
    ]
    rules: list[JsonValue] = [
        {
            "data": {"values": [{"at": at, "name": name}]},
            "layer": [
                {
                    "mark": {"type": "rule", "strokeDash": list(dash), "color": "#D55E00"},
                    "encoding": {"x": {"field": "at", "type": "quantitative"}},
                },
                {
                    "mark": {"type": "text", "align": "left", "dx": 4, "y": 8},
                    "encoding": {"x": {"field": "at", "type": "quantitative"}, "text": {"field": "name"}},
                },
            ],
        }
        for at, name, dash in marks
    ]
    return Chart(
        title="If arms also acted past the CPI",
        alt="The interval of the slope as larger direct effects of the arms are allowed"
        + (f"; from {breakdown:.3g} on it takes in no effect at all." if breakdown is not None else "."),
        spec={
            "width": 520,
            "height": 240,
            "layer": [
                {
                    "data": {"values": values},
                    "mark": {"type": "area", "opacity": 0.3, "color": "#0072B2"},
                    "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
                },
                {"mark": {"type": "rule"}, "encoding": {"y": {"datum": 0}}},
                *rules,
            ],
        },
        columns=(f"Direct effect allowed on {kpi}", "From", "To"),
        rows=[(one.bound, one.low, one.high) for one in allowed],
    )
