"""Units that were there, split at random: are false signals as rare as promised, and are defects noticed?"""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from analyses import Measure, moments_of
from service.cli import application
from service.cli.replay.splitting import Splits, bits_by_row, bits_by_unit
from service.settings import Settings
from tests.evidence.company import Company, Dealt

N = 3_000


def run(*arguments: object, env: dict[str, str] | None = None):
    told = {"COLUMNS": "100"} | (env or {})
    return CliRunner(env=told).invoke(application(["aa"]), ["aa", *map(str, arguments)])


def answered(*arguments: object, env: dict[str, str] | None = None):
    result = run(*arguments, "--json", env=env)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout[result.stdout.index('{"units"') :])  # before it, what the log says


@pytest.fixture
def history(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    before = rng.lognormal(size=N)
    table = np.column_stack([before, before * rng.lognormal(0, 0.3, N), 1 + rng.poisson(2, N)])
    lines = ["unit,before,sales,visits,wait"]
    for k, (known, sales, visits) in enumerate(table):
        wait = "" if k % 4 == 0 else f"{rng.normal():.6f}"
        lines.append(f"u{k},{known:.6f},{sales:.6f},{visits:.0f},{wait}")
    path = tmp_path / "units.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


FLAGS = ("--metric", "sales", "--metric", "wait", "--ratio", "sales/visits", "--covariate", "before")


def test_nothing_looks_like_an_effect_about_as_often_as_promised(history: Path) -> None:
    found = answered("--source", history, *FLAGS, "--splits", 400)
    assert found["units"] == N
    assert [(one["metric"], one["adjusted"]) for one in found["metrics"]] == [
        (metric, adjusted) for metric in ("sales", "wait", "sales/visits") for adjusted in (False, True)
    ]
    for one in found["metrics"]:
        assert abs(one["share"] - 0.05) < 4 * (0.05 * 0.95 / 400) ** 0.5
        assert one["without"] == 0


def test_units_that_stand_in_several_rows_are_noticed(history: Path, tmp_path: Path) -> None:
    head, *rows = history.read_text().splitlines()
    twice = tmp_path / "twice.csv"
    twice.write_text("\n".join([head, *(row for row in rows for _ in range(4))]) + "\n")
    (sales,) = answered("--source", twice, "--metric", "sales", "--unit", "unit", "--splits", 200)["metrics"]
    assert sales["share"] > 0.2
    assert not sales["as_promised"]


def test_the_same_seed_gives_the_same_answer_and_hashes_know_no_order(history: Path, tmp_path: Path) -> None:
    asked = ("--metric", "sales", "--splits", 100)
    assert answered("--source", history, *asked) == answered("--source", history, *asked)
    head, *rows = history.read_text().splitlines()
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join([head, *reversed(rows)]) + "\n")
    by_unit = [
        answered("--source", path, *asked, "--unit", "unit", "--seed", 7)["metrics"][0]["signals"]
        for path in (history, turned)
    ]
    assert by_unit[0] == by_unit[1]


def test_moments_of_a_side_are_those_of_its_rows() -> None:
    rng = np.random.default_rng(2)
    rows = 1e6 + rng.normal(size=(20_000, 3))
    columns, measure = ("y", "n", "x"), Measure(name="r", value="y", per="n", covariates=("x",))
    splits, bits = Splits(columns, [measure], 12), bits_by_row(rng, len(rows), 12)
    splits.add(rows, bits)
    for split in (0, 11):
        chosen = np.unpackbits(bits, axis=1)[:, split].astype(bool)
        sides = splits.sides(split, splits.dealt[0])
        for side, expected in zip(sides, (rows[~chosen], rows[chosen]), strict=True):
            direct = moments_of(columns, expected)
            assert side.n == direct.n
            np.testing.assert_allclose(side.mean, direct.mean, rtol=1e-12)
            np.testing.assert_allclose(side.scatter, direct.scatter, rtol=1e-9, atol=1e-6)


def test_sides_of_units_are_halves_and_differ_between_splits_and_seeds() -> None:
    units = [f"u{k}" for k in range(4_000)]
    sides = np.unpackbits(bits_by_unit(units, 16, 1), axis=1)[:, :16]
    assert abs(sides.mean() - 0.5) < 0.01
    assert np.abs(np.corrcoef(sides.T) - np.eye(16)).max() < 0.08
    assert (bits_by_unit(units, 16, 2) != bits_by_unit(units, 16, 1)).any()


def test_a_table_says_it_in_words(history: Path) -> None:
    result = run("--source", history, "--metric", "sales", "--splits", 100)
    assert result.exit_code == 0
    assert "false signals at 0.05" in result.stdout
    assert "100 random splits" in result.stdout


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "at least one --metric"),
        (("--metric", "nothing"), "no column 'nothing'"),
        (("--ratio", "sales"), "expected COL/COL"),
        (("--metric", "sales", "--covariate", "wait"), "empty in row 1"),
        (("--ratio", "wait/visits"), "empty in row 1"),
        (("--metric", "sales", "--experiment", "exp_1"), "of the lake"),
    ],
)
def test_what_cannot_be_done_is_said(history: Path, flags: tuple[str, ...], said: str) -> None:
    result = run("--source", history, *flags, "--splits", 100)
    assert result.exit_code in (1, 2)
    assert said in result.stderr


def test_the_lake_wants_an_experiment() -> None:
    result = run("--source", "lake")
    assert result.exit_code == 2
    assert "--experiment" in result.stderr


def test_units_of_the_lake_are_split_by_the_metrics_of_their_experiment(
    client, settings, monkeypatch
) -> None:
    company = Company(client=client, settings=settings)
    arms = {"fast": Dealt(shift=-2, mechanism="first")}
    experiment = company.experiment([company.hypothesis()], arms, n=600)
    company.finish(experiment)
    monkeypatch.setattr(Settings, "from_environment", lambda: settings)
    asked = ("--source", "lake", "--experiment", experiment, "--splits", 200)
    found = answered(*asked)
    assert found["units"] == 1200
    assert {one["metric"] for one in found["metrics"]} >= {"Wait", "Spending"}
    for one in found["metrics"]:
        assert abs(one["share"] - 0.05) < 4 * (0.05 * 0.95 / 200) ** 0.5
    assert answered(*asked) == found
