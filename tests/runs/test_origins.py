"""Does a warm exploration load nothing, die in the middle when it must, and is memory given back?"""

from datetime import timedelta

import causal_jobs
import pytest
from run_watch import alive, assert_cut_off, read

from service.runs.origins import ORIGINS, Need
from service.runs.rules import RunState

HOUR = timedelta(hours=1)


@pytest.mark.timeout(600)
def test_what_explorations_load_is_loaded_once_and_forked(database, queued, hire) -> None:
    """One story, since loading costs more than all the rest."""
    first, second = queued(), queued()
    hire(causal_jobs.look, Need.CAUSAL).work(until_idle=True)
    server = ORIGINS[Need.CAUSAL].pid
    for run in (read(database, first), read(database, second)):
        assert run.state is RunState.SUCCEEDED, run.error_trace
        assert {"dowhy", "econml", "sklearn", "statsmodels"} <= set(run.result["found"])
        assert not {"deltalake", "duckdb"} & set(run.result["found"])
        assert run.result["loaded"] == []
        assert run.result["models"] == ["LinearDRLearner", "CausalForestDML"]
    assert ORIGINS[Need.CAUSAL].pid == server
    assert_cut_off(database, queued, hire, causal_jobs.look_for_ever, Need.CAUSAL)

    ORIGINS[Need.CAUSAL].end_unused(HOUR)
    assert alive(server)
    ORIGINS[Need.CAUSAL].end_unused(timedelta(0))
    assert not alive(server)


def test_an_ordinary_run_starts_nothing_that_others_need(database, queued, hire) -> None:
    """Nobody pays for EconML or a compiled sampler who asks for neither."""
    for need in (Need.CAUSAL, Need.SAMPLERS):
        ORIGINS[need].end_unused(timedelta(0))
    queued()
    hire(causal_jobs.nothing).work(until_idle=True)
    assert ORIGINS[Need.ORDINARY].pid is not None
    assert [ORIGINS[need].pid for need in (Need.CAUSAL, Need.SAMPLERS)] == [None, None]
