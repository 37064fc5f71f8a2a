"""Does a warm child sample at once, leave no memory behind, and die in the middle when it must?"""

import threading

import pytest
import sampling_jobs
from run_watch import assert_cut_off, read, wait_until

from service.runs import service
from service.runs.loop import LOADING
from service.runs.origins import ORIGINS, Need
from service.runs.rules import RunState


@pytest.mark.timeout(600)
def test_a_compiled_sampler_is_forked_used_cut_off_and_leaves_no_memory_behind(
    database, queued, hire
) -> None:
    """One story, since compiling costs more than all the rest."""
    early = queued()
    worker = hire(sampling_jobs.sample, Need.SAMPLERS)
    thread = threading.Thread(target=worker.work, kwargs={"until_idle": True})
    thread.start()
    wait_until(lambda: read(database, early).stage == LOADING.name)
    with database.write() as session:
        service.cancel(session, early)
    thread.join(10)  # it compiles on, and the worker is free
    assert not thread.is_alive()
    assert not ORIGINS[Need.SAMPLERS].ready(0.0)

    first = queued()
    hire(sampling_jobs.sample, Need.SAMPLERS).work(until_idle=True)
    run = read(database, first)
    assert run.state is RunState.SUCCEEDED, run.error_trace
    assert run.result["compiled_before"]  # the model was there before the fork, and served both
    for name in ("pair", "twelve"):
        found = run.result[name]
        assert (found["method"], found["audit"]["method"]) == ("NUTS", "importance sampling")
        assert found["audit"]["apart"] < 4
        assert found["diagnostics"]["r_hat"] < 1.01
        assert found["diagnostics"]["divergences"] <= 4
    assert_cut_off(database, queued, hire, sampling_jobs.sample_for_ever, Need.SAMPLERS)
