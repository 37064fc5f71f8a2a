"""Is every file that cannot be analysed, and every call that makes no sense, told in one clear line?"""

import gzip

import numpy as np
import pandas as pd
import pytest

from tests.cli.quotes import RULE, UNITS, study

SHORT = ("--arm", "a", "--control", "0", "--cpi", "c", "--kpi", "k")
ROWS = "".join(f"{i % 2},{i % 7},{i % 5 + i % 2}\n" for i in range(40))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "file.csv is empty"),
        ("\n\n", "file.csv"),
        ("a,c,k\n", "has a header and no rows"),
        ("a,c,k", "file.csv"),
        ("a,c\n0,1\n1,2\n", "no column 'k'; it has a, c"),
        ("a,c,k,k\n0,1,2,3\n", "2 columns named 'k'"),
        ("a,c,k\n0,1,2\n0,2,3\n", "every unit is in the arm '0'"),
        ("a,c,k\n1,1,2\n2,2,3\n", "no unit is in the control arm '0'; the arms are 1, 2"),
        ("a,c,k\n,1,2\n,2,3\n", "has 2 rows, none with an arm"),
        ("a,c,k\n0,1,2\n1,many,3\n", "column 'c' has 'many' in row 2, expected a number"),
        ("a,c,k\n0,1,2\n1,1_000,3\n", "column 'c' has '1_000' in row 2"),
        ("a,c,k\n0,1,2\n1,inf,3\n", "column 'c' has inf in row 2"),
        ("a,c,k\n0,1,2\n1,1e200,3\n", "column 'c' has 1e+200 in row 2"),
        ("a,c,k\n0,1,2\n1,2,3,4\n", "cannot be read"),
        (b"a,c,k\n0,1,2\n\xfcb,2,3\n", "not UTF-8, perhaps Latin-1: line 3 has the byte 0xfc"),
        (b"a,\xe9,k\n0,1,2\n", "not UTF-8, perhaps Latin-1: line 1 has the byte 0xe9; save it as CSV UTF-8"),
        ("a,c,k\n0,1,2\n".encode("utf-16"), "file.csv is UTF-16"),
        ("a,c,k\n0,1,2\n".encode("utf-16-le"), "binary or UTF-16"),
        (b"PK\x03\x04\x00sheet", "a spreadsheet or another zip"),
        (bytes(range(256)) * 9, "binary or UTF-16"),
        ("a;c;k\n0;1;2\n", "looks separated by semicolons, expected commas: save it with commas"),
        ('"k";"a";"c"\r\n0;1,5;2\r\n', "looks separated by semicolons"),
        ("a\tc\tk\n0\t1\t2\n", "looks separated by tabs"),
        ("a,c\x1b[31m\n0,1\n", r"it has a, c\x1b[31m"),
        ("a,c,k\n\x1b]0;owned\x07,1,2\n", r"the arms are \x1b]0;owned\x07"),
        (b"PAR1 and then nothing", "cannot be read"),
    ],
)
def test_data_that_cannot_be_analysed_exit_with_1_and_a_reason(analyze, write, content, said):
    answered = analyze(write(content), *SHORT, "--json")
    assert answered.code == 1
    assert said in answered.err
    assert answered.out == ""


def test_a_file_that_is_not_there_is_named(analyze, tmp_path):
    answered = analyze(tmp_path / "nowhere.csv", *SHORT)
    assert answered.code == 1
    assert "nowhere.csv cannot be opened" in answered.err
    assert analyze(tmp_path, *SHORT).code == 1


def test_no_answer_prints_what_a_terminal_would_obey(analyze, write):
    content = write(("a,c\x1b[7m,k\n" + ROWS).replace("\n1,", "\n\x1b[31m,"))
    answered = analyze(content, *SHORT[:4], "--cpi", "c\x1b[7m", *SHORT[6:])
    assert answered.code == 0
    assert "\x1b" not in answered.out
    assert r"\x1b[31m" in answered.out


