"""`leverboard export`: the facts of one snapshot as Parquet files, one for each part of each table."""

from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from service.cli.store import opened
from service.facts import Snapshot, engine, fold, reopened
from service.facts.lake.layout import TABLES
from service.facts.tables import FactKind
from service.kit.errors import Conflict
from service.settings import Settings

_PINNED = "snapshot.json"


def command(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Empty, or one that was begun before.")],
    kinds: Annotated[list[FactKind] | None, typer.Option("--kind", help="Without it, every kind.")] = None,
) -> None:
    """Write facts as Parquet. Run it again after an interruption: it goes on with the same snapshot."""
    settings = Settings.from_environment()
    folder.mkdir(parents=True, exist_ok=True)
    snapshot = _snapshot(settings, folder)
    parts = [
        (kind, part, files)
        for kind in kinds or FactKind
        for part, files in _parts(snapshot, kind).items()
        if not _target(folder, kind, part).exists()
    ]
    for kind, part, files in track(parts, "parts", console=Console(stderr=True)):
        _write(settings, snapshot, kind, files, _target(folder, kind, part))
    print(f"{len(parts):,} files were written to {folder}.")


def _snapshot(settings: Settings, folder: Path) -> Snapshot:
    """What is in the lake when the export begins, or what an earlier one began with."""
    pinned = folder / _PINNED
    if pinned.exists():
        with opened(settings) as database:
            return reopened(settings, database, pinned.read_text())
    if any(one.name != "snapshot.part" for one in folder.iterdir()):
        raise Conflict(f"{folder} is not empty, and no export began there.")
    with opened(settings) as database:
        snapshot = fold(settings, database)
    torn = pinned.with_suffix(".part")
    torn.write_text(snapshot.to_json())
    torn.rename(pinned)
    return snapshot


def _parts(snapshot: Snapshot, kind: FactKind) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for file in snapshot.files(kind):
        found[PurePosixPath(file).parts[1]].append(file)
    return found


def _target(folder: Path, kind: FactKind, part: str) -> Path:
    return folder / kind / f"{part.partition('=')[2]}.parquet"


def _write(settings: Settings, snapshot: Snapshot, kind: FactKind, files: list[str], target: Path) -> None:
    """Under another name until it is whole: what has its name is not written again."""
    table = TABLES[kind]
    target.parent.mkdir(parents=True, exist_ok=True)
    torn = target.with_suffix(".part")
    with engine.connection(settings) as opened_engine:
        engine.register(opened_engine, settings, "facts", files, table.schema, keep=snapshot.keeps(kind))
        columns = ", ".join(table.schema.names)
        quoted = str(torn).replace("'", "''")
        opened_engine.execute(
            f"COPY (SELECT {columns} FROM facts ORDER BY {table.order}) "  # noqa: S608 - our own names
            f"TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)"
        )
    torn.rename(target)
