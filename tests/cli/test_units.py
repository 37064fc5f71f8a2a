"""With --unit: is each unit in one arm, and what becomes of those who are not?"""

import pandas as pd
import pytest

from tests.cli.quotes import DESIGN, RULE, UNITS, study


def exposure(answer):
    return next(c for c in answer["checks"] if c["name"] == "multiple_exposure")


def named(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(customer=[f"c{number}" for number in range(len(data))])


def moved(data: pd.DataFrame, count: int) -> pd.DataFrame:
    """The first rows of the control arm once more, in the arm bot, with absurd values."""
    again = data[data["arm"] == "control"].head(count).assign(arm="bot", wait=1e6, sales=1e6)
    return pd.concat([again, data])


@pytest.fixture
def asked(analyze, tmp_path):
    def run(data: pd.DataFrame, *flags: str):
        path = tmp_path / "units.csv"
        data.to_csv(path, index=False)
        return analyze(path, *UNITS, *RULE, *DESIGN, *flags, "--json")

    return run


def test_where_everybody_is_in_one_arm_nothing_changes_but_the_check(asked):
    data = named(study(400))
    without, answer = asked(data).json, asked(data, "--unit", "customer").json
    assert exposure(without)["passed"] is None
    assert exposure(answer) == {
        "name": "multiple_exposure", "passed": True, "detail": "every unit was seen in one arm",
    }  # fmt: skip
    assert answer["effects"] == without["effects"]


def test_who_is_in_two_arms_is_left_out_of_both_and_counted(asked):
    data = named(study(4000))
    several = moved(data, 10)
    once = data[~data["customer"].isin(several["customer"].head(10))]
    answer = asked(several, "--unit", "customer").json
    assert exposure(answer)["passed"] is True
    assert exposure(answer)["detail"].startswith("10 of 4,000 units (0.25%)")
    assert answer["effects"] == asked(once, "--unit", "customer").json["effects"]
    assert next(c for c in answer["checks"] if c["name"] == "unassigned")["passed"] is True


def test_more_than_one_in_a_hundred_blocks_the_verdict(asked):
    answer = asked(moved(named(study(4000)), 60), "--unit", "customer").json
    assert exposure(answer)["passed"] is False
    assert answer["verdict"]["state"] == "inconclusive"
    assert answer["verdict"]["reasons"][0]["code"] == "multiple_exposure"


def test_a_unit_twice_in_one_arm_is_named(asked):
    data = named(study(400))
    answered = asked(pd.concat([data, data.iloc[[7]]]), "--unit", "customer")
    assert answered.code == 1
    assert f"the unit 'c7' is twice in the arm '{data['arm'][7]}' (again in row 401)" in answered.err


def test_a_row_without_its_unit_is_named_unless_it_has_no_arm(asked):
    data = named(study(400))
    data.loc[5, "customer"] = ""
    answered = asked(data, "--unit", "customer")
    assert answered.code == 1
    assert "column 'customer' is empty in row 6" in answered.err
    data.loc[5, "arm"] = ""
    assert asked(data, "--unit", "customer").code == 0


def test_a_unit_may_be_in_an_arm_of_each_experiment(asked):
    both = pd.concat(
        [named(study(400, seed=1)).assign(trial="a"), named(study(400, seed=2)).assign(trial="b")]
    )
    checks = asked(both, "--unit", "customer", "--experiment", "trial").json["checks"]
    found = [(c["passed"], c["detail"]) for c in checks if c["name"] == "multiple_exposure"]
    assert found == [(True, f"{trial}: every unit was seen in one arm") for trial in "ab"]
