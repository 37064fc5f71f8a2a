"""Does one command answer from one file of units, in the promised shape and with the right numbers?"""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from analyses import Measure, adjust, difference, moments_of
from tests.cli.quotes import DESIGN, RULE, UNITS, study

TOP = {"arms", "checks", "effects", "relationship", "verdict", "registered", "plan", "bound", "notes"}
RELATIONSHIP = {
    "contrasts", "anderson_rubin", "clr", "bounded", "liml", "tsls", "overidentification", "exclusion_power",
    "breakdown", "differenced", "mechanisms", "rivals",
}  # fmt: skip


def check(answer, name):
    return next(c for c in answer["checks"] if c["name"] == name)


def effect(answer, metric, arm, experiment=None):
    return next(
        e
        for e in answer["effects"]
        if e["metric"] == metric and e["arm"] == arm and experiment in (None, e["experiment"])
    )


def test_the_answer_has_the_promised_shape(analyze, units):
    answer = analyze(units, *UNITS, *RULE, *DESIGN, "--rival", "steps", "--json").json
    assert set(answer) == TOP
    assert [set(a) for a in answer["arms"]] == [{"experiment", "arm", "n"}] * 4
    assert all(set(c) == {"name", "passed", "detail"} for c in answer["checks"])
    assert {"srm", "multiple_exposure", "first_stage"} <= {c["name"] for c in answer["checks"]}
    row = effect(answer, "sales", "bot")
    assert set(row) == {
        "experiment", "metric", "arm", "estimate", "std_error", "interval", "p_value", "relative", "fieller",
        "improvement", "anytime", "anytime_relative", "look", "adjusted", "uncapped", "guardrail",
        "posterior", "multiplicity",
    }  # fmt: skip
    assert row["anytime"] is None, "nobody planned a size for a file"
    assert row["posterior"]["direction_known"] is True
    assert set(row["relative"]) == {"estimate", "interval"}
    assert row["adjusted"] is None
    assert set(answer["relationship"]) >= RELATIONSHIP
    assert {"shape", "set"} <= set(answer["relationship"]["clr"])
    assert set(answer["verdict"]) >= {"state", "label", "slope", "reasons", "needed_units_per_arm"}
    assert answer["registered"] is False


def test_two_mechanisms_and_a_placebo_confirm_the_lever(analyze, units):
    verdict = analyze(units, *UNITS, *RULE, *DESIGN, "--json").json["verdict"]
    assert verdict["state"] == "confirmed"
    low, high = verdict["slope"]["interval"]
    assert low < 0.3 < high


def test_arms_without_a_mechanism_share_one(analyze, units):
    answer = analyze(units, *UNITS, *RULE, "--json").json
    assert [r["code"] for r in answer["verdict"]["reasons"]] == ["one_mechanism"]
    assert len(answer["relationship"]["mechanisms"]) == 1


def test_a_placebo_may_be_one_mechanisms_own_and_counts_as_none(analyze, units):
    shared = analyze(units, *UNITS, *RULE, *DESIGN, "--json").json["relationship"]
    own = analyze(units, *UNITS, *RULE, *DESIGN, "--mechanism", "same=chat bot", "--json").json[
        "relationship"
    ]
    by_name = [{m["name"]: m["p_confirm"] for m in found["mechanisms"]} for found in (shared, own)]
    assert [set(found) for found in by_name] == [{"short form", "chat bot"}] * 2
    assert by_name[0]["short form"] == by_name[1]["short form"]
    assert by_name[0]["chat bot"] != by_name[1]["chat bot"]
    assert shared["clr"] == own["clr"]


def test_without_a_smallest_slope_there_is_a_relationship_and_no_verdict(analyze, units):
    answer = analyze(units, *UNITS, "--better", "lower", *DESIGN, "--json").json
    assert answer["verdict"]["state"] == "inconclusive"
    assert answer["verdict"]["reasons"][0]["code"] == "no_smallest_slope"
    assert answer["relationship"]["clr"]["shape"] == "interval"


