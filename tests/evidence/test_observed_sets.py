"""Do arms change for whom a metric is seen, and is its own hypothesis gated then?"""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from analyses import (
    ExperimentContrasts,
    Measure,
    Rule,
    judge,
    moments_of,
    stratum_of,
)
from service.evidence.analysis import NO_BOUNDS, analyse
from service.metrics.definitions import (
    Aggregation,
    EventMatch,
    MeanDefinition,
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
    check,
    counted,
    facts,
    plan,
    quoted,
)


def test_a_metric_whose_observed_share_moved_gates_its_own_hypothesis() -> None:
    seen = MeanDefinition(
        aggregation=Aggregation.MEAN,
        window=WEEK,
        event=EventMatch(event="quote"),
        value_type=ValueType.DURATION,
        pre_period=timedelta(0),
    )
    some = plan(FAST)
    some = replace(some, metrics=(replace(some.metrics[0], definition=seen), *some.metrics[1:]))
    columns = (CPI, f"{CPI}/per", KPI, RIVAL)

    def rows(share: float, seed: int) -> np.ndarray:
        draw = np.random.default_rng(seed)
        observed = draw.random(4000) < share
        return np.column_stack(
            [observed * draw.normal(5, 1, 4000), observed, draw.normal(size=4000), draw.normal(size=4000)]
        )

    cells = {("control", 1): rows(0.3, 1), ("fast", 1): rows(0.4, 2)}
    result = facts({cell: rows_[:, [0, 2, 3]] for cell, rows_ in cells.items()})
    result = replace(
        result, columns=columns, moments={cell: moments_of(columns, rows_) for cell, rows_ in cells.items()}
    )
    found = analyse(some, result)
    contrasts = found.findings[0].contrasts
    assert isinstance(contrasts, ExperimentContrasts)
    assert check(contrasts.checks, "observed_set_moved").passed is False
    assert contrasts.corners == ()
    assert found.bounds[CPI, "fast"] == NO_BOUNDS  # nobody cut its values
    measure = Measure(name=CPI, value=CPI, per=f"{CPI}/per")
    by_arm = {arm: rows_ for (arm, _), rows_ in cells.items()}
    cut = replace(result, strata=(stratum_of(columns, by_arm, "control", [measure]),))
    bounded = analyse(some, cut).findings[0].contrasts
    assert isinstance(bounded, ExperimentContrasts)
    low, high = sorted(corner.effects[0, 0] for corner in bounded.corners)
    assert low < bounded.effects[0, 0] < high
    verdict = judge(Rule(direction=-1, smallest_slope=0.1), [bounded]).verdict
    assert "bounds_undecided" in {one.code for one in verdict.reasons}


@pytest.mark.parametrize(("share", "passed"), [(0.3, True), (0.4, False)])
def test_a_cpi_written_as_a_ratio_is_gated_by_who_has_something_to_count(
    share: float,
    passed: bool,  # noqa: FBT001
) -> None:
    """Minutes per quote: an arm that changes who asks for a quote no longer compares like with like."""
    base = plan(FAST)
    some = replace(base, metrics=(replace(base.metrics[0], definition=PER_QUOTE), *base.metrics[1:]))
    cells = {("control", 1): quoted(0.3, 5, 1), ("fast", 1): quoted(share, 4, 2)}
    contrasts = analyse(some, counted(cells)).findings[0].contrasts
    assert isinstance(contrasts, ExperimentContrasts)
    assert check(contrasts.checks, "observed_set_moved").passed is passed
    assert contrasts.metrics[-1] == RATE
    assert some.names[RATE] == "share of units with quote"


def test_a_ratio_that_every_unit_has_is_gated_by_nothing() -> None:
    base = plan(FAST)
    some = replace(base, metrics=(replace(base.metrics[0], definition=PER_QUOTE), *base.metrics[1:]))
    cells = {("control", 1): quoted(1.0, 5, 1), ("fast", 1): quoted(1.0, 4, 2)}
    contrasts = analyse(some, counted(cells)).findings[0].contrasts
    assert isinstance(contrasts, ExperimentContrasts)
    assert check(contrasts.checks, "observed_set_moved").passed
    verdict = judge(Rule(direction=-1, smallest_slope=0.1), [contrasts]).verdict
    assert not {"credit_shared", "rival_unmeasured"} & {one.code for one in verdict.reasons}
