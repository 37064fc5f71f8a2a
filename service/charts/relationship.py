"""How do a CPI and a KPI move together? Each contrast with its uncertainty, and the verdicts over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import cos, pi, sin, sqrt

from pydantic import JsonValue

from service.charts.chart import Channel, Chart, in_language
from service.kit.words import Words

AROUND = 60  # points of an ellipse
# The χ² quantile of 2 degrees of freedom has a closed form: −2 ln(1 − .95).
RADIUS_95 = sqrt(5.991464547107979)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One arm against control, in the units that people read: CPI in its own unit, KPI as it is told."""

    name: str
    mechanism: str
    placebo: bool
    cpi: float
    kpi: float
    var_cpi: float
    var_kpi: float
    cov: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Slopes:
    """Raw slopes, KPI per unit of the CPI; an open end or no estimate is None."""

    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    at: datetime
    state: str
    estimate: float | None
    low: float | None
    high: float | None


def contrasts_chart(words: Words, cpi: str, kpi: str, contrasts: Sequence[Contrast], slopes: Slopes) -> Chart:
    """Each contrast with its 95 % ellipse, and the line through nothing that fits them best."""
    _ = words.gettext
    on_cpi, on_kpi = (_("Effect on {metric}").format(metric=one) for one in (cpi, kpi))
    x: Channel = {"field": "x", "type": "quantitative", "title": on_cpi}
    y: Channel = {"field": "y", "type": "quantitative", "title": on_kpi}
    alt = words.ngettext(
        "{n} contrast of an arm with its control: effect on {kpi} against effect on {cpi} with its 95 % "
        "ellipse, and the fitted line through the origin with its interval.",
        "{n} contrasts of arms with their controls: effect on {kpi} against effect on {cpi}, each with its "
        "95 % ellipse, and the fitted line through the origin with its interval.",
        len(contrasts),
    )
    return Chart(
        title=_("{kpi} against {cpi}, arm by arm").format(kpi=kpi, cpi=cpi),
        alt=alt.format(n=len(contrasts), kpi=kpi, cpi=cpi),
        spec=in_language(
            words.language,
            {
                "width": 520,
                "height": 340,
                "layer": [*_fitted(x, y, contrasts, slopes), *_measured(words, x, y, contrasts)],
            },
        ),
        columns=(_("Arm"), _("Mechanism"), on_cpi, _("± s.e."), on_kpi, _("± s.e.")),
        rows=[
            (one.name, one.mechanism, one.cpi, sqrt(one.var_cpi), one.kpi, sqrt(one.var_kpi))
            for one in contrasts
        ],
    )


def _fitted(x: Channel, y: Channel, contrasts: Sequence[Contrast], slopes: Slopes) -> list[JsonValue]:
    """The line from nothing to the farthest contrast, within its interval."""
    reach = max((abs(one.cpi) + RADIUS_95 * sqrt(one.var_cpi) for one in contrasts), default=1.0)
    ends = (0.0, reach if sum(one.cpi for one in contrasts) >= 0 else -reach)
    band: list[JsonValue] = [
        {"x": end, "low": end * slopes.low, "high": end * slopes.high}
        for end in ends
        if slopes.low is not None and slopes.high is not None
    ]
    best: list[JsonValue] = [
        {"x": end, "y": end * slopes.estimate} for end in ends if slopes.estimate is not None
    ]
    return [
        {
            "data": {"values": band},
            "mark": {"type": "area", "opacity": 0.12, "color": "#0072B2"},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
        },
        {
            "data": {"values": best},
            "mark": {"type": "line", "color": "#0072B2", "strokeWidth": 1.5},
            "encoding": {"x": x, "y": y},
        },
    ]