@pytest.mark.parametrize("kind", ["timestamp", "list"])
def test_a_parquet_column_that_is_no_number_is_named(analyze, tmp_path, kind):
    path = tmp_path / "typed.parquet"
    value = {"timestamp": pd.Timestamp("2026-01-01"), "list": [1, 2]}[kind]
    pd.DataFrame({"a": ["0", "1"], "c": [value, value], "k": [1.0, 2.0]}).to_parquet(path)
    answered = analyze(path, *SHORT)
    assert answered.code == 1
    assert "column 'c' holds" in answered.err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--arm", "a", "--control", "0"), "--cpi, --kpi must be given"),
        ((*SHORT, "--mechanism", "2=form"), "--mechanism names the arm '2'; the arms are 0, 1"),
        ((*SHORT, "--mechanism", "0=form"), "names the control arm"),
        ((*SHORT, "--mechanism", "form"), "expected ARM=NAME"),
        ((*SHORT, "--placebo", "2"), "--placebo names the arm '2'"),
        ((*SHORT, "--weight", "1=0.5"), "--weight must cover every arm, control too: none for 0"),
        ((*SHORT, "--weight", "0=1", "--weight", "1=1", "--weight", "2=1"), "--weight names the arm '2'"),
        ((*SHORT, "--weight", "0=1", "--weight", "1=half"), "expected a share"),
        ((*SHORT, "--weight", "0=1", "--weight", "1=-1"), "expected a share"),
        ((*SHORT, "--weight", "0=0", "--weight", "1=0"), "at least one share above 0"),
        ((*SHORT, "--weight", "0=1", "--weight", "0=1"), "each arm once"),
        ((*SHORT, "--covariate", "k"), "--covariate 'k' is already taken as --kpi"),
        ((*SHORT, "--rival", "c"), "--rival 'c' is already taken as --cpi"),
        ((*SHORT, "--alpha", "1.5"), "--alpha: expected a number between 0 and 1"),
        ((*SHORT, "--increment", "0"), "--increment: expected a number above 0"),
        ((*SHORT, "--increment", "nan"), "--increment: expected a number above 0"),
        ((*SHORT, "--smallest-slope", "-1"), "--smallest-slope: expected a number above 0"),
        ((*SHORT, "--smallest-slope", "inf"), "--smallest-slope: expected a number above 0"),
        ((*SHORT, "--direct-effect-bound", "-1"), "--direct-effect-bound: expected a number, 0 or more"),
        ((*SHORT, "--direct-effect-bound", "unknown"), "direct-effect-bound"),
        ((*SHORT, "--better", "warmer"), "warmer"),
        ((*SHORT, "--direction", "up"), "up"),
        ((*SHORT, "--no-such-flag"), "no-such-flag"),
    ],
)
def test_wrong_usage_exits_with_2_and_a_reason(analyze, write, flags, said):
    answered = analyze(write("a,c,k\n" + ROWS), *flags)
    assert answered.code == 2
    assert said in answered.err
    assert answered.out == ""


def test_an_arm_column_of_lists_is_named(analyze, tmp_path):
    path = tmp_path / "lists.parquet"
    pd.DataFrame({"a": [[0], [1]], "c": [1.0, 2.0], "k": [1.0, 2.0]}).to_parquet(path)
    answered = analyze(path, *SHORT)
    assert answered.code == 1
    assert "column 'a' holds list" in answered.err


def test_a_file_of_a_hundred_thousand_experiments_stops_early(analyze, tmp_path):
    path = tmp_path / "ids.parquet"
    ids = np.arange(100_000)
    pd.DataFrame({"e": ids, "a": ids % 2, "c": ids % 7, "k": ids % 5}).to_parquet(path)
    answered = analyze(path, *SHORT, "--experiment", "e")
    assert answered.code == 1
    assert "'a' and 'e' seem to tell units apart" in answered.err