def test_every_metric_has_an_effect_per_treatment_arm_raw_as_arm_minus_control(analyze, units):
    data = study()
    answer = analyze(units, *UNITS, *RULE, "--rival", "steps", "--json").json
    assert [(e["metric"], e["arm"]) for e in answer["effects"]] == [
        (metric, arm) for metric in ("wait", "sales", "steps") for arm in ("bot", "form", "same")
    ]
    means = data.groupby("arm")["wait"].mean()
    assert effect(answer, "wait", "bot")["estimate"] == pytest.approx(
        means["bot"] - means["control"], rel=1e-9
    )
    assert effect(answer, "wait", "bot")["relative"]["estimate"] == pytest.approx(
        means["bot"] / means["control"] - 1, rel=1e-9
    )


def test_covariates_sharpen_effects_and_contrasts(analyze, units):
    data = study()
    answer = analyze(units, *UNITS, *RULE, "--covariate", "before", "--json").json
    row = effect(answer, "sales", "bot")
    arms = {
        arm: moments_of(["y", "x"], rows[["sales", "before"]].to_numpy()) for arm, rows in data.groupby("arm")
    }
    means = adjust(arms, [Measure(name="sales", value="y", covariates=("x",))])
    expected = difference(means["control"], means["bot"])[0].absolute
    assert row["adjusted"]["estimate"] == pytest.approx(expected.value, rel=1e-9)
    assert row["adjusted"]["std_error"] == pytest.approx(expected.std_error, rel=1e-9)
    assert row["adjusted"]["std_error"] < 0.8 * row["std_error"]
    contrast = next(c for c in answer["relationship"]["contrasts"] if c["arm"] == "bot")
    assert contrast["kpi_effect"] == pytest.approx(expected.value, rel=1e-9)


def test_a_terminal_shows_the_adjusted_effect_below_the_raw_one(analyze, units):
    lines = analyze(units, *UNITS, *RULE, "--covariate", "before").out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.split()[:2] == ["sales", "bot"])
    arm, estimate = lines[at].index("bot"), lines[at].index("+")
    assert lines[at + 1][arm:].startswith("  adjusted")
    assert lines[at + 1].index("+") == estimate


def test_parquet_gives_what_csv_gives(analyze, units, tmp_path):
    path = tmp_path / "quotes.parquet"
    data = study()
    data.astype({"arm": "category"}).to_parquet(path)
    ours, theirs = (analyze(p, *UNITS, *RULE, "--json").json for p in (units, path))
    assert ours["effects"] == theirs["effects"]
    assert ours["verdict"] == theirs["verdict"]


@pytest.mark.parametrize(
    ("values", "control", "arms"),
    [
        ([0, 1], "0", ["0", "1"]),
        ([0.0, 1.0], "0", ["0", "1"]),
        ([False, True], "false", ["false", "true"]),
        (["no", "yes"], "no", ["no", "yes"]),
    ],
)
def test_arms_of_any_type_are_named_by_their_text(analyze, tmp_path, values, control, arms):
    path = tmp_path / "typed.parquet"
    data = study(400)
    data["treated"] = np.array(values)[(data["arm"] == "bot").astype(int)]
    data.to_parquet(path)
    flags = ("--arm", "treated", "--control", control, "--cpi", "wait", "--kpi", "sales", "--json")
    assert [a["arm"] for a in analyze(path, *flags).json["arms"]] == arms


def test_arms_of_a_csv_file_keep_their_text(analyze, write):
    rows = "".join(f"{arm},{i},{i * i}\n" for i in range(9) for arm in ("01", " 1 ", "1.0"))
    answer = analyze(
        write("a,c,k\n" + rows), "--arm", "a", "--control", "01", "--cpi", "c", "--kpi", "k", "--json"
    ).json
    assert [(a["arm"], a["n"]) for a in answer["arms"]] == [("01", 9), ("1", 9), ("1.0", 9)]