def _measured(words: Words, x: Channel, y: Channel, contrasts: Sequence[Contrast]) -> list[JsonValue]:
    """Each contrast as a point in its ellipse."""
    _ = words.gettext
    points: list[JsonValue] = [_point(words, one) for one in contrasts]
    ring: list[JsonValue] = [point for one in contrasts for point in _ellipse(one)]
    colour: Channel = {"field": "mechanism", "type": "nominal", "title": _("Mechanism")}
    shape: Channel = {"field": "role", "type": "nominal", "title": _("Arm")}
    name: Channel = {"field": "name", "type": "nominal"}
    order: Channel = {"field": "i", "type": "quantitative"}
    return [
        {
            "data": {"values": ring},
            "mark": {"type": "line", "strokeWidth": 1, "opacity": 0.8},
            "encoding": {"x": x, "y": y, "color": colour, "detail": name, "order": order},
        },
        {
            "data": {"values": points},
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": colour, "shape": shape},
        },
    ]


def _point(words: Words, one: Contrast) -> JsonValue:
    role = words.gettext("placebo") if one.placebo else words.gettext("treatment")
    return {"x": one.cpi, "y": one.kpi, "name": one.name, "mechanism": one.mechanism, "role": role}


def _ellipse(one: Contrast) -> list[JsonValue]:
    """The 95 % region of both effects: the unit circle through the Cholesky root of their covariance."""
    root = sqrt(one.var_cpi)
    slant = one.cov / root if root else 0.0
    rest = sqrt(max(one.var_kpi - slant**2, 0.0))
    turns = [2 * pi * i / AROUND for i in range(AROUND + 1)]
    return [
        {
            "i": i,
            "x": one.cpi + RADIUS_95 * root * cos(turn),
            "y": one.kpi + RADIUS_95 * (slant * cos(turn) + rest * sin(turn)),
            "name": one.name,
            "mechanism": one.mechanism,
        }
        for i, turn in enumerate(turns)
    ]


def history_chart(words: Words, unit: str, smallest: float, judged: Sequence[Judged]) -> Chart:
    """Each verdict's interval at its time, beside nothing and the smallest slope of interest."""
    _, states = words.gettext, _states(words)
    values: list[JsonValue] = [
        {
            "number": number,
            "estimate": one.estimate,
            "low": one.low,
            "high": one.high,
            "verdict": states[one.state],
        }
        for number, one in enumerate(judged, start=1)
    ]
    alt = _("{n} verdicts in the order of time, each with its interval for {unit}.")
    return Chart(
        title=_("Verdicts as evidence came in"),
        alt=alt.format(n=len(judged), unit=unit),
        spec=in_language(
            words.language,
            {
                "width": 520,
                "height": 220,
                "data": {"values": values},
                "layer": [
                    {"mark": {"type": "rule"}, "encoding": {"y": {"datum": 0}}},
                    {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": {"y": {"datum": smallest}}},
                    *_concluded(words, unit),
                ],
            },
        ),
        columns=(_("When"), _("Verdict"), _("Estimate"), _("From"), _("To")),
        rows=[(words.date(one.at), states[one.state], one.estimate, one.low, one.high) for one in judged],
    )


def _states(words: Words) -> dict[str, str]:
    _ = words.gettext
    return {"confirmed": _("confirmed"), "inconclusive": _("inconclusive"), "rejected": _("rejected")}


def _concluded(words: Words, unit: str) -> list[JsonValue]:
    """Interval and estimate of each verdict, coloured and shaped by its conclusion."""
    _ = words.gettext
    x: Channel = {"field": "number", "type": "ordinal", "title": _("Verdict"), "axis": {"labelAngle": 0}}
    y: Channel = {"type": "quantitative", "title": unit}
    states: Channel = {
        "domain": list(_states(words).values()),
        "range": ["#009E73", "#E69F00", "#D55E00"],
    }
    colour: Channel = {"field": "verdict", "type": "nominal", "title": _("Conclusion"), "scale": states}
    shape: Channel = {
        **colour,
        "scale": {"domain": states["domain"], "range": ["circle", "diamond", "square"]},
    }
    return [
        {
            "mark": {"type": "rule", "strokeWidth": 3},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70},
            "encoding": {"x": x, "y": {**y, "field": "estimate"}, "color": colour, "shape": shape},
        },
    ]
