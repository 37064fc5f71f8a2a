"""How is an interval drawn on a line of its own? The same way for slopes, for effects and for segments."""

from pydantic import JsonValue

from service.charts.chart import Channel

NOTHING: JsonValue = {"mark": {"type": "rule"}, "encoding": {"x": {"datum": 0}}}


def intervals(x: Channel, y: Channel, colour: Channel, shape: Channel | None = None) -> list[JsonValue]:
    """Layers over rows of ``low``, ``high`` and ``estimate``: the interval, and its estimate as a point."""
    point: Channel = {"y": y, "x": {**x, "field": "estimate"}, "color": colour}
    return [
        {
            "mark": {"type": "rule", "strokeWidth": 3},
            "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}, "color": colour},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
            "encoding": point if shape is None else {**point, "shape": shape},
        },
    ]
