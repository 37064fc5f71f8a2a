"""How is a source tried before a plan rests on it?"""

from fastapi import Response, status

from service.access import Editor, require_team
from service.kit.http import WriteSession, router
from service.kit.problems import problems
from service.runs import service as runs
from service.runs.endpoints import RETRY_SECONDS
from service.runs.rules import RunKind
from service.runs.schemas import RunView
from service.sources import service as sources
from service.sources.service import SourceNotFound

source_tests = router("/v1/sources", ["sources"])


@source_tests.post(
    "/{source_id}:test", status_code=status.HTTP_202_ACCEPTED, responses=problems(SourceNotFound)
)
def try_source(source_id: str, session: WriteSession, actor: Editor, response: Response) -> RunView:
    """Ask a worker to connect and to look at some rows; the run's `result` says whether and what it found."""
    source = sources.get(session, source_id)
    require_team(actor, source.team)
    run = runs.ask_other(
        session, RunKind.SOURCE_TEST, subject=source.id, team=source.team, author=actor.owner
    )
    response.headers["Location"] = f"/v1/runs/{run.id}"
    response.headers["Retry-After"] = RETRY_SECONDS
    return RunView.of(run)