def test_the_order_of_rows_does_not_matter(analyze, units, tmp_path):
    path = tmp_path / "sorted" / "quotes.csv"
    path.parent.mkdir()
    study().sort_values("sales").to_csv(path, index=False)
    ours, theirs = (analyze(p, *UNITS, *RULE, *DESIGN, "--json").json for p in (units, path))
    assert ours["arms"] == theirs["arms"]
    assert ours["verdict"]["state"] == theirs["verdict"]["state"]
    assert ours["verdict"]["slope"]["interval"] == pytest.approx(
        theirs["verdict"]["slope"]["interval"], rel=1e-7
    )


def test_a_kpi_in_other_units_rescales_the_slope(analyze, units, tmp_path):
    path = tmp_path / "cents.csv"
    data = study()
    data["sales"] *= 100
    data.to_csv(path, index=False)
    ours = analyze(units, *UNITS, *RULE, *DESIGN, "--json").json["verdict"]
    cents = analyze(path, *UNITS, "--better", "lower", "--smallest-slope", 10, *DESIGN, "--json").json[
        "verdict"
    ]
    assert cents["state"] == ours["state"]
    assert cents["slope"]["estimate"] == pytest.approx(100 * ours["slope"]["estimate"], rel=1e-6)


def test_slopes_are_per_increment_of_improvement(analyze, units):
    one, half = (
        analyze(units, *UNITS, "--better", "lower", "--increment", x, "--json").json["relationship"]["liml"]
        for x in (1, 0.5)
    )
    assert half["estimate"] == pytest.approx(one["estimate"] / 2, rel=1e-7)
    raw = analyze(units, *UNITS, "--json").json["relationship"]["liml"]["estimate"]
    assert raw == pytest.approx(-one["estimate"], rel=1e-7)


def test_planned_shares_are_checked_and_their_absence_is_said(analyze, units):
    assert check(analyze(units, *UNITS, "--json").json, "srm") == {
        "name": "srm",
        "passed": None,
        "detail": "planned shares not given",
    }
    even = [flag for arm in ("control", "form", "bot", "same") for flag in ("--weight", f"{arm}=25")]
    assert check(analyze(units, *UNITS, *even, "--json").json, "srm")["passed"] is True
    odd = [flag for arm in ("control", "form", "bot") for flag in ("--weight", f"{arm}=1")]
    answer = analyze(units, *UNITS, *RULE, *DESIGN, *odd, "--weight", "same=2", "--json").json
    assert check(answer, "srm")["passed"] is False
    assert answer["verdict"]["state"] == "inconclusive"
    assert answer["verdict"]["reasons"][0]["code"] == "srm"


def test_a_metric_that_some_units_lack_is_averaged_over_those_who_have_it(analyze, tmp_path):
    path = tmp_path / "asked.csv"
    data = study()
    data.loc[np.random.default_rng(51).random(len(data)) < 0.6, "wait"] = np.nan
    data.to_csv(path, index=False)
    answer = analyze(path, *UNITS, *RULE, "--json").json
    means = data.groupby("arm")["wait"].mean()
    assert effect(answer, "wait", "form")["estimate"] == pytest.approx(
        means["form"] - means["control"], rel=1e-9
    )
    moved = check(answer, "observed_set_moved")
    assert moved["passed"] is True
    assert moved["detail"].startswith("wait was seen alike")


def test_a_moved_set_of_observed_units_blocks_the_verdict(analyze, tmp_path):
    path = tmp_path / "asked.csv"
    data = study()
    lost = np.random.default_rng(52).random(len(data)) < np.where(data["arm"] == "bot", 0.5, 0.6)
    data.loc[lost, "wait"] = np.nan
    data.to_csv(path, index=False)
    verdict = analyze(path, *UNITS, *RULE, *DESIGN, "--json").json["verdict"]
    assert verdict["state"] == "inconclusive"
    assert verdict["reasons"][0]["code"] == "observed_set_moved"


