"""Does a reader see that the latest analysis failed, and what to do: on the experiment and on the lever?"""

import pytest
from sqlalchemy import event, update

from service.kit.clock import now
from service.runs.rules import RunState
from service.runs.tables import Run
from service.web.failed import failures
from service.web.names import Named, named
from tests.evidence.company import SHORT, TWO_MECHANISMS, Company
from tests.hypotheses.drafts import created


@pytest.fixture
def broken(client, settings, database) -> tuple[str, str]:
    """An experiment with an answer, whose next analysis failed, and its hypothesis."""
    company = Company(client=client, settings=settings)
    hypothesis: str = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    company.finish(experiment)
    asked = client.post(f"/v1/experiments/{experiment}/runs", json={})
    fail(database, asked.json()["id"], "child_died", "The computing process was killed by signal SIGKILL.")
    return experiment, hypothesis


def fail(database, run: str, kind: str, message: str) -> None:
    died = {"state": RunState.FAILED, "error_type": kind, "error_message": message, "finished_at": now()}
    with database.write() as session:
        session.execute(update(Run).where(Run.id == run).values(**died))


def test_a_run_that_failed_is_told_on_the_experiment_and_on_its_lever(browser, broken) -> None:
    experiment, hypothesis = broken
    for address in (f"/experiments/{experiment}", f"/levers/{hypothesis}"):
        page = browser.get(address).text
        assert "The latest analysis failed" in page
        assert "for want of memory" in page
        assert "Give the worker more memory" in page
        assert 'href="/runs/run_' in page
        assert "<time datetime=" in page
    assert "Proven" in browser.get(f"/levers/{hypothesis}").text  # what was concluded stands


def test_what_failed_is_told_without_reading_what_runs_found(database, broken) -> None:
    experiment, _ = broken
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    with database.read() as session:
        (one,) = failures(session, [experiment])
    assert one.why == "child_died"
    assert any("FROM runs" in statement for statement in asked)
    assert [statement for statement in asked if "runs.result" in statement] == []


def test_hypotheses_are_called_by_name_in_as_many_queries_however_many(client, settings, database) -> None:
    company = Company(client=client, settings=settings)
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    draft = {"cpi": company.ids["cpi"], "kpi": company.ids["kpi"], "direction": "increase"}
    draft |= {"rationale": "Why", "unit_type": "customer", "window": SHORT, "direct_effect_bound": "unknown"}
    drafted = created(client, "/v1/hypotheses", draft)["id"]
    counts = []
    for n in (1, 4):
        ids = [company.hypothesis(smallest_slope=n + one / 10) for one in range(n)]
        with database.read() as session:
            asked.clear()
            found = named(session, [*ids, drafted, f"hyp_{'0' * 26}"])
        counts.append(len(asked))
        assert found == {one: Named(name="Wait → Spending", address=f"/levers/{one}") for one in ids}
    assert counts[0] == counts[1]


def test_what_the_computation_said_is_shown_inert(browser, client, database, broken) -> None:
    experiment, _ = broken
    again = client.post(f"/v1/experiments/{experiment}/runs", json={})
    page = browser.get(f"/experiments/{experiment}").text
    assert f'href="/runs/{again.json()["id"]}">it is computed again now' in page
    fail(database, again.json()["id"], "ValueError", "<script>alert(1)</script>")
    page = browser.get(f"/experiments/{experiment}").text
    assert "&lt;script&gt;alert(1)" in page
    assert "Mend what it names" in page


def test_a_run_that_ended_well_or_was_cancelled_is_no_failure(browser, client, database, broken) -> None:
    experiment, _ = broken
    with database.write() as session:
        failed = update(Run).where(Run.state == RunState.FAILED)
        session.execute(failed.values(state=RunState.CANCELLED))
    assert "The latest analysis failed" not in browser.get(f"/experiments/{experiment}").text
