"""Reports: what was written down of an experiment, a lever or the board, in which forms, and one more now."""

from typing import Annotated

from fastapi import Form as FormField
from fastapi import Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from service.access import Actor, Editor, Role
from service.access.browsers import require_form_token
from service.kit import paging
from service.kit.http import ReadSession, WriteSession
from service.reports import keeping, requests
from service.reports.endpoints import download
from service.reports.kinds import Form
from service.reports.schemas import ReportDraft, kind_of
from service.web.forms import read_form
from service.web.names import named
from service.web.rendering import COOKIE, page
from service.web.route import pages

report_pages = pages()
SUBJECT = r"^((exp|hyp)_[0-9a-z]+|board)?$"
Text = Annotated[str, FormField(max_length=200)]
About = Annotated[str, Query(max_length=64, pattern=SUBJECT)]
Sha = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


@report_pages.get("/reports")
def reports_page(
    request: Request,
    session: ReadSession,
    about: About = "",
    asked: Annotated[str, Query(max_length=64)] = "",
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Response:
    found = keeping.find(session, keeping.Filter(subject=about or None), paging.Query(cursor=cursor))
    return page(
        request,
        "reports.html",
        reports=found.items,
        forms=keeping.forms_of(session, [row.sha256 for row in found.items]),
        about=about,
        named=named(session, {about}),
        asked=asked,
        may_ask=bool(about) and _may(session, request.state.caller, about),
        following=found.next,
    )


def _may(session: Session, actor: Actor, about: str) -> bool:
    team = requests.team_of(session, kind_of(about), about)
    own = team is None or actor.team == team or actor.role is Role.admin
    return own and actor.role.reaches(Role.editor)


@report_pages.post("/reports")
def ask_on_page(
    request: Request, session: WriteSession, actor: Editor, form_token: Text, about: Text
) -> Response:
    """The same request as over the API; the worker's run is one link away."""
    require_form_token(request.cookies.get(COOKIE, ""), form_token)
    run = requests.ask(session, actor, read_form(ReportDraft, {"subject": about}))
    return RedirectResponse(f"/reports?about={about}&asked={run.id}", status_code=303)


@report_pages.get("/reports/{sha256}/report.{form}")
def report_file(
    sha256: Sha,
    form: Form,
    session: ReadSession,
    language: Annotated[str | None, Query(max_length=20)] = None,
) -> Response:
    """The page is shown where it stands, under its own policy; other forms are files to keep."""
    found = keeping.content(session, sha256, form, language)
    return download(*found, form, inline=form is Form.HTML)
