"""Do pages say in words and shapes what a kept result says in numbers?"""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from service.charts.chart import Theme, themed
from service.charts.drawing import svg
from service.charts.experiment import Grown, arrivals_chart, growth_chart
from service.charts.slopes import Allowed, Line, exclusion_chart, forest_chart
from service.charts.trend import Expected, Stood, trend_chart
from service.evidence.kept import KeptBelief, KeptResult
from service.kit.words import Words
from service.web import experiment_shown

HOSTILE = "<script>alert(1)</script>\u202e\"'" + "x" * 150
WORDS = Words.of("zh")
DAYS = [date(2026, 11, day) for day in (1, 2, 3)]
CHARTS = {
    "arrivals": arrivals_chart(WORDS, DAYS, {"control": [1, 2, 3], HOSTILE: [3, 2, 1]}),
    "growth": growth_chart(
        WORDS, HOSTILE, "minute", [Grown(day=DAYS[0], arm="fast", units=9, estimate=1.0, low=0.5, high=1.5)]
    ),
    "forest": forest_chart(
        WORDS,
        title="Slopes",
        alt="Slopes",
        unit="unit",
        smallest=0.2,
        lines=[
            Line(name=HOSTILE, kind="first", estimate=0.3, low=0.1, high=0.5),
            Line(name="open", kind="second", estimate=0.3, low=None, high=None),
        ],
    ),
    "exclusion": exclusion_chart(
        WORDS,
        kpi="KPI",
        unit="unit",
        allowed=[Allowed(bound=0.0, low=0.1, high=0.5), Allowed(bound=1.0, low=-0.5, high=1.0)],
        breakdown=0.2,
        registered=0.1,
    ),
    "trend": trend_chart(
        WORDS,
        HOSTILE,
        "minute",
        [Stood(day=day, level=4.0, units=100) for day in DAYS],
        [Expected(segment=HOSTILE, level=2.0)],
    ),
}


def test_an_expectation_far_above_all_levels_is_told_and_not_drawn() -> None:
    words, far = Words.of("en"), Expected(segment="fleet owners", level=1440.0)
    near, stood = Expected(segment="consumers", level=0.5), [Stood(day=DAYS[0], level=6.0, units=9)]
    chart = trend_chart(words, "Quick quote", "minute", stood, [near, far])
    assert chart.title.endswith("expected far above the picture: fleet owners 1,440")
    drawn = str(chart.spec)
    assert "consumers" in drawn
    assert "fleet owners" not in drawn
    assert "fleet owners" in chart.alt


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("theme", list(Theme))
def test_each_chart_is_drawn_with_its_alternatives_and_hostile_names_are_text(
    name: str, theme: Theme
) -> None:
    chart = CHARTS[name]
    picture = svg(themed(chart.spec, theme))
    assert picture.startswith("<svg")
    assert "<script" not in picture
    assert chart.alt
    assert chart.rows
    assert {len(row) for row in chart.rows} == {len(chart.columns)}


def test_units_that_came_are_added_up_day_by_day() -> None:
    rows = CHARTS["arrivals"].rows
    assert [row[2:] for row in rows if row[0] == "2026年11月3日"] == [(3.0, 6.0), (1.0, 6.0)]


def test_units_in_the_tables_of_charts_are_counted_exactly() -> None:
    grown = Grown(day=DAYS[0], arm="fast", units=10_243, estimate=1.0, low=0.5, high=1.5)
    stood = Stood(day=DAYS[0], level=4.0, units=10_243)
    ((*_, of_growth, _, _, _),) = growth_chart(WORDS, "Wait", "minute", [grown]).rows
    ((*_, of_trend),) = trend_chart(WORDS, "Wait", "minute", [stood], []).rows
    assert [WORDS.number(of_growth), WORDS.number(of_trend)] == ["10,243", "10,243"]


def test_an_open_slope_stands_in_the_table_and_not_in_the_picture() -> None:
    chart = CHARTS["forest"]
    assert len(chart.rows) == 2
    assert len(chart.spec["data"]["values"]) == 1


def result(**parts) -> KeptResult:
    return KeptResult.model_validate(parts)


def check(name: str, *, passed: bool | None) -> dict[str, object]:
    return {"name": name, "passed": passed, "detail": f"{name} told", "gates": True}


