"""`leverboard import`: files with facts go in, into a service that runs or straight into the store."""  # noqa: N999 - the command's name

import os
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from service.access.rules import Actor, Role
from service.cli.store import opened
from service.cli.transfer.pieces import media_type, pieces
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
        list[Path], typer.Argument(exists=True, dir_okay=False, help=".ndjson, .csv, .parquet or .arrows")
    ],
    kind: Annotated[FactKind, typer.Option(help="What the rows are.")] = FactKind.OUTCOMES,
    source: Annotated[str, typer.Option(help="Where the rows come from.")] = "import",
    zone: Annotated[str | None, typer.Option(help="IANA zone of times without an offset.")] = None,
    naming: Annotated[
        Naming, typer.Option("--id", help="row: the file and the row's number name the row.")
    ] = Naming.FIELD,
    url: Annotated[
        str | None, typer.Option(help=f"A service that runs, its key in {KEY}; else the store itself.")
    ] = None,
) -> None:
    """Take in files of facts. Run it again after an interruption: what was acknowledged is not sent twice.

    Into the store it speaks as an admin, for whoever may write the data folder may do all.
    """
    for path in files:
        media_type(path)
    console, told, rejected = Console(stderr=True), deque[tuple[Path, Rejection]](maxlen=_TOLD), 0
    with _receiver(url, source, zone) as receiver, _progress(console) as progress:
        for path in files:
            task = progress.add_task(path.name, total=None)
            for piece in pieces(kind, path, numbered=naming is Naming.ROW, zone=zone):
                taken = receiver.take(kind, piece)
                rejected += taken.rejected
                told.extend((path, one) for one in taken.rejections[: _TOLD - len(told)])
                progress.advance(task, taken.accepted + taken.rejected)
            progress.update(task, total=progress.tasks[task].completed)
    for path, one in told:
        print(f"{path.name}, row {one.row}, {one.field or 'the row'}: {one.reason}")
    if rejected:
        print(f"{rejected:,} rows were rejected.")
        raise typer.Exit(1)


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
