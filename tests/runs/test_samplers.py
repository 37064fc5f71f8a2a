"""Does a warm child sample at once, leave no memory behind, and die in the middle when it must?"""

import threading
import time
from datetime import timedelta

import pytest
import sampling_jobs
from run_watch import alive, read, resident, sleeping, wait_until

from service.kit.database import Database
from service.runs import loop, service
from service.runs.loop import LOADING
from service.runs.origins import ORIGINS, Need
from service.runs.rules import RunKind, RunState
from service.runs.task import Job

LEAN = 60_000  # kilobytes that the process all children are forked from may grow by


@pytest.fixture
def hire_sampler(quick, database: Database, stop):
    def make(compute, **changes):
        jobs = {RunKind.ANALYSIS: Job(compute=compute, record=lambda *_: None, need=Need.SAMPLERS)}
        return loop.worker(quick.model_copy(update=changes), database, jobs, stop)

    return make


@pytest.mark.timeout(600)
def test_a_compiled_sampler_is_forked_used_cut_off_and_leaves_no_memory_behind(
    database, queued, hire_sampler
) -> None:
    """One story, since compiling costs more than all the rest."""
    early = queued()
    thread = threading.Thread(target=hire_sampler(sampling_jobs.sample).work, kwargs={"until_idle": True})
    thread.start()
    wait_until(lambda: read(database, early).stage == LOADING.name)
    with database.write() as session:
        service.cancel(session, early)
    thread.join(10)  # it compiles on, and the worker is free
    assert not thread.is_alive()
    assert not ORIGINS[Need.SAMPLERS].ready(0.0)

    first = queued()
    hire_sampler(sampling_jobs.sample).work(until_idle=True)
    run = read(database, first)
    assert run.state is RunState.SUCCEEDED, run.error_trace
    assert run.result["compiled_before"]  # the model was there before the fork, and served both
    for name in ("pair", "twelve"):
        found = run.result[name]
        assert (found["method"], found["audit"]["method"]) == ("NUTS", "importance sampling")
        assert found["audit"]["apart"] < 4
        assert found["diagnostics"]["r_hat"] < 1.01
        assert found["diagnostics"]["divergences"] <= 4
    server = ORIGINS[Need.SAMPLERS].pid
    before = resident(server)

    limited = queued()
    hire_sampler(sampling_jobs.sample_for_ever, run_time_limit=timedelta(seconds=2)).work(until_idle=True)
    run = read(database, limited)
    assert (run.state, run.error_type) == (RunState.FAILED, "time_limit")

    cancelled = queued()
    thread = threading.Thread(
        target=hire_sampler(sampling_jobs.sample_for_ever).work, kwargs={"until_idle": True}
    )
    thread.start()
    wait_until(lambda: sleeping(database, cancelled))
    child = int((read(database, cancelled).stage or "").split()[-1])
    time.sleep(1)  # into the sampling
    assert resident(child) > 100_000
    with database.write() as session:
        service.cancel(session, cancelled)
    thread.join(30)
    assert not alive(child)
    assert read(database, cancelled).state is RunState.CANCELLED
    assert resident(server) - before < LEAN
