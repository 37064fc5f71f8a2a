"""Does a file of contrasts give the answer that its units would have given, and is a wrong one refused?"""

import pandas as pd
import pytest

from tests.cli.quotes import RULE, UNITS, study

HEAD = "experiment,arm,mechanism,cpi_effect,kpi_effect,var_cpi,cov,var_kpi"
SHARED = HEAD + ",control_var_cpi,control_cov,control_var_kpi"
ROW = "x,a,form,-0.4,0.13,1e-4,1e-5,2e-4"
TWIN = "x,b,form,-0.4,0.13,1e-4,1e-5,2e-4"


@pytest.fixture
def contrasts(analyze, units, tmp_path):
    """The contrasts that the unit file itself publishes, with the control's part of the variances."""
    answer = analyze(
        units, *UNITS, *RULE, "--mechanism", "form=form", "--mechanism", "bot=bot", "--json"
    ).json
    control = study().query("arm == 'control'")
    shared = control[["wait", "sales"]].cov() / len(control)
    rows = [
        {
            **{k: c[k] for k in HEAD.split(",")},
            "control_var_cpi": shared.loc["wait", "wait"],
            "control_cov": shared.loc["wait", "sales"],
            "control_var_kpi": shared.loc["sales", "sales"],
        }
        for c in answer["relationship"]["contrasts"]
    ]
    path = tmp_path / "contrasts.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_a_control_whose_cpi_is_constant_is_fine(analyze, tmp_path):
    path = tmp_path / "constant.csv"
    rows = [f"e,{arm},{arm},{a},{a * 0.3},0.0004,0.0001,0.002,0,0,0.001" for arm, a in (("s", 0.5), ("t", 1))]
    path.write_text("\n".join([SHARED, *rows]))
    answer = analyze("--contrasts", path, "--smallest-slope", "0.1", "--json").json
    assert answer["relationship"]["clr"]["shape"] == "interval"


def test_contrasts_give_the_verdict_of_their_units(analyze, units, contrasts):
    design = ("--mechanism", "form=form", "--mechanism", "bot=bot")
    theirs = analyze(units, *UNITS, *RULE, *design, "--placebo", "same", "--json").json
    ours = analyze("--contrasts", contrasts, *RULE, "--placebo", "same", "--json").json
    assert ours["verdict"]["state"] == theirs["verdict"]["state"] == "confirmed"
    for name in ("anderson_rubin", "clr", "differenced"):
        for left, right in zip(
            ours["relationship"][name]["set"], theirs["relationship"][name]["set"], strict=True
        ):
            assert left == pytest.approx(right, rel=1e-6)


def test_the_shape_is_that_of_a_unit_file_without_units(analyze, contrasts):
    answer = analyze("--contrasts", contrasts, *RULE, "--json").json
    assert [(a["arm"], a["n"]) for a in answer["arms"]] == [("bot", None), ("form", None), ("same", None)]
    assert {(e["metric"], e["arm"]) for e in answer["effects"]} == {
        (m, a) for m in ("cpi", "kpi") for a in ("bot", "form", "same")
    }
    assert all(e["relative"]["not_estimable"]["reason"] == "no_control_mean" for e in answer["effects"])
    by_name = {c["name"]: c["passed"] for c in answer["checks"]}
    assert by_name["srm"] is None
    assert by_name["first_stage"] is True
    assert analyze("--contrasts", contrasts, *RULE).code == 0


def test_one_row_per_experiment_needs_no_control_variances(analyze, write):
    path = write(f"{HEAD}\n{ROW}\n{ROW.replace('x,a,form', 'y,a,bot')}\n")
    answer = analyze("--contrasts", path, *RULE, "--json").json
    assert len(answer["relationship"]["contrasts"]) == 2


def test_an_empty_mechanism_is_the_shared_unnamed_one(analyze, write):
    path = write(f"{HEAD}\n{ROW.replace('form', '')}\n{ROW.replace('x,a,form', 'y,a,')}\n")
    answer = analyze("--contrasts", path, *RULE, "--json").json
    assert len(answer["relationship"]["mechanisms"]) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        (HEAD + "\n", "has a header and no rows"),
        (HEAD.replace(",cov", "") + "\n", "no column 'cov'"),
        (f"{HEAD}\n{ROW}\n{TWIN}\n", "arms share their control"),
        (f"{SHARED}\n{ROW},,,\n{TWIN},,,\n", "arms share their control"),
        (f"{HEAD}\n{ROW}\n{ROW}\n", "row 2 (experiment x, arm a): the same arm stands in row 1"),
        (f"{HEAD}\n{ROW.replace('1e-4', '0')}\n", "row 1 (experiment x, arm a): var_cpi is 0"),
        (f"{HEAD}\n{ROW.replace('2e-4', '-1')}\n", "var_kpi is -1"),
        (f"{HEAD}\n{ROW.replace('1e-5', '0.1')}\n", "cov is 0.1"),
        (f"{HEAD}\n{ROW.replace('1e-5', '')}\n", "row 1 (experiment x, arm a): cov is missing"),
        (f"{HEAD}\n{ROW.replace('x,', ',')}\n", "expected an experiment and an arm in every row"),
        (f"{HEAD}\n{ROW.replace('0.13', 'inf')}\n", "column 'kpi_effect' has inf in row 1"),
        (f"{HEAD}\n{ROW.replace('0.13', 'big')}\n", "column 'kpi_effect' has 'big' in row 1"),
        (f"{SHARED}\n{ROW},2e-4,0,1e-4\n", "the control's share of the variance exceeds the whole"),
        (f"{SHARED}\n{ROW},5e-5,,1e-4\n", "control_cov is missing"),
        (f"{SHARED}\n{ROW},5e-5,0,1e-4\n{TWIN},4e-5,0,1e-4\n", "differ from those in row 1"),
        (f"{HEAD},control_cov\n{ROW},0\n", "expected all of control_var_cpi"),
    ],
)
def test_a_wrong_file_exits_with_1_and_names_the_row(analyze, write, content, said):
    answered = analyze("--contrasts", write(content), *RULE, "--json")
    assert answered.code == 1
    assert said in answered.err
    assert answered.out == ""


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--placebo", "z"), "--placebo names the arm 'z'; the arms are a"),
        (("--arm", "a"), "only a file of units can be read with --arm"),
        (("--rival", "steps", "--weight", "a=1"), "read with --weight, --rival"),
        (("--increment", "-1"), "--increment"),
    ],
)
def test_wrong_usage_exits_with_2(analyze, write, flags, said):
    answered = analyze("--contrasts", write(f"{HEAD}\n{ROW}\n"), *flags)
    assert answered.code == 2
    assert said in answered.err


def test_a_file_and_contrasts_together_are_wrong_usage(analyze, write, units):
    answered = analyze(units, "--contrasts", write(f"{HEAD}\n{ROW}\n"))
    assert answered.code == 2
    assert "got both" in answered.err


def test_a_cpi_that_nobody_moved_is_answered(analyze, write):
    path = write(f"{HEAD}\n{ROW.replace('-0.4,0.13', '0,0')}\n")
    answer = analyze("--contrasts", path, *RULE, "--json").json
    assert answer["verdict"]["state"] == "inconclusive"
    assert answer["relationship"]["anderson_rubin"]["shape"] == "line"
    assert analyze("--contrasts", path, *RULE).code == 0
