"""Are kept contrasts those that were measured, corners and segments included?"""

from dataclasses import replace

import numpy as np
import pytest

from analyses import Check, ContrastArm, ExperimentContrasts, contrasts_again
from analyses.relationship.contrast import Early
from service.evidence.documents import ContrastsDocument

PLAIN = ExperimentContrasts(
    experiment="exp_1",
    metrics=("met_kpi", "met_cpi"),
    arms=(
        ContrastArm(name="quick", mechanism="mec_1"),
        ContrastArm(name="same", mechanism=None, placebo=True),
    ),
    effects=np.array([[0.02, 1.0], [0.0, 0.1]]),
    covariance=np.arange(16.0).reshape(2, 2, 2, 2),
    arm_units=(100, 110),
    control_units=120,
    units_per_cluster=2.5,
    unmeasured=("met_rival",),
    checks=(Check(name="srm", passed=None, detail="too few", gates=False),),
    early=Early(units=330, planned_units=600),
)
WHOLE = replace(
    PLAIN,
    segments={"plan": {"free": PLAIN, "paid": replace(PLAIN, effects=2 * PLAIN.effects)}},
    corners=(replace(PLAIN, effects=3 * PLAIN.effects), replace(PLAIN, covariance=5 * PLAIN.covariance)),
)


def assert_same(one: ExperimentContrasts, other: ExperimentContrasts) -> None:
    for name in (
        "experiment",
        "metrics",
        "arms",
        "arm_units",
        "control_units",
        "units_per_cluster",
        "unmeasured",
        "checks",
        "early",
    ):
        assert getattr(one, name) == getattr(other, name), name
    assert np.array_equal(one.effects, other.effects)
    assert np.array_equal(one.covariance, other.covariance)
    assert len(one.corners) == len(other.corners)
    for ours, theirs in zip(one.corners, other.corners, strict=True):
        assert_same(ours, theirs)
    assert {name: set(values) for name, values in one.segments.items()} == {
        name: set(values) for name, values in other.segments.items()
    }
    for name, values in one.segments.items():
        for value, own in values.items():
            assert_same(own, other.segments[name][value])


@pytest.mark.parametrize("measured", [PLAIN, WHOLE])
def test_what_was_kept_is_what_was_measured(measured):
    document = ContrastsDocument.of(measured)
    assert_same(document.contrasts(), measured)
    assert_same(contrasts_again(document.model_dump(mode="json")), measured)