def test_missing_covariates_stand_for_their_mean_beside_an_indicator(analyze, tmp_path):
    path = tmp_path / "gaps.csv"
    data = study()
    gaps = np.random.default_rng(53).random(len(data)) < 0.3
    data.assign(before=data["before"].where(~gaps)).to_csv(path, index=False)
    row = effect(analyze(path, *UNITS, "--covariate", "before", "--json").json, "sales", "bot")
    filled = data.assign(
        before=data["before"].where(~gaps, data["before"][~gaps].mean()), gap=gaps.astype(float)
    )
    arms = {
        arm: moments_of(["y", "x", "gap"], rows[["sales", "before", "gap"]].to_numpy(dtype=float))
        for arm, rows in filled.groupby("arm")
    }
    means = adjust(arms, [Measure(name="sales", value="y", covariates=("x", "gap"))])
    expected = difference(means["control"], means["bot"])[0].absolute
    assert row["adjusted"]["estimate"] == pytest.approx(expected.value, rel=1e-8)
    assert row["adjusted"]["std_error"] == pytest.approx(expected.std_error, rel=1e-8)


def test_rows_without_an_arm_are_counted_and_left_out(analyze, tmp_path):
    path = tmp_path / "strays.csv"
    data = study(400)
    data.loc[:9, "arm"] = ""
    data.to_csv(path, index=False)
    answer = analyze(path, *UNITS, "--json").json
    assert sum(a["n"] for a in answer["arms"]) == 390
    stray = check(answer, "unassigned")
    assert stray["passed"] is False
    assert stray["detail"].startswith("10 of 400 rows")


def test_a_kpi_bought_with_the_cpi_raises_the_alarm_and_blocks_nothing(analyze, units):
    answer = analyze(units, *UNITS, "--smallest-slope", 0.1, *DESIGN, "--better", "higher", "--json").json
    assert check(answer, "kpi_up_cpi_down")["passed"] is False
    assert "kpi_up_cpi_down" not in {r["code"] for r in answer["verdict"]["reasons"]}


def test_experiments_of_one_file_have_their_own_controls(analyze, tmp_path):
    path = tmp_path / "two.csv"
    first, second = study(seed=54).assign(trial="spring"), study(seed=55).assign(trial="autumn")
    second["wait"] += 5
    pd.concat([first, second]).sample(frac=1, random_state=1).to_csv(path, index=False)
    answer = analyze(path, *UNITS, *RULE, *DESIGN, "--experiment", "trial", "--json").json
    for name, data in (("spring", first), ("autumn", second)):
        means = data.groupby("arm")["wait"].mean()
        found = effect(answer, "wait", "bot", name)
        assert found["estimate"] == pytest.approx(means["bot"] - means["control"], rel=1e-9)
    assert len(answer["relationship"]["contrasts"]) == 6
    assert [c["detail"].split(":")[0] for c in answer["checks"] if c["name"] == "srm"] == ["autumn", "spring"]
    assert answer["verdict"]["state"] == "confirmed"


def test_eight_experiments_of_one_file_are_judged_by_the_rule_for_many(analyze, tmp_path):
    path = tmp_path / "many.csv"
    pd.concat([study(400, seed=60 + k).assign(trial=k) for k in range(8)]).to_csv(path, index=False)
    flags = (*UNITS, *RULE, *DESIGN, "--experiment", "trial")
    answer = analyze(path, *flags, "--json").json
    many = answer["relationship"]["many"]
    assert many["heterogeneity"]["df"] == len(answer["relationship"]["contrasts"]) - 1 == 23
    assert answer["verdict"]["slope"]["interval"] == many["interval"]["set"][0]
    assert answer["relationship"]["breakdown"]["not_estimable"]["reason"] == "many_experiments"
    assert len(answer["effects"]) == 8 * 2 * 3
    assert "may differ" in analyze(path, *flags).out