def verdict(state: str, hypothesis_id: str) -> dict[str, object]:
    told = {
        "state": state,
        "label": None,
        "slope": {"estimate": 1.0, "interval": [0.5, 1.5]},
        "reasons": [],
        "needed_units_per_arm": None,
        "sentence": f"{state} told",
    }
    return {"hypothesis_id": hypothesis_id, "judgement": {"verdict": told}}


ONE, TWO = SimpleNamespace(id="hyp_1"), SimpleNamespace(id="hyp_2")
CONFIRMED, REJECTED = verdict("confirmed", "hyp_1"), verdict("rejected", "hyp_2")
DECISIONS = [
    ({}, [ONE], False, "not_analysed"),
    (
        {"checks": [check("srm", passed=False)], "hypotheses": [CONFIRMED]},
        [ONE],
        True,
        "not_trusted",
    ),
    ({"why_not_final": "still open"}, [ONE], True, "not_final"),
    ({"hypotheses": [CONFIRMED]}, [ONE], True, "said"),
    (
        {"hypotheses": [CONFIRMED, REJECTED]},
        [ONE, TWO],
        True,
        "several",
    ),
    (
        {
            "hypotheses": [CONFIRMED],
            "effects": [{"metric": "m", "arm": "a", "guardrail": {"harm_beyond_margin": "shown"}}],
        },
        [ONE],
        True,
        "harmed",
    ),
]


@pytest.mark.parametrize(("parts", "tested", "analysed", "told"), DECISIONS)
def test_one_sentence_says_what_to_do(parts, tested, analysed, told) -> None:
    name, values = experiment_shown.decision(result(**parts), tested, analysed=analysed)
    assert name == told
    if name == "several":
        assert (values["confirmed"], values["rejected"], values["n"]) == (1, 1, 2)


def test_the_banner_asks_four_questions_and_names_whatever_else_failed() -> None:
    checks = result(
        checks=[
            check("srm", passed=True),
            check("srm_by_day", passed=False),
            check("covariate_balance", passed=None),
            check("novelty", passed=False),
            check("clusters", passed=True),
        ]
    ).checks
    found = {one.name: one.passed for one in experiment_shown.quality(checks)}
    assert found == {"srm": False, "multiple": None, "attrition": None, "balance": None, "other": False}


def test_units_fall_out_in_order_until_the_analysed_are_left() -> None:
    found = experiment_shown.funnel(
        result(units={"multiple_arms": 5, "not_exposed": 0, "window_open": 10}), 85
    )
    assert [(one.state, one.n, one.left) for one in found] == [
        ("multiple_arms", 5, 95),
        ("window_open", 10, 85),
    ]


def plan(**changes) -> SimpleNamespace:
    return SimpleNamespace(**({"id": "exp_1", "stopped_at": None, "planned_units": 100} | changes))


def test_the_end_is_foretold_from_the_last_week_while_it_runs() -> None:
    days = [f"2026-11-{day:02}" for day in range(1, 11)]
    found = result(
        arms=[{"experiment": "exp_1", "arm": "control", "n": 60}],
        daily={"days": days, "units": {"control": [0, 0, 0, 5, 5, 5, 5, 5, 5, 5], "fast": [0] * 3 + [5] * 7}},
    )
    at = datetime(2026, 11, 10, tzinfo=UTC)
    assert experiment_shown.progress(plan(), found, at).end == date(2026, 11, 14)  # 40 at 10 a day
    assert experiment_shown.progress(plan(stopped_at=at), found, at).end is None
    assert experiment_shown.progress(plan(planned_units=60), found, at).end is None
    assert experiment_shown.progress(plan(), result(), at).end is None


def test_a_posterior_is_a_hill_over_its_mean_with_nothing_in_the_picture() -> None:
    hill = experiment_shown.density(KeptBelief(mean=2.0, deviation=0.5, interval=(1.0, 3.0)))
    assert hill.zero == 0.0
    assert hill.low < hill.mean < hill.high
    assert (hill.low, hill.mean, hill.high) == pytest.approx((25.0, 50.0, 75.0))
    assert experiment_shown.density(KeptBelief(mean=2.0, deviation=0.0, interval=(2.0, 2.0))) is None
