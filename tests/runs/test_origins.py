"""Does a warm exploration load nothing, die in the middle when it must, and is memory given back?"""

import threading
from datetime import timedelta

import causal_jobs
import pytest
from run_watch import alive, read, resident, sleeping, wait_until

from service.kit.database import Database
from service.runs import loop, service
from service.runs.origins import ORIGINS, Need
from service.runs.rules import RunKind, RunState
from service.runs.task import Job

LEAN = 60_000  # kilobytes that the process all children are forked from may grow by
HOUR = timedelta(hours=1)


@pytest.fixture
def hire_causal(quick, database: Database, stop):
    def make(compute, **changes):
        jobs = {RunKind.ANALYSIS: Job(compute=compute, record=lambda *_: None, need=Need.CAUSAL)}
        return loop.worker(quick.model_copy(update=changes), database, jobs, stop)

    return make


@pytest.mark.timeout(600)
def test_what_explorations_load_is_loaded_once_and_forked(database, queued, hire_causal) -> None:
    """One story, since loading costs more than all the rest."""
    first, second = queued(), queued()
    hire_causal(causal_jobs.look).work(until_idle=True)
    server = ORIGINS[Need.CAUSAL].pid
    for run in (read(database, first), read(database, second)):
        assert run.state is RunState.SUCCEEDED, run.error_trace
        assert {"dowhy", "econml", "sklearn", "statsmodels"} <= set(run.result["found"])
        assert not {"deltalake", "duckdb"} & set(run.result["found"])
        assert run.result["loaded"] == []
        assert run.result["models"] == ["LinearDRLearner", "CausalForestDML"]
    assert ORIGINS[Need.CAUSAL].pid == server
    before = resident(server)

    limited = queued()
    hire_causal(causal_jobs.look_for_ever, run_time_limit=timedelta(seconds=1)).work(until_idle=True)
    run = read(database, limited)
    assert (run.state, run.error_type) == (RunState.FAILED, "time_limit")

    cancelled = queued()
    worker = hire_causal(causal_jobs.look_for_ever)
    thread = threading.Thread(target=worker.work, kwargs={"until_idle": True})
    thread.start()
    wait_until(lambda: sleeping(database, cancelled))
    child = int((read(database, cancelled).stage or "").split()[-1])
    assert resident(child) > 100_000
    with database.write() as session:
        service.cancel(session, cancelled)
    thread.join(30)
    assert not alive(child)
    assert read(database, cancelled).state is RunState.CANCELLED
    assert resident(server) - before < LEAN

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
