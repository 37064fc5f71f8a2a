"""Is the real study loaded in full, and does the figure that the demo calls published come out of it?"""

import numpy as np
import pandas as pd
import pytest
from linearmodels.iv import IV2SLS

from service.cli.demo.stories import neighbours
from service.cli.demo.stories.neighbours import PUBLISHED, STORY, farmers
from service.cli.demo.story import ARRIVAL
from service.kit.clock import now

CONTROLS = ["male", "age", "agpop", "ricearea_2010", "literacy", "intensive", "risk_averse", "disaster_prob"]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    from causaldata import social_insure

    return social_insure.load_pandas().data


def test_without_the_data_package_the_demo_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "find_spec", lambda _: None)
    with pytest.raises(neighbours.MissingData, match=r"leverboard\[demo\]"):
        farmers.__wrapped__()


def test_every_farmer_and_every_village_is_there(data: pd.DataFrame) -> None:
    found = farmers()
    assert len(found.bought) == len(data) == 1410
    assert len(found.default_to_buy) == data["address"].nunique() == 166
    assert STORY.trials[0].planned_units == 166


def test_the_default_was_drawn_by_village_and_so_is_the_analysis(data: pd.DataFrame) -> None:
    assert (data.groupby("address")["default"].agg(["min", "max"]).diff(axis=1)["max"] == 0).all()
    assert (data.groupby("address")["pre_takeup_rate"].agg(["min", "max"]).diff(axis=1)["max"] == 0).all()


def test_the_published_slope_comes_out_of_the_authors_specification(data: pd.DataFrame) -> None:
    """Two-stage least squares with village effects and covariates, clustered by natural village."""
    known = data.dropna()
    villages = pd.get_dummies(known["village"]).astype(float)
    controls = pd.concat([known[CONTROLS], villages], axis=1)
    model = IV2SLS(known["takeup_survey"], controls, known["pre_takeup_rate"], known["default"])
    fit = model.fit(cov_type="clustered", clusters=known["address"].astype("category").cat.codes)
    slope, error = PUBLISHED
    assert fit.params["pre_takeup_rate"] == pytest.approx(slope, abs=0.005)
    assert fit.std_errors["pre_takeup_rate"] == pytest.approx(error, abs=0.005)


def test_facts_are_one_assignment_a_village_and_one_outcome_a_farmer() -> None:
    start = now()
    facts = STORY.facts(0, "exp_0123456789", start)
    assert facts.assignments.num_rows == 166
    assert set(facts.assignments["arm"].to_pylist()) == set(STORY.trials[0].arm_names)
    assert all(start < time <= start + ARRIVAL for time in facts.assignments["time"].to_pylist())
    assert facts.outcomes.num_rows == 1410
    bought = [text == '{"bought": true}' for text in facts.outcomes["properties"].to_pylist()]
    assert np.mean(bought) == pytest.approx(0.46383, abs=1e-5)
    assert set(facts.outcomes["unit"].to_pylist()) == set(facts.assignments["unit"].to_pylist())
