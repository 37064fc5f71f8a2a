"""What does one experiment's data say, where the truth is known?"""

from dataclasses import replace

import numpy as np
import pytest

from analyses import (
    Estimate,
    ExperimentContrasts,
    NotEstimable,
    moments_of,
)
from service.evidence.analysis import analyse
from service.evidence.documents import ContrastsDocument
from service.experiments.analysis import AnalysisPlan
from tests.evidence.cells import (
    CPI,
    FAST,
    KPI,
    RIVAL,
    WEEK,
    check,
    facts,
    plan,
    summed,
    units,
)


def test_effects_and_contrasts_are_arm_minus_control() -> None:
    found = analyse(plan(FAST), facts({("control", 1): units(0, 0.5), ("fast", 1): units(-1, 0.5, seed=2)}))
    contrasts = found.findings[0].contrasts
    assert isinstance(contrasts, ExperimentContrasts)
    assert contrasts.metrics[:2] == (CPI, KPI)
    assert [name.partition("#")[0] for name in contrasts.metrics[2:]] == [RIVAL.partition("@")[0]]
    assert contrasts.effects[0] == pytest.approx([-1, -0.5, 0], abs=0.1)
    effect = next(one for one in found.effects if one.metric == CPI)
    assert isinstance(effect.raw.absolute, Estimate)
    assert effect.raw.absolute.value == pytest.approx(contrasts.effects[0, 0])
    assert check(contrasts.checks, "first_stage").passed
    assert check(found.checks, "srm").passed


def test_each_registered_segment_has_contrasts_of_its_own_that_outlive_their_keeping() -> None:
    """Halves of the units: the contrast of all is the mean of theirs, and JSON gives back what was found."""
    rows = {
        (arm, value): units(shift, 0.5, seed=seed)
        for seed, (arm, shift, value) in enumerate(
            [("control", 0, "old"), ("fast", -1, "old"), ("control", 0, "new"), ("fast", -2, "new")]
        )
    }
    both = {(arm, 1): np.vstack([rows[arm, "old"], rows[arm, "new"]]) for arm in ("control", "fast")}
    columns = (CPI, KPI, RIVAL)
    cells = {(arm, 1, value): moments_of(columns, own) for (arm, value), own in rows.items()}
    found = analyse(plan(FAST), replace(facts(both), segments={"plan": cells, "unasked": cells}))
    contrasts = found.findings[0].contrasts
    assert isinstance(contrasts, ExperimentContrasts)
    assert list(contrasts.segments) == ["plan"]
    own = contrasts.segments["plan"]
    assert {value: one.effects[0, 0] for value, one in own.items()} == pytest.approx(
        {"new": -2, "old": -1}, abs=0.1
    )
    assert (own["old"].effects + own["new"].effects)[0, :2] / 2 == pytest.approx(contrasts.effects[0, :2])
    kept = ContrastsDocument.model_validate_json(ContrastsDocument.of(contrasts).model_dump_json())
    assert kept.contrasts().segments["plan"]["new"].effects == pytest.approx(own["new"].effects)


def test_clusters_that_are_analysed_as_single_units_decide_nothing() -> None:
    cells = {("control", 1): units(0, 1), ("fast", 1): units(-1, 1)}
    found = analyse(replace(plan(FAST), clustered=True), facts(cells))
    gate = check(found.checks, "clusters")
    assert (gate.passed, gate.gates) == (False, True)


def test_a_change_of_shares_between_phases_does_not_look_like_an_effect() -> None:
    """Simpson's paradox: the second phase has another level and another split."""
    cells = {
        ("control", 1): units(0, 0.5, n=4000, seed=1),
        ("fast", 1): units(0, 0.5, n=1000, seed=2),
        ("control", 2): units(0, 0.5, n=1000, seed=3, level=5.0),
        ("fast", 2): units(0, 0.5, n=4000, seed=4, level=5.0),
    }
    contrasts = analyse(plan(FAST), facts(cells)).findings[0].contrasts
    assert isinstance(contrasts, ExperimentContrasts)
    assert abs(contrasts.effects[0, 0]) < 0.15


