"""What is no single unit's to answer has a reason, and rows become the covariates that were asked for."""

from dataclasses import replace

import numpy as np
import pytest

from service.explorations.rules import MOST_UNITS, cap_of, question_of, trial_of, unseen, why_not
from service.explorations.schemas import ExplorationRequest
from service.explorations.service import asked_of
from service.facts import Levels, Sampling, UnitRows, UnitState
from tests.evidence.cells import CPI, FAST, KPI, plan
from tests.facts.test_moments import asked as question
from tests.facts.test_moments import parsed

VALUED = {"event": {"event": "waited"}, "value_type": "amount"}
SUMMED = parsed({"aggregation": "sum", **VALUED})


def of(**changes):
    """A plan whose metrics every unit has a value of, and what is asked of it."""
    made = plan(FAST)
    made = replace(made, metrics=tuple(replace(one, definition=SUMMED) for one in made.metrics), **changes)
    return made, asked_of(made, ExplorationRequest(attributes=("device", "age")))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"clustered": True, "cluster": "store"}, None),
        ({"clustered": True}, "clusters_unknown"),
    ],
)
def test_who_was_randomised_and_where_the_facts_lie(changes, reason):
    why = why_not(*of(**changes))
    assert (why and why.reason) == reason


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        ({"aggregation": "quantile", "quantile": 0.9, **VALUED}, "quantile"),
        (
            {
                "aggregation": "ratio",
                "value_type": "amount",
                "numerator": {"event": {"event": "waited"}},
                "denominator": {"event": {"event": "waited"}},
            },
            "ratio",
        ),
        ({"aggregation": "mean", **VALUED, "missing": "exclude"}, None),
    ],
)
def test_a_metric_that_no_single_unit_has_is_refused_by_name(definition, reason):
    made, asked = of()
    why = why_not(made, replace(asked, cpi=replace(asked.cpi, definition=parsed(definition))))
    assert (why and why.reason) == reason
    assert why is None or asked.cpi.name in why.detail


def sixty() -> UnitRows:
    """A third of them in the control, a third in the arm, a third in another."""
    n = 60
    age = np.arange(n, dtype=float)
    age[0] = np.nan
    return UnitRows(
        columns=(CPI, KPI, f"{CPI}/pre"),
        values=np.column_stack([np.arange(n), np.arange(n) * 2.0, np.arange(n) * 3.0]),
        arms=Levels(names=("control", FAST.name, "other"), codes=np.arange(n, dtype=np.int32) % 3),
        phases=np.ones(n, dtype=np.int32),
        days=np.zeros(n, dtype=np.int32),
        segments={
            "device": Levels(names=("desktop", "mobile"), codes=np.arange(n, dtype=np.int32) % 2),
            "age": Levels(names=tuple(map(str, range(n))), codes=np.where(np.isnan(age), -1, np.arange(n))),
        },
        numbers={"device": np.full(n, np.nan), "age": age},
        cluster=None,
        discovery=np.arange(n) % 2 == 0,
        keys=np.arange(n, dtype=np.uint64),
        sampling=Sampling(),
        analysed=600,
        left_out={UnitState.WINDOW_OPEN: 3},
        fingerprint="",
    )


def test_names_stay_names_and_texts_that_are_numbers_become_numbers():
    made, asked = of()
    query = question_of(made, asked, question(SUMMED))
    assert query.segments == ("device", "age")
    assert cap_of(query) == MOST_UNITS
    assert cap_of(replace(query, segments=tuple(f"x{n}" for n in range(200)))) < 100_000
    rows = sixty()
    trial = trial_of(made, asked, rows)
    assert trial.n == 40
    assert trial.units == 400
    assert trial.treated.sum() == 20
    names = {one.name: one for one in trial.covariates}
    assert names["device"].levels == ("desktop", "mobile")
    assert names["age"].levels is None
    assert np.isnan(names["age"].values[0])
    assert f"{asked.cpi.name} before" in names


@pytest.mark.parametrize(("lacking", "told"), [((), None), ((0, 1, 2, 3), "no value for 3 of 40 units")])
def test_whether_every_unit_has_a_value_is_asked_of_the_data(lacking, told):
    made, asked = of()
    rows = sixty()
    seen = np.where(np.isin(np.arange(60), lacking), 0.0, 1.0)  # of 0 to 3, one is in the third arm
    early = np.where(np.arange(60) < 30, 1.0, 0.0)
    wider = replace(
        rows,
        columns=(*rows.columns, f"{CPI}/per", f"{CPI}/pre/per"),
        values=np.column_stack([rows.values, seen, early]),
    )
    why = unseen(made, asked, wider)
    assert (why is None) == (told is None)
    if why is not None:
        assert why.reason == "not_per_unit"
        assert f"{asked.cpi.name} has {told}" in why.detail
    (before,) = (one for one in trial_of(made, asked, wider).covariates if one.name.endswith("before"))
    assert np.isnan(before.values).sum() == 20  # not seen before exposure is no zero
    assert unseen(made, asked, rows) is None
