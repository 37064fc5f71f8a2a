"""Worked examples of designs that nobody randomised: real studies where one is at hand."""

import causaldata
import numpy as np

import analyses
from analyses import Course, Panel, Series, Threshold
from tests.methods.showing import show


def castle_laws() -> None:
    """Castle doctrine laws of 21 states and homicides, as logarithms (Cheng & Hoekstra 2013 report .08)."""
    rows = causaldata.castle.load_pandas().data
    homicides = rows.pivot(index="sid", columns="year", values="l_homicide")
    law = rows.pivot(index="sid", columns="year", values="post").to_numpy() > 0
    panel = Panel(
        outcomes=("homicides",),
        groups=tuple(map(str, homicides.index)),
        periods=tuple(map(str, homicides.columns)),
        values=homicides.to_numpy()[None],
        adopted=tuple(int(row.argmax()) if row.any() else None for row in law),
        sizes=tuple(rows.groupby("sid")["popwt"].mean()),
    )
    found = analyses.difference_in_differences(panel)
    effect = found.overall.effects[0]
    show("effect", (effect.value, effect.interval.lower, effect.interval.upper))
    show("parallel before", found.checks[0].passed)
    show("placebo p", found.placebo_p[0])


def texas_prisons() -> None:
    """Texas doubled its prisons in 1993: black men in prison, against a mix of states (Cunningham 2021)."""
    rows = causaldata.texas.load_pandas().data.pivot(index="state", columns="year", values="bmprison")
    panel = Panel(
        outcomes=("prisoners",),
        groups=tuple(rows.index),
        periods=tuple(map(str, rows.columns)),
        values=rows.to_numpy(dtype=float)[None],
        adopted=tuple(8 if name == "Texas" else None for name in rows.index),
    )
    found = analyses.synthetic_control(panel)
    show("mix", found.weights)
    show("effect", found.effects[0].value, "p", found.effects[0].p_value)
    show("fits before", found.checks[0].passed)


def a_change_of_routing() -> None:
    """Minutes to a quote, and orders, over 100 days; on the 60th, routing of calls changed."""
    rng = np.random.default_rng(4)
    day = np.arange(100)
    week = np.sin(2 * np.pi * day / 7)
    minutes = 30 + 2 * week - 4 * (day >= 60) + rng.standard_normal(100)
    orders = 500 + 20 * week + 0.5 * day + 24 * (day >= 60) + 10 * rng.standard_normal(100)
    series = Series(outcomes=("minutes", "orders"), values=np.stack([minutes, orders]), start=60, season=7)
    found = analyses.interrupted_series(series)
    slope = analyses.quasi_slope(found.overall, "minutes", "orders")
    show("minutes", found.overall.effects[0].value, "orders", found.overall.effects[1].value)
    show("orders per minute", slope.value, slope.confidence.pieces)
    show("earlier dates with an effect", found.placebo_share)


def close_elections() -> None:
    """Close elections to the House and how the elected vote (Lee, Moretti & Butler 2004 report 21.2)."""
    rows = causaldata.close_elections_lmb.load_pandas().data.dropna()
    threshold = Threshold(
        outcomes=("score",),
        score=rows["lagdemvoteshare"].to_numpy(dtype=float),
        values=rows[["score"]].to_numpy(dtype=float),
        cutoff=0.5,
    )
    found = analyses.regression_discontinuity(threshold)
    effect = found.jump.effects[0]
    show("jump", (effect.value, effect.interval.lower, effect.interval.upper))
    show("bandwidth", found.bandwidth, "units", found.units)
    show("not crowded", found.checks[0].passed)


def waiting_and_leaving() -> None:
    """Ten teams over 60 weeks: customers who waited leave, weeks later."""
    rng = np.random.default_rng(5)
    waited, left = np.zeros((10, 60)), np.zeros((10, 60))
    for week in range(1, 60):
        waited[:, week] = 0.7 * waited[:, week - 1] + rng.standard_normal(10)
        left[:, week] = 0.5 * left[:, week - 1] + 0.3 * waited[:, week - 1] + rng.standard_normal(10)
    course = Course(groups=tuple(map(str, range(10))), cpi=waited, kpi=left)
    found = analyses.leading_indicator(course, horizon=2)
    there, back = found.kpi_by_cpi, found.cpi_by_kpi
    show("leaving by waiting", there.gain, (there.interval.lower, there.interval.upper), "p", there.p_value)
    show("waiting by leaving", back.gain, (back.interval.lower, back.interval.upper), "p", back.p_value)


QUASI = {
    "difference-in-differences": castle_laws,
    "interrupted-series": a_change_of_routing,
    "leading-indicator": waiting_and_leaving,
    "regression-discontinuity": close_elections,
    "synthetic-control": texas_prisons,
}
"""By page."""