def test_a_phase_without_an_arm_contributes_nothing() -> None:
    cells = {
        ("control", 1): units(0, 0.5, seed=1),
        ("fast", 1): units(-1, 0.5, seed=2),
        ("control", 2): units(0, 0.5, seed=3, level=50.0),
        ("fast", 2): units(0, 0.5, n=0),
    }
    contrasts = analyse(plan(FAST), facts(cells)).findings[0].contrasts
    assert isinstance(contrasts, ExperimentContrasts)
    assert contrasts.control_units == 4000


def test_nobody_in_an_arm_is_not_estimable() -> None:
    found = analyse(plan(FAST), facts({("control", 1): units(0, 1), ("fast", 1): units(0, 1, n=0)}))
    assert isinstance(found.findings[0].contrasts, NotEstimable)
    assert all(isinstance(effect.raw.absolute, NotEstimable) for effect in found.effects)


def test_an_experiment_of_one_arm_has_no_contrast() -> None:
    contrasts = analyse(plan(), facts({("control", 1): units(0, 1)})).findings[0].contrasts
    assert isinstance(contrasts, NotEstimable)
    assert contrasts.reason == "one_arm"


def test_gates_of_the_experiment_reach_the_contrasts() -> None:
    doubtful = replace(plan(FAST), interference_possible=True, records_differently=(("fast", "met_sales"),))
    cells = {("control", 1): units(0, 1), ("fast", 1): units(-1, 1, n=2000)}
    contrasts = analyse(doubtful, facts(cells)).findings[0].contrasts
    assert isinstance(contrasts, ExperimentContrasts)
    failed = {one.name for one in contrasts.checks if one.gates and one.passed is False}
    assert failed == {"srm", "interference_possible", "recording_changed"}


@pytest.mark.parametrize(("slope", "passed"), [(-1.0, True), (1.0, False)])
def test_a_kpi_bought_with_a_cpi_raises_the_alarm(slope: float, passed: bool) -> None:  # noqa: FBT001
    """The wait grows in the arm; sales fall with it, or rise."""
    cells = {("control", 1): units(0, slope), ("fast", 1): units(1, slope, seed=2)}
    alarm = check(analyse(plan(FAST), facts(cells)).checks, "kpi_up_cpi_down")
    assert (alarm.passed, alarm.gates) == (passed, False)


@pytest.mark.parametrize(("better", "passed"), [(None, None), (-1, False)])
def test_a_cost_is_not_taken_for_a_gain(better: int | None, passed: bool | None) -> None:  # noqa: FBT001
    """The wait grows in the arm and the cost falls: nobody reads that backwards, or by a guess."""
    cells = {("control", 1): units(0, -1), ("fast", 1): units(1, -1, seed=2)}
    base = plan(FAST)
    costs = replace(base.metrics[1], name="Cost of service", better=better)
    some = replace(base, metrics=(base.metrics[0], costs, base.metrics[2]))
    alarm = check(analyse(some, facts(cells)).checks, "kpi_up_cpi_down")
    assert alarm.passed is passed
    assert "Cost of service" in alarm.detail


