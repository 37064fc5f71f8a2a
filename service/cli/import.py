"""`leverboard import`: files with facts, or a past study from a warehouse, go into a service or the store."""  # noqa: N999 - the command's name

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from service.access.rules import Actor, Role
from service.cli.onefile import options
from service.cli.onefile.plan import UsageProblem, mechanisms, shares
from service.cli.store import opened
from service.cli.transfer.grading import graded, in_words
from service.cli.transfer.past import PastStudy
from service.cli.transfer.pieces import Piece, media_type, pieces
from service.cli.transfer.receivers import Receiver, Service, Store, connection_to
from service.facts.ingest.rows import Rejection
from service.facts.tables import FactKind
from service.settings import Settings

KEY = "API_KEY"  # the variable that holds the key of a service
_TOLD = 20  # rejections that are shown


class Naming(StrEnum):
    """Where an id comes from."""

    FIELD = "field"
    ROW = "row"


def command(  # noqa: PLR0917 - flags
    files: Annotated[
        list[Path] | None,
        typer.Argument(exists=True, dir_okay=False, help=".ndjson, .csv, .parquet or .arrows"),
    ] = None,
    kind: Annotated[FactKind, typer.Option(help="What the rows are.")] = FactKind.OUTCOMES,
    source: Annotated[str, typer.Option(help="Where the rows come from.")] = "import",
    zone: Annotated[str | None, typer.Option(help="IANA zone of times without an offset.")] = None,
    naming: Annotated[
        Naming, typer.Option("--id", help="row: the file and the row's number name the row.")
    ] = Naming.FIELD,
    url: Annotated[
        str | None, typer.Option(help=f"A service that runs, its key in {KEY}; else the store itself.")
    ] = None,
    past_study: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Instead of files: a registered source, or a JSON file that describes one, which holds a "
            "study that was run elsewhere.",
        ),
    ] = None,
    experiment: Annotated[str | None, typer.Option(help="What the warehouse calls the past study.")] = None,
    hypothesis: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The registered hypothesis that the past study speaks on."),
    ] = None,
    control: Annotated[str | None, typer.Option(metavar="ARM", help="Its control.")] = None,
    mechanism: Annotated[list[str] | None, options.MECHANISM] = None,
    placebo: Annotated[list[str] | None, options.PLACEBO] = None,
    weight: Annotated[list[str] | None, options.WEIGHT] = None,
    name: Annotated[str | None, typer.Option(help="What people call the past study.")] = None,
    notes: Annotated[str | None, typer.Option(help="What else should be known of it.")] = None,
    corrects: Annotated[str | None, options.CORRECTS] = None,
    units_per_day: Annotated[float | None, options.UNITS_PER_DAY] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A past study's whole grade, as JSON.")] = False,
) -> None:
    """Take in files of facts. Run it again after an interruption: what was acknowledged is not sent twice.

    With --past-study: read the assignments and outcomes of a study that was run elsewhere where they lie, and
    tell the retrospective grade, which is no verdict, with the one experiment to run next. Into the store it
    speaks as an admin, for whoever may write the data folder may do all.
    """
    if past_study is not None:
        if files or url is not None:
            raise typer.BadParameter("--past-study takes neither files nor --url")
        try:
            asked = PastStudy(
                experiment=_needed("--experiment", experiment),
                control=_needed("--control", control),
                shares=shares(weight or ()),
                mechanisms=mechanisms(mechanism or ()),
                placebos=tuple(placebo or ()),
                name=name,
                notes=notes,
                corrects=corrects,
                units_per_day=units_per_day,
            )
        except UsageProblem as problem:
            raise typer.BadParameter(str(problem)) from problem
        grade = graded(Settings.from_environment(), past_study, asked, _needed("--hypothesis", hypothesis))
        print(grade.model_dump_json(indent=2) if as_json else in_words(grade))
        return
    if not files:
        raise typer.BadParameter("name files, or a --past-study")
    for path in files:
        media_type(path)
    numbered = naming is Naming.ROW
    with _receiver(url, source, zone) as receiver:
        _take_in(receiver, kind, {path: pieces(kind, path, numbered=numbered, zone=zone) for path in files})


def _take_in(receiver: Receiver, kind: FactKind, files: Mapping[Path, Iterable[Piece]]) -> None:
    """Each file, piece by piece; exits with 1 where rows were rejected, after telling some of them."""
    console, told, rejected = Console(stderr=True), deque[tuple[Path, Rejection]](maxlen=_TOLD), 0
    with _progress(console) as progress:
        for path, found in files.items():
            task = progress.add_task(path.name, total=None)
            for piece in found:
                taken = receiver.take(kind, piece)
                rejected += taken.rejected
                told.extend((path, one) for one in taken.rejections[: _TOLD - len(told)])
                progress.advance(task, taken.accepted + taken.rejected)
            progress.update(task, total=progress.tasks[task].completed)
    for where, one in told:
        print(f"{where.name}, row {one.row}, {one.field or 'the row'}: {one.reason}")
    if rejected:
        print(f"{rejected:,} rows were rejected.")
        raise typer.Exit(1)


def _needed(flag: str, given: str | None) -> str:
    if not given:
        raise typer.BadParameter(f"--past-study needs {flag}")
    return given


@contextmanager
def _receiver(url: str | None, source: str, zone: str | None) -> Iterator[Receiver]:
    if url is not None:
        key = os.environ.get(KEY)
        if not key:
            raise typer.BadParameter(f"set {KEY} to a key of that service")
        with closing(connection_to(url)) as connection:
            yield Service(address=url, key=key, source=source, zone=zone, connection=connection)
        return
    actor = Actor(key_id="import", owner="import", team="import", role=Role.admin)
    with opened(Settings.from_environment()) as database:
        yield Store(database=database, actor=actor, source=source, zone=zone)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)