def test_a_rival_that_moved_as_the_cpi_did_shares_the_credit(analyze, tmp_path):
    path = tmp_path / "rival.csv"
    data = study()
    data["steps"] += -0.5 * (data["arm"] == "form") - 1.0 * (data["arm"] == "bot")
    data.to_csv(path, index=False)
    answer = analyze(path, *UNITS, *RULE, *DESIGN, "--rival", "steps", "--json").json
    assert answer["relationship"]["rivals"][0]["co_moved"] is True
    assert answer["verdict"]["state"] == "inconclusive"
    assert "credit_shared" in {r["code"] for r in answer["verdict"]["reasons"]}


def test_the_bound_is_said_known_or_unknown(analyze, units):
    unknown = analyze(units, *UNITS, *RULE, "--json").json
    assert (unknown["bound"], unknown["plan"]["direct_effect_bound"]) == ("unknown", "unknown")
    assert any("unknown" in note for note in unknown["notes"])
    assert unknown["relationship"]["bounded"] is None
    known = analyze(units, *UNITS, *RULE, "--direct-effect-bound", 0, "--json").json
    assert known["bound"] == 0
    assert set(known["relationship"]["bounded"]) == {"shape", "set"}
    assert known["verdict"]["state"] == "confirmed"


def test_the_nsw_experiment_gives_the_published_earnings_effect(analyze, tmp_path):
    """Dehejia & Wahba (1999), table 2: 1,794 dollars of 1978 with standard error 633 (pooled; Welch 671)."""
    from causaldata import nsw_mixtape

    path = tmp_path / "nsw.csv"
    data = nsw_mixtape.load_pandas().data
    data.assign(employed=(data["re78"] > 0).astype(int)).to_csv(path, index=False)
    answer = analyze(
        path,
        "--arm",
        "treat",
        "--control",
        "0",
        "--cpi",
        "employed",
        "--kpi",
        "re78",
        "--covariate",
        "re75",
        "--json",
    ).json
    assert [(a["arm"], a["n"]) for a in answer["arms"]] == [("0", 260), ("1", 185)]
    earnings = effect(answer, "re78", "1")
    assert earnings["estimate"] == pytest.approx(1794.34, abs=0.01)
    assert earnings["std_error"] == pytest.approx(671.0, abs=0.1)
    assert earnings["relative"]["estimate"] == pytest.approx(6349.14 / 4554.80 - 1, abs=1e-5)
    employed = effect(answer, "employed", "1")
    assert employed["estimate"] == pytest.approx(140 / 185 - 168 / 260, abs=1e-12)
    assert answer["relationship"]["liml"]["estimate"] == pytest.approx(
        next(c["kpi_effect"] / c["cpi_effect"] for c in answer["relationship"]["contrasts"]),
        rel=1e-6,
    )


@pytest.mark.parametrize("columns", ["80", "120"])
def test_people_get_tables_that_fit_and_end_in_a_sentence(units, columns):
    flags = (*UNITS, *RULE, *DESIGN, "--rival", "steps", "--covariate", "before")
    said = subprocess.run(
        [sys.executable, "-m", "service.cli", "analyze", str(units), *flags],
        env={"COLUMNS": columns, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert max(map(len, said.splitlines())) <= int(columns)
    for title in ("Arms", "Checks", "Effects", "Does the CPI move the KPI?", "Verdict: confirmed"):
        assert title in said
    assert "sales" in said
    assert said.strip().splitlines()[-1].endswith(".")


def test_names_are_never_read_as_markup(analyze, tmp_path):
    path = tmp_path / "markup.csv"
    data = study(400).replace({"arm": {"bot": "[red]bot[/red]", "form": ":smile: [/]"}})
    data.to_csv(path, index=False)
    said = analyze(path, *UNITS)
    assert said.code == 0
    assert "[red]bot[/red]" in said.out
    assert ":smile: [/]" in said.out
