"""Do margins, priors and clusters say of one file what the estimators behind them say?"""

import numpy as np
import pandas as pd
import pytest

from analyses import Measure, arm_means, difference, moments_of, non_inferiority, of_clusters

BASE = ["--arm", "arm", "--control", "old", "--cpi", "wait", "--kpi", "sales", "--smallest-slope", "0.05"]


def rows(clusters: int = 60, size: int = 25, alike: float = 0.5) -> pd.DataFrame:
    """Branches of a shop: units of one are alike, and the arm was given to whole branches."""
    draw = np.random.default_rng(8)
    branch = np.repeat(np.arange(clusters), size)
    arm = np.where(branch % 2 == 0, "old", "new")
    own = draw.normal(0, alike, clusters)[branch]
    wait = 5 + own + (arm == "new") * 0.8 + draw.normal(size=branch.size)
    sales = 20 + 0.3 * wait + own + draw.normal(size=branch.size)
    return pd.DataFrame({"branch": [f"b{k}" for k in branch], "arm": arm, "wait": wait, "sales": sales})


@pytest.fixture
def path(tmp_path):
    rows().to_csv(tmp_path / "shops.csv", index=False)
    return tmp_path / "shops.csv"


def effect(answer, metric):
    return next(one for one in answer["effects"] if one["metric"] == metric)


def test_a_margin_tells_whether_harm_is_ruled_out(analyze, path):
    answer = analyze(path, *BASE, "--json", "--margin", "sales=0.2", "--margin", "wait=2%").json
    found, frame = effect(answer, "sales")["guardrail"]["test"], rows()
    means = [
        arm_means(
            moments_of(["y"], frame.loc[frame.arm == arm, ["sales"]].to_numpy()),
            [Measure(name="sales", value="y")],
        )
        for arm in ("old", "new")
    ]
    theirs = non_inferiority(*means, "sales", margin=0.2)
    assert found["p_value"] == pytest.approx(theirs.p_value, rel=1e-9)
    assert found["holds"] is theirs.holds
    assert effect(answer, "wait")["guardrail"]["test"]["relative"] is True
    assert answer["plan"]["margin"] == {"sales": 0.2, "wait": "2%"}


def test_a_prior_pulls_the_effect_to_what_was_believed(analyze, path):
    answer = analyze(path, *BASE, "--json", "--prior", "sales=0.0,0.01").json
    told = effect(answer, "sales")
    belief = told["posterior"]["belief"]
    weight = 0.01**2 / (0.01**2 + told["std_error"] ** 2)
    assert belief["mean"] == pytest.approx(weight * told["estimate"], rel=1e-9)
    assert told["posterior"]["prior"]["source"] == "registered"


def test_errors_rest_on_clusters_where_they_were_assigned(analyze, path):
    plain = analyze(path, *BASE, "--json").json
    whole = analyze(path, *BASE, "--json", "--cluster", "branch").json
    frame = rows()
    totals = frame.assign(size=1.0).groupby(["arm", "branch"])[["sales", "size"]].sum()
    measure = of_clusters(Measure(name="sales", value="sales"))
    means = [
        arm_means(moments_of(["sales", "cluster/size"], totals.loc[arm].to_numpy()), [measure])
        for arm in ("old", "new")
    ]
    theirs = difference(*means)[0].absolute
    found = effect(whole, "sales")
    assert found["std_error"] == pytest.approx(theirs.std_error, rel=1e-9)
    assert found["std_error"] > 1.5 * effect(plain, "sales")["std_error"]
    assert found["estimate"] == pytest.approx(effect(plain, "sales")["estimate"])
    assert [arm["n"] for arm in whole["arms"]] == [arm["n"] for arm in plain["arms"]]
    variances = [one["relationship"]["contrasts"][0]["var_kpi"] for one in (whole, plain)]
    assert variances[0] > 2 * variances[1]
    assert next(c for c in whole["checks"] if c["name"] == "clusters")["passed"] is True


def test_clusters_in_two_arms_are_no_clusters_that_were_assigned(analyze, tmp_path):
    frame = rows()
    frame.loc[(frame.index % 7 == 0) & (frame.branch < "b4"), "arm"] = "new"
    frame.to_csv(tmp_path / "mixed.csv", index=False)
    answer = analyze(tmp_path / "mixed.csv", *BASE, "--json", "--cluster", "branch").json
    found = next(c for c in answer["checks"] if c["name"] == "clusters")
    assert found["passed"] is False
    assert "several arms" in found["detail"]
    assert answer["verdict"]["state"] == "inconclusive"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--margin", "sales"], "COL=HARM"),
        (["--margin", "sales=-1"], "0 or more"),
        (["--margin", "other=1"], "the CPI or of the KPI"),
        (["--prior", "sales=1"], "an SD above 0"),
        (["--prior", "other=0,1"], "a column of the CPI"),
        (["--cluster", "arm"], "already taken"),
    ],
)
def test_flags_that_make_no_sense_are_refused(analyze, path, flags, said):
    answer = analyze(path, *BASE, *flags)
    assert answer.code == 2
    assert said in answer.err


def test_a_terminal_shows_margins_and_what_is_believed(analyze, path):
    shown = analyze(path, *BASE, "--margin", "sales=0.2", "--prior", "sales=0,0.5", "--cluster", "branch")
    assert shown.code == 0
    text = " ".join(shown.out.split())
    assert "harm beyond 0.2" in text
    assert "P(better)" in text
    assert "rest on clusters" in text


def test_the_units_that_are_needed_are_units_where_clusters_were_assigned(analyze, tmp_path):
    frame, draw = rows(size=50), np.random.default_rng(4)
    frame["sales"] += draw.normal(0, 4, 60)[np.repeat(np.arange(60), 50)]
    frame.to_csv(tmp_path / "shops.csv", index=False)
    flags = [*BASE[:-1], "0.5", "--direct-effect-bound", "0", "--json", "--cluster", "branch"]
    verdict = analyze(tmp_path / "shops.csv", *flags).json["verdict"]
    assert verdict["state"] == "inconclusive"
    assert verdict["needed_units_per_arm"] > 1500  # an arm's units, 50 in each of 30 branches, were too few
    assert f"About {verdict['needed_units_per_arm']:,} units per arm" in verdict["sentence"]


def test_units_and_clusters_in_two_arms_are_both_told(analyze, tmp_path):
    """Two customers stand in both arms, and so do the customers of two branches."""
    frame = rows().assign(customer=lambda of: [f"c{k}" for k in of.index])
    frame.loc[(frame.index % 7 == 0) & frame.branch.isin(["b0", "b2"]), "arm"] = "new"
    own = frame[frame.branch == "b4"].head(2).assign(arm="new", branch="b5")
    pd.concat([frame, own]).to_csv(tmp_path / "mixed.csv", index=False)
    flags = ["--json", "--unit", "customer", "--cluster", "branch"]
    checks = {one["name"]: one for one in analyze(tmp_path / "mixed.csv", *BASE, *flags).json["checks"]}
    assert checks["multiple_exposure"]["detail"].startswith("2 ")
    assert checks["clusters"]["detail"].startswith("2 of 60 clusters")
