"""Runs: what is being computed, what was, and what went wrong?"""

from typing import Annotated

from fastapi import Query, Request, Response

from service.kit import paging
from service.kit.http import ReadSession
from service.runs import service as runs
from service.runs.schemas import RunSummary
from service.web.rendering import page
from service.web.route import pages

run_pages = pages()


@run_pages.get("/runs")
def runs_page(
    request: Request,
    session: ReadSession,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Response:
    found = runs.find(session, runs.Filter(), paging.Query(cursor=cursor))
    shown = [RunSummary.of(run) for run in found.items]
    return page(request, "runs.html", runs=shown, following=found.next)
