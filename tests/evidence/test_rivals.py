"""Which other CPI may deserve the credit, and which is the same one once more?"""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from analyses import (
    ExperimentContrasts,
    moments_of,
)
from service.evidence.analysis import analyse
from service.metrics.definitions import (
    Aggregation,
    EventMatch,
    MeanDefinition,
    ProportionDefinition,
    ValueType,
)
from tests.evidence.cells import (
    CPI,
    FAST,
    KPI,
    PER_QUOTE,
    RATE,
    RIVAL,
    WEEK,
    counted,
    facts,
    plan,
    quoted,
    summed,
    units,
)


def test_the_same_outcome_under_another_name_is_no_rival_and_none_twice() -> None:
    base = plan(FAST)
    twins = (
        replace(base.metrics[0], ref="met_copy@1"),
        replace(base.metrics[2], ref="met_again@1"),
    )
    columns = (CPI, KPI, RIVAL, "met_copy@1", "met_again@1")

    def cell(seed: int, shift: float) -> np.ndarray:
        rows = units(shift, 0.5, seed=seed)
        return np.column_stack([rows, rows[:, 0], rows[:, 2]])

    cells = {("control", 1): cell(1, 0), ("fast", 1): cell(2, -1)}
    result = facts({key: rows[:, :3] for key, rows in cells.items()})
    moments = {key: moments_of(columns, rows) for key, rows in cells.items()}
    some = replace(base, metrics=(*base.metrics, *twins))
    contrasts = analyse(some, replace(result, columns=columns, moments=moments)).findings[0].contrasts
    assert isinstance(contrasts, ExperimentContrasts)
    assert contrasts.metrics == (CPI, KPI, base.metrics[2].rival)


def test_a_rival_is_the_same_one_under_a_new_version_of_the_same_definition() -> None:
    rival = plan(FAST).metrics[2]
    assert replace(rival, ref="met_options@2").rival == rival.rival
    assert replace(rival, definition=summed("other")).rival != rival.rival


def test_a_cpi_is_no_rival_of_itself_where_it_is_a_rate() -> None:
    """The share of those with a quote as CPI, sales per quote as KPI: the rate is the CPI itself."""
    asked = ProportionDefinition(
        aggregation=Aggregation.PROPORTION,
        window=WEEK,
        all_of=(EventMatch(event="quote"),),
        pre_period=timedelta(0),
    )
    base = plan(FAST)
    metrics = (
        replace(base.metrics[0], definition=asked),
        replace(base.metrics[1], definition=PER_QUOTE),
        base.metrics[2],
    )
    columns = (CPI, KPI, f"{KPI}/per", RIVAL, RATE)
    cells = {
        (arm, 1): quoted(share, 5, seed)[:, [4, 0, 1, 3, 4]]
        for arm, share, seed in (("control", 0.3, 1), ("fast", 0.4, 2))
    }
    contrasts = analyse(replace(base, metrics=metrics), counted(cells, columns)).findings[0].contrasts
    assert isinstance(contrasts, ExperimentContrasts)
    assert RATE not in contrasts.metrics


def test_a_rival_that_one_phase_lacks_costs_no_phase() -> None:
    rated = MeanDefinition(
        aggregation=Aggregation.MEAN,
        window=WEEK,
        event=EventMatch(event="rated"),
        value_type=ValueType.AMOUNT,
        pre_period=timedelta(0),
    )
    base = plan(FAST)
    some = replace(base, metrics=(*base.metrics[:2], replace(base.metrics[2], definition=rated)))
    columns = (CPI, KPI, RIVAL, f"{RIVAL}/per")

    def rows(seed: int, observed: float) -> np.ndarray:
        return np.column_stack([units(0, 0.5, seed=seed), np.full(4000, observed)])

    cells = {
        ("control", 1): rows(1, 1.0),
        ("fast", 1): rows(2, 1.0),
        ("control", 2): rows(3, 0.0),
        ("fast", 2): rows(4, 0.0),
    }
    result = facts({cell: some_[:, :3] for cell, some_ in cells.items()})
    moments = {cell: moments_of(columns, some_) for cell, some_ in cells.items()}
    finding = analyse(some, replace(result, columns=columns, moments=moments)).findings[0]
    assert isinstance(finding.contrasts, ExperimentContrasts)
    assert finding.contrasts.metrics == (CPI, KPI)
    assert finding.contrasts.control_units == 8000
    assert [(one.metric, one.reason.reason) for one in finding.unmeasured] == [
        (some.metric(RIVAL).rival, "never_observed")
    ]
