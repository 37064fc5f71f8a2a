"""The doors to reports: ask for one, list them, take one form of one away."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Path, Query, Request, Response, status

from service.access import CurrentActor, Editor
from service.experiments.stored import ExperimentNotFound
from service.hypotheses.registered import HypothesisNotRegistered
from service.hypotheses.stored import HypothesisNotFound
from service.kit.http import Page, PageQuery, ReadSession, WriteSession, router
from service.kit.problems import problems
from service.reports import keeping, requests
from service.reports.assembling import NothingToReport
from service.reports.bundles import schema
from service.reports.html import policy_of
from service.reports.kinds import Form, ReportKind
from service.reports.rules import file_name
from service.reports.schemas import FormView, ReportDraft, ReportView
from service.reports.tables import ReportRow
from service.runs.schemas import RunView
from service.runs.service import RunNotFound

reports = router("/v1/reports", ["reports"])
Sha = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Lang = Annotated[str | None, Query(max_length=20)]
FOR_EVER = "private, max-age=31536000, immutable"
_FORMS = {form.media_type.partition(";")[0]: form for form in Form if form is not Form.JSON}
_MISSING = problems(keeping.ReportNotFound)
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The form, as it was made.",
        "content": {form.media_type.partition(";")[0]: {"schema": {"type": "string"}} for form in Form},
    }
}


@reports.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(
        ExperimentNotFound, HypothesisNotFound, RunNotFound, HypothesisNotRegistered, NothingToReport
    ),
)
def request_report(draft: ReportDraft, session: WriteSession, actor: Editor, response: Response) -> RunView:
    """Have a report made; a worker makes it. The run's result names the report by its SHA-256."""
    run = requests.ask(session, actor, draft)
    response.headers["Location"] = f"/v1/runs/{run.id}"
    response.headers["Retry-After"] = "1"
    return RunView.of(run)


@reports.get("")
def list_reports(
    *,
    session: ReadSession,
    _: CurrentActor,
    pages: PageQuery,
    kind: ReportKind | None = None,
    subject: Annotated[str | None, Query(max_length=64)] = None,
    team: Annotated[str | None, Query(max_length=200)] = None,
    run: Annotated[str | None, Query(max_length=64)] = None,
) -> Page[ReportView]:
    """Reports, the newest first; without their forms' content."""
    wanted = keeping.Filter(kind=kind, subject=subject, team=team, run=run)
    found = keeping.find(session, wanted, pages)
    forms = keeping.forms_of(session, [row.sha256 for row in found.items])
    return pages.answer([view(row, forms) for row in found.items], found.next)


@reports.get("/schema.json")
def get_report_schema(_: CurrentActor) -> dict[str, Any]:
    """The JSON Schema of every bundle of this format; also docs/report.schema.json."""
    return schema()


@reports.get(
    "/{sha256}",
    responses=_MISSING | problems(keeping.FormNotKept, keeping.FormUnavailable),
    response_model=ReportView,
)
def get_report(
    *,
    sha256: Sha,
    request: Request,
    response: Response,
    session: ReadSession,
    _: CurrentActor,
    language: Lang = None,
) -> ReportView | Response:
    """What it is and which forms it has; with Accept of one form's own type (not JSON), that form."""
    row = keeping.get(session, sha256)
    wanted = _FORMS.get(request.headers.get("accept", "").partition(";")[0].strip().lower())
    if wanted is not None:
        found = download(*keeping.content(session, sha256, wanted, language), wanted)
        found.headers["Vary"] = "Accept"  # the same address answers otherwise to others: no cache mixes them
        return found
    response.headers["Vary"] = "Accept"
    return view(row, keeping.forms_of(session, [sha256]))


@reports.get(
    "/{sha256}/report.{form}",
    responses={**_MISSING, **problems(keeping.FormNotKept, keeping.FormUnavailable), **_CONTENT},
    response_class=Response,
)
def get_report_form(
    sha256: Sha, form: Form, session: ReadSession, _: CurrentActor, language: Lang = None
) -> Response:
    """One form of it, byte for byte as it was made; the ETag is its own SHA-256."""
    return download(*keeping.content(session, sha256, form, language), form)


def download(row: ReportRow, content: bytes, digest: str, form: Form, *, inline: bool = False) -> Response:
    """A file to keep; a page is shown where it stands, under a policy that lets nothing run."""
    name = file_name(row.kind, row.subject, row.sha256, form)
    place = "inline" if inline else "attachment"
    headers = {
        "Content-Disposition": f'{place}; filename="{name}"',
        "ETag": f'"{digest}"',
        "Cache-Control": FOR_EVER,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if form is Form.HTML:
        headers["Content-Security-Policy"] = f"{policy_of(content.decode())}; sandbox"
    return Response(content, media_type=form.media_type, headers=headers)


def view(row: ReportRow, forms: Mapping[str, Sequence[tuple[Form, str, str | None]]]) -> ReportView:
    """A row with where its forms are."""
    same = ("sha256", "kind", "subject", "team", "title", "answer", "run_id", "created_at")
    return ReportView(
        **{name: getattr(row, name) for name in same},
        forms=tuple(
            FormView(
                form=form,
                language=language,
                url=f"/v1/reports/{row.sha256}/report.{form.value}?language={language}",
                why_not=why_not,
            )
            for form, language, why_not in forms[row.sha256]
        ),
    )