def test_no_file_at_all_is_wrong_usage(analyze):
    answered = analyze(*SHORT)
    assert answered.code == 2
    assert "expected a FILE" in answered.err


def test_an_experiment_without_the_control_is_named(analyze, write):
    content = "e,a,c,k\n" + "".join(f"x,{i % 2},{i},1\ny,{i % 2 + 1},{i},2\n" for i in range(20))
    answered = analyze(write(content), *SHORT, "--experiment", "e")
    assert answered.code == 1
    assert "no unit of experiment 'y' is in the control arm '0'; the arms are 1, 2" in answered.err


def test_a_unit_column_taken_for_the_arm_is_noticed(analyze, write):
    content = "a,c,k\n" + "".join(f"{i},{i % 7},{i % 5}\n" for i in range(200))
    answered = analyze(write(content), *SHORT)
    assert answered.code == 1
    assert "is 'a' the column of the arm?" in answered.err


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"wait": 0.1}, "constant_cpi"),
        ({"sales": 7.0}, "constant_kpi"),
        ({"sales": np.nan}, "never_observed"),
        ({"wait": np.nan}, "never_observed"),
    ],
)
def test_a_metric_that_says_nothing_is_not_estimable_and_no_error(analyze, tmp_path, change, reason):
    path = tmp_path / "flat.csv"
    study(400).assign(**change).to_csv(path, index=False)
    answer = analyze(path, *UNITS, *RULE, "--json").json
    assert answer["relationship"]["not_estimable"]["reason"] == reason
    assert answer["verdict"]["state"] == "inconclusive"
    assert answer["verdict"]["reasons"][0]["code"] == reason
    metric = next(iter(change))
    rows = [e for e in answer["effects"] if e["metric"] == metric]
    assert rows
    assert all(e["estimate"] is None and e["not_estimable"]["detail"] for e in rows)
    assert all(e["estimate"] is not None for e in answer["effects"] if e["metric"] != metric)
    assert analyze(path, *UNITS, *RULE).code == 0


def test_a_cpi_that_is_constant_inside_one_arm_is_fine(analyze, tmp_path):
    path = tmp_path / "half.csv"
    data = study(4000)
    data.loc[data["arm"] == "control", "wait"] = 10.0
    data.to_csv(path, index=False)
    answer = analyze(path, *UNITS, *RULE, "--json").json
    assert answer["relationship"]["clr"]["shape"] == "interval"


def test_one_outlier_does_not_make_a_cpi_constant(analyze, tmp_path):
    path = tmp_path / "outlier.csv"
    data = study(900)
    data.loc[data.index[data["arm"] == "form"][0], "wait"] = 1e12
    data.to_csv(path, index=False)
    answer = analyze(path, *UNITS, *RULE, "--json").json
    moved = next(c for c in answer["checks"] if c["name"] == "first_stage")
    assert moved["passed"] is True
    assert moved["detail"].startswith("the arms moved wait")


def test_a_kpi_that_is_the_cpi_in_other_words_is_noticed(analyze, tmp_path):
    path = tmp_path / "same.csv"
    data = study(400)
    data.assign(sales=3 - 2 * data["wait"]).to_csv(path, index=False)
    answer = analyze(path, *UNITS, *RULE, "--json").json
    assert answer["relationship"]["not_estimable"]["reason"] == "kpi_is_cpi"


def test_an_arm_of_one_unit_costs_its_own_effects_and_the_relationship(analyze, tmp_path):
    path = tmp_path / "one.csv"
    data = study(400)
    data = pd.concat([data[data["arm"] != "same"], data[data["arm"] == "same"].head(1)])
    data.to_csv(path, index=False)
    answer = analyze(path, *UNITS, *RULE, "--covariate", "before", "--json").json
    states = {e["arm"]: e["estimate"] is None for e in answer["effects"] if e["metric"] == "sales"}
    assert states == {"bot": False, "form": False, "same": True}
    assert answer["relationship"]["not_estimable"]["reason"] == "too_few_units"
    assert "arm same" in answer["relationship"]["not_estimable"]["detail"]


