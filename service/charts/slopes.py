"""How large is the slope, read apart? A line for each experiment, arm or segment, and for side effects."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pydantic import JsonValue

from service.charts.chart import Channel, Chart, in_language
from service.charts.intervals import NOTHING, intervals
from service.kit.words import Words

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


def forest_chart(
    words: Words, *, title: str, alt: str, unit: str, smallest: float, lines: Sequence[Line]
) -> Chart:
    """Slopes beneath one another; one that is open at both ends has no line, and stands in the table."""
    _ = words.gettext
    drawn = [one for one in lines if one.low is not None and one.high is not None]
    values: list[JsonValue] = [asdict(one) for one in drawn]
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
        spec=in_language(
            words.language,
            {
                "width": WIDTH,
                "height": {"step": 28},
                "data": {"values": values},
                "layer": [
                    NOTHING,
                    {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": {"x": {"datum": smallest}}},
                    *intervals(x, y, colour, shape={**colour, "legend": None}),
                ],
            },
        ),
        columns=(_("Which"), _("Of"), _("Slope"), _("From"), _("To")),
        rows=[(one.name, one.kind, one.estimate, one.low, one.high) for one in lines],
    )


def exclusion_chart(
    words: Words,
    *,
    kpi: str,
    unit: str,
    allowed: Sequence[Allowed],
    breakdown: float | None,
    registered: float | None,
) -> Chart:
    """The interval of the slope as larger direct effects are allowed, and where it takes nothing in."""
    _ = words.gettext
    named = _("Direct effect allowed on {kpi}").format(kpi=kpi)
    values: list[JsonValue] = [asdict(one) for one in allowed if one.low is not None and one.high is not None]
    x: Channel = {"field": "bound", "type": "quantitative", "title": named}
    y: Channel = {"type": "quantitative", "title": unit}
    return Chart(
        title=_("If arms also acted past the CPI"),
        alt=_excluded(words, breakdown),
        spec=in_language(
            words.language,
            {
                "width": 520,
                "height": 240,
                "layer": [
                    {
                        "data": {"values": values},
                        "mark": {"type": "area", "opacity": 0.3, "color": "#0072B2"},
                        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
                    },
                    {"mark": {"type": "rule"}, "encoding": {"y": {"datum": 0}}},
                    *_named(_("breakdown"), breakdown, [6, 3]),
                    *_named(_("registered"), registered, [2, 2]),
                ],
            },
        ),
        columns=(named, _("From"), _("To")),
        rows=[(one.bound, one.low, one.high) for one in allowed],
    )


def _excluded(words: Words, breakdown: float | None) -> str:
    _ = words.gettext
    if breakdown is None:
        return _("The interval of the slope as larger direct effects of the arms are allowed.")
    alt = _(
        "The interval of the slope as larger direct effects of the arms are allowed; from {n} on it "
        "takes in no effect at all."
    )
    return alt.format(n=words.number(breakdown))


def _named(name: str, at: float | None, dash: list[JsonValue]) -> list[JsonValue]:
    """A direct effect of note, as a line with its name; none where it is not known."""
    if at is None:
        return []
    x: Channel = {"field": "at", "type": "quantitative"}
    line: Channel = {"type": "rule", "strokeDash": dash, "color": "#D55E00"}
    text: Channel = {"type": "text", "align": "left", "dx": 4, "y": 8}
    return [
        {
            "data": {"values": [{"at": at, "name": name}]},
            "layer": [
                {"mark": line, "encoding": {"x": x}},
                {"mark": text, "encoding": {"x": x, "text": {"field": "name"}}},
            ],
        }
    ]
