"""How is a report kept and found again? Once, under the hash of its bundle; nothing of it ever changes."""

import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.kit.clock import now
from service.kit.database import Database
from service.kit.errors import NotFound, ServiceError, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, matching, page
from service.reports.bundles import ExperimentBundle
from service.reports.kinds import Form, ReportKind
from service.reports.making import AnyBundle, Made
from service.reports.pdf import Missing
from service.reports.tables import ReportForm, ReportRow


class ReportNotFound(NotFound):
    slug, title = "report-not-found", "There is no such report"


class FormNotKept(NotFound):
    """The report is there, and was never made in this language."""

    slug, title = "report-language", "The report was not made in this language"


class FormUnavailable(ServiceError):
    """This deployment lacks what this form takes."""

    status, slug, title = 501, "report-form", "This form of the report cannot be made here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which reports a list shows; None leaves a question open."""

    kind: ReportKind | None = None
    subject: str | None = None
    team: str | None = None
    run: str | None = None


def keep(database: Database, bundle: AnyBundle, made: Made) -> None:
    """The report and its forms, as far as they are not there yet; each in a transaction of its own."""
    with (
        suppress(IntegrityError),
        database.write() as session,
    ):  # two workers, one report: one of them keeps it
        if _row(session, made.sha256) is None:
            session.add(_new(bundle, made))
    for form, content in made.forms.items():
        with suppress(IntegrityError), database.write() as session:
            _keep_form(session, made, form, content)


def _new(bundle: AnyBundle, made: Made) -> ReportRow:
    return ReportRow(
        id=new_id("rep"),
        sha256=made.sha256,
        kind=ReportKind(bundle.kind),
        subject=bundle.subject,
        team=bundle.team,
        title=bundle.title,
        answer=bundle.answer,
        run_id=bundle.run.id if isinstance(bundle, ExperimentBundle) else None,
        created_at=now(),
    )


def _keep_form(session: Session, made: Made, form: Form, content: bytes | Missing) -> None:
    """What is there stays as it is; what could not be made earlier may be made now."""
    language = made.document.language
    row = session.get(ReportForm, (made.sha256, form, language))
    if row is not None and row.content is not None:
        return
    packed = None if isinstance(content, Missing) else zlib.compress(content, 6)
    if row is None:
        row = ReportForm(report_sha256=made.sha256, form=form, language=language, created_at=now())
        session.add(row)
    row.content = packed
    row.content_sha256 = None if isinstance(content, Missing) else sha256(content).hexdigest()
    row.why_not = content.why if isinstance(content, Missing) else None


def _row(session: Session, digest: str) -> ReportRow | None:
    return session.scalars(select(ReportRow).where(ReportRow.sha256 == digest)).first()


def get(session: Session, digest: str) -> ReportRow:
    row = _row(session, digest)
    if row is None:
        raise ReportNotFound(f"There is no report {excerpt(digest)}.")
    return row


def find(session: Session, wanted: Filter, query: Query) -> Found[ReportRow]:
    """Reports, the newest first."""
    statement = matching(
        select(ReportRow),
        (ReportRow.kind, wanted.kind),
        (ReportRow.subject, wanted.subject),
        (ReportRow.team, wanted.team),
        (ReportRow.run_id, wanted.run),
    )
    return page(session, statement, ReportRow.id, query, newest_first=True)


def forms_of(
    session: Session, sha256s: Sequence[str]
) -> Mapping[str, Sequence[tuple[Form, str, str | None]]]:
    """By report: form, language, and why it could not be made."""
    columns = (ReportForm.report_sha256, ReportForm.form, ReportForm.language, ReportForm.why_not)
    rows = session.execute(
        select(*columns).where(ReportForm.report_sha256.in_(sha256s)).order_by(*columns[:3])
    )
    found: dict[str, list[tuple[Form, str, str | None]]] = {one: [] for one in sha256s}
    for digest, form, language, why_not in rows:
        found[digest].append((form, language, why_not))
    return found


def content(session: Session, digest: str, form: Form, language: str | None) -> tuple[ReportRow, bytes, str]:
    """One form as it was made, in the language or, where none is named, in the first that it was made in."""
    row = get(session, digest)
    known = {lang: why for kept, lang, why in forms_of(session, [digest])[digest] if kept is form}
    chosen = language if language in known or (language and form is not Form.JSON) else next(iter(known), "")
    if chosen not in known:
        raise FormNotKept("Ask for the report in this language first: POST /v1/reports.")
    found = session.get_one(ReportForm, (digest, form, chosen))
    if found.content is None or found.content_sha256 is None:
        raise FormUnavailable(found.why_not or "It could not be made.")
    return row, zlib.decompress(found.content), found.content_sha256


def complete(session: Session, digest: str, language: str) -> bool:
    """Whether nothing is left to be made of it in this language."""
    kept = {form for form, of, why in forms_of(session, [digest])[digest] if of == language and why is None}
    return kept == set(Form)