def test_a_rival_that_nobody_has_is_said_and_left_out(analyze, tmp_path):
    path = tmp_path / "rival.csv"
    study(400).assign(steps=np.nan).to_csv(path, index=False)
    answer = analyze(path, *UNITS, *RULE, "--rival", "steps", "--json").json
    assert answer["relationship"]["rivals"] == []
    assert any(c["name"] == "rival_unmeasured" and c["passed"] is False for c in answer["checks"])


def test_a_smallest_slope_beyond_all_data_leaves_every_number_finite(analyze, units):
    answer = analyze(units, *UNITS, "--better", "lower", "--smallest-slope", 1e12, "--json").json
    assert answer["relationship"]["exclusion_power"] == 1.0


def test_useless_covariates_do_no_harm(analyze, tmp_path):
    path = tmp_path / "useless.csv"
    data = study(400)
    data.assign(flat=1.5, gone=np.nan, twin=data["before"], copy=2 * data["before"] + 1).to_csv(
        path, index=False
    )
    plain = analyze(path, *UNITS, "--covariate", "before", "--json").json
    flags = [flag for name in ("before", "flat", "gone", "twin", "copy") for flag in ("--covariate", name)]
    crowded = analyze(path, *UNITS, *flags, "--json").json
    for ours, theirs in zip(crowded["effects"], plain["effects"], strict=True):
        assert ours["adjusted"]["estimate"] == pytest.approx(theirs["adjusted"]["estimate"], rel=1e-6)


def test_usual_words_for_missing_and_truth_are_understood(analyze, write):
    rows = "".join(f"{i % 2},{'TRUE' if i % 3 else 'false'},{i % 5 + i % 2}\n" for i in range(60))
    answer = analyze(write("a,c,k\n" + rows + "0,NA,1\n1,n/a,2\n0, ,1\n1,null,.\n"), *SHORT, "--json").json
    observed = next(
        c for c in answer["checks"] if c["name"] == "observed_set_moved" and c["detail"].startswith("c")
    )
    assert "93.75%" in observed["detail"]
    assert answer["effects"][0]["estimate"] == pytest.approx(0.0)


def test_odd_but_legal_files_are_read(analyze, tmp_path):
    text = "\ufeffa,note,c,k\r\n" + "".join(
        f'"{i % 2}","says ""hi"",\r\ntwice",{i % 7},{i % 5 + i % 2}\r\n' for i in range(40)
    )
    plain, packed = tmp_path / "odd.csv", tmp_path / "odd.csv.gz"
    plain.write_bytes(text.encode())
    packed.write_bytes(gzip.compress(text.encode()))
    for path in (plain, packed):
        assert [a["n"] for a in analyze(path, *SHORT, "--json").json["arms"]] == [20, 20]


def test_a_very_long_name_is_not_repeated_in_full(analyze, write):
    answered = analyze(write("a,c," + "x" * 1_000_000 + "\n0,1,2\n"), *SHORT)
    assert answered.code == 1
    assert len(answered.err) < 1000
    answered = analyze(write("a,c,k\n" + ROWS), *SHORT[:2], "--control", "x" * 1_000_000, *SHORT[4:])
    assert answered.code == 1
    assert len(answered.err) < 1000


def test_a_value_that_only_appears_late_in_a_large_file_is_found_by_its_row(analyze, tmp_path):
    path = tmp_path / "late.csv"
    lines = [f"{i % 2},{i % 7},{i % 5}" for i in range(1_000_000)]
    lines[900_000] = "1,oops,3"
    path.write_text("a,c,k\n" + "\n".join(lines) + "\n")
    answered = analyze(path, *SHORT)
    assert answered.code == 1
    assert "'oops' in row 900,001" in answered.err
