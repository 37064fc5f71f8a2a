"""Runs: what is being computed, what was, and what went wrong?"""

from typing import Annotated

from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from service.access import Editor, Role, require_role, require_team
from service.access.browsers import require_form_token
from service.experiments import planned as experiments
from service.kit import paging
from service.kit.canonical import canonical_json
from service.kit.errors import NotFound
from service.kit.http import ReadSession, WriteSession
from service.runs import service as runs
from service.runs.rules import FINISHED, RunKind, RunState
from service.runs.schemas import RunSummary, RunView
from service.runs.tables import Run
from service.web.downloads import json_file
from service.web.names import named
from service.web.rendering import COOKIE, page
from service.web.rights import may_change
from service.web.route import pages
from service.web.run_shown import made_of, snapshot_json

run_pages = pages()


class NoResultYet(NotFound):
    slug, title = "no-result", "This run has no result"


@run_pages.get("/runs")
def runs_page(
    *,
    request: Request,
    session: ReadSession,
    kind: Annotated[str, Query(max_length=20)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Response:
    wanted = runs.Filter(
        kind=RunKind(kind) if kind in list(RunKind) else None,
        state=RunState(state) if state in list(RunState) else None,
    )
    found = runs.find(session, wanted, paging.Query(cursor=cursor))
    shown = [RunSummary.of(run) for run in found.items]
    return page(
        request,
        "runs.html",
        runs=shown,
        named=named(session, {run.subject for run in shown if run.subject}),
        kinds=tuple(RunKind),
        states=tuple(RunState),
        asked={"kind": kind, "state": state},
        following=found.next,
    )


@run_pages.get("/runs/{run_id}")
def run_page(run_id: str, request: Request, session: ReadSession) -> Response:
    """One run; while it is open the page looks again by itself, or when it is loaded anew."""
    run = runs.get(session, run_id)
    team = _team(session, run)
    shown, open_still = RunView.of(run), run.state not in FINISHED
    return page(
        request,
        "run.html",
        run=shown,
        made=made_of(shown),
        named=named(session, {shown.subject} if shown.subject else ()),
        open_still=open_still,
        may_cancel=open_still and may_change(request, team or ""),
    )


@run_pages.get("/runs/{run_id}/result.json")
def run_result(run_id: str, session: ReadSession) -> Response:
    """What it found, as it is kept."""
    run = runs.get(session, run_id)
    if run.result is None:
        raise NoResultYet(f"It is {run.state.value}.")
    return json_file(canonical_json(run.result), run.id)


@run_pages.get("/runs/{run_id}/snapshot.json")
def run_snapshot(run_id: str, session: ReadSession) -> Response:
    """Which data it read, to the file."""
    run = runs.get(session, run_id)
    if run.snapshot is None:
        raise NoResultYet("It read no data.")
    return json_file(snapshot_json(run.snapshot), f"{run.id}-snapshot")


@run_pages.post("/runs/{run_id}/cancel")
def cancel_run_on_page(
    *,
    run_id: str,
    request: Request,
    session: WriteSession,
    actor: Editor,
    form_token: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Stop it for good, as over the API."""
    require_form_token(request.cookies.get(COOKIE, ""), form_token)
    team = _team(session, runs.get(session, run_id))
    require_team(actor, team) if team is not None else require_role(actor, Role.admin)
    runs.cancel(session, run_id)
    return RedirectResponse(f"/runs/{run_id}", status_code=303)


def _team(session: Session, run: Run) -> str | None:
    """Whose it is; of a run that belongs to nobody only an admin disposes."""
    return run.team if run.experiment_id is None else experiments.get(session, run.experiment_id).team
