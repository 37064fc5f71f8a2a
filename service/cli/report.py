"""`leverboard report`: write the five forms of one report into a folder, from the store, without a worker."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from service.cli.store import existing
from service.kit.clock import now
from service.kit.languages import LANGUAGES
from service.reports import keeping
from service.reports.assembling import About, bundle_of
from service.reports.kinds import ReportKind
from service.reports.making import made
from service.reports.pdf import Missing
from service.reports.requests import FIRST_LOOK
from service.reports.rules import file_name
from service.reports.schemas import Subject, kind_of
from service.settings import Settings

_SUBJECT: TypeAdapter[str] = TypeAdapter(Subject)


def command(
    subject: Annotated[str, typer.Argument(help="an experiment, a hypothesis, or board")],
    run: Annotated[str | None, typer.Option(help="of an experiment: the run to be told")] = None,
    language: Annotated[str, typer.Option(help=", ".join(LANGUAGES))] = LANGUAGES[0],
    folder: Annotated[Path, typer.Option(help="where the files go")] = Path(),
) -> None:
    """Write a report as HTML, PDF, Markdown, JSON and notebook, and keep it in the store."""
    try:
        _SUBJECT.validate_python(subject)
    except ValidationError as error:
        raise typer.BadParameter("expected an id such as exp_01… or hyp_01…, or board") from error
    if language not in LANGUAGES:
        raise typer.BadParameter(f"expected one of {', '.join(LANGUAGES)}")
    with existing(Settings.from_environment()) as database:
        with database.read() as session:
            at = now()
            of = About(kind=kind_of(subject), id=subject, run=run, as_of=at, since=at - FIRST_LOOK)
            bundle = bundle_of(session, of)
        written = made(bundle, language)
        keeping.keep(database, bundle, written)
    folder.mkdir(parents=True, exist_ok=True)
    for form, content in written.forms.items():
        if isinstance(content, Missing):
            print(f"{form.value}: {content.why}")
            continue
        path = folder / file_name(ReportKind(bundle.kind), subject, written.sha256, form)
        path.write_bytes(content)
        print(path)