def test_covariates_of_the_plan_sharpen_effects_and_contrasts() -> None:
    known = summed("waited").model_copy(update={"pre_period": WEEK})
    base = plan(FAST)
    metrics = (replace(base.metrics[0], definition=known), *base.metrics[1:])
    with_past = replace(base, metrics=metrics, covariates=(CPI,))
    columns = (CPI, f"{CPI}/pre", KPI, RIVAL)

    def rows(shift: float, seed: int) -> np.ndarray:
        draw = np.random.default_rng(seed)
        past = draw.normal(size=4000)
        cpi = past + shift + 0.1 * draw.normal(size=4000)
        return np.column_stack([cpi, past, draw.normal(size=4000), draw.normal(size=4000)])

    cells = {("control", 1): rows(0, 1), ("fast", 1): rows(-1, 2)}
    result = facts({cell: some[:, [0, 2, 3]] for cell, some in cells.items()})
    moments = {cell: moments_of(columns, some) for cell, some in cells.items()}
    result = replace(result, columns=columns, moments=moments)
    plain = analyse(replace(with_past, covariates=()), result).findings[0].contrasts
    sharp = analyse(with_past, result)
    contrasts = sharp.findings[0].contrasts
    assert isinstance(plain, ExperimentContrasts)
    assert isinstance(contrasts, ExperimentContrasts)
    assert contrasts.covariance[0, 0, 0, 0] < 0.05 * plain.covariance[0, 0, 0, 0]
    assert contrasts.effects[0, 0] == pytest.approx(-1, abs=0.02)
    assert all(effect.adjusted is not None for effect in sharp.effects)


def test_blocks_are_compared_within_and_not_across() -> None:
    """Randomised 1:4 in one block and 4:1 in the other, of another level: pooled, it looks like much."""
    blocks = {
        ("control", 1, "new"): units(0, 0.5, n=1000, seed=1),
        ("fast", 1, "new"): units(0, 0.5, n=4000, seed=2),
        ("control", 1, "old"): units(0, 0.5, n=4000, seed=3, level=5.0),
        ("fast", 1, "old"): units(0, 0.5, n=1000, seed=4, level=5.0),
    }
    arms = {
        (arm, 1): np.concatenate([rows for (of, _, _), rows in blocks.items() if of == arm])
        for arm in ("control", "fast")
    }
    columns = (CPI, KPI, RIVAL)
    cells = {place: moments_of(columns, rows) for place, rows in blocks.items()}
    blocked = replace(plan(FAST), analysis=AnalysisPlan(blocks="kind"))
    found = analyse(blocked, replace(facts(arms), segments={"kind": cells}))
    contrasts = found.findings[0].contrasts
    assert isinstance(contrasts, ExperimentContrasts)
    assert abs(contrasts.effects[0, 0]) < 0.15
    effect = next(one for one in found.effects if one.metric == CPI)
    assert isinstance(effect.raw.absolute, Estimate)
    assert abs(effect.raw.absolute.value) < 0.15
    pooled = analyse(plan(FAST), facts(arms)).effects[0].raw.absolute
    assert isinstance(pooled, Estimate)
    assert pooled.value < -2


def test_what_arms_differ_in_before_exposure_is_not_adjusted_by() -> None:
    base = plan(FAST)
    before = base.metrics[1].definition.model_copy(update={"pre_period": WEEK})
    metrics = (base.metrics[0], replace(base.metrics[1], definition=before), base.metrics[2])
    columns = (CPI, KPI, f"{KPI}/pre", RIVAL)

    def cell(shift: float, seed: int) -> np.ndarray:
        rows = units(0, 0.5, seed=seed)
        past = np.random.default_rng(seed + 10).normal(shift, 1, size=len(rows))
        return np.column_stack([rows[:, :2], past, rows[:, 2]])

    said = {}
    for shift in (0.0, 0.5):
        rows = {("control", 1): cell(0.0, 1), ("fast", 1): cell(shift, 2)}
        result = replace(
            facts({key: of[:, :3] for key, of in rows.items()}),
            columns=columns,
            moments={key: moments_of(columns, of) for key, of in rows.items()},
        )
        found = analyse(replace(base, metrics=metrics, covariates=(KPI,)), result)
        said[shift] = check(found.checks, "covariate_balance").passed, found.effects[0].adjusted
    assert said[0.0][0] is True
    assert said[0.5][0] is False
    assert said[0.0][1] is not None
    assert isinstance(said[0.0][1].absolute, Estimate)
    assert said[0.5][1] is not None
    assert isinstance(said[0.5][1].absolute, NotEstimable)
    assert said[0.5][1].absolute.reason == "covariates_moved"
