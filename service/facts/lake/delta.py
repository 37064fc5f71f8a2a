"""Where do facts live for good, and how does a fold get there exactly once, to stay through a power loss?

Delta tables, laid out as `layout.py` says, in a folder or in a bucket (`store.py`). delta-rs never fsyncs
and records transaction versions without enforcing them, so both are seen to here. A bucket needs no fsync:
what it has answered it keeps, and it refuses the second writer of a version (a conditional put).
"""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from service.facts import store
from service.facts.lake.layout import TABLES
from service.facts.tables import FactKind
from service.settings import Settings

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable

APPLICATION = "leverboard-fold"
NO_VERSION = -1
LARGEST_FILE = 128 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a change left of a table."""

    version: int
    rows: int
    superseded: tuple[str, ...]  # files that the version before it named, and this one does not


class Overtaken(Exception):
    """Another process carried out this fold; whatever both wrote, it is there once."""


def open_table(settings: Settings, kind: FactKind) -> "DeltaTable":
    """A handle on the table as it is now; the table is made if there is none."""
    from deltalake import DeltaTable

    place, options = store.address(settings, kind), store.options(settings)
    if not DeltaTable.is_deltatable(place, options):
        with _alone(settings, place):
            _make(place, kind, options)
    return DeltaTable(place, storage_options=options)


@contextmanager
def _alone(settings: Settings, place: str) -> "Iterator[None]":
    """One process of this machine at a time: two that make a table leave two commits, which fails an append.

    In a bucket, at its very first use, that is left to the next fold.
    """
    if settings.lake_url is not None:
        yield
        return
    Path(place).mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / f".{Path(place).name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(place: str, kind: FactKind, options: dict[str, str] | None) -> None:
    from deltalake import DeltaTable
    from deltalake.exceptions import CommitFailedError

    if DeltaTable.is_deltatable(place, options):
        return
    try:
        DeltaTable.create(
            place,
            TABLES[kind].schema,
            mode="ignore",
            partition_by=TABLES[kind].partition,
            configuration={"delta.dataSkippingStatsColumns": ",".join(TABLES[kind].statistics)},
            storage_options=options,
        )
    except CommitFailedError:
        if not DeltaTable.is_deltatable(place, options):
            raise


def holds(table: "DeltaTable", turn: int) -> bool:
    """Whether this handle sees what the turn, or a later one, wrote."""
    return (table.transaction_version(APPLICATION) or 0) >= turn


def append(table: "DeltaTable", rows: pa.Table, turn: int) -> None:
    from deltalake import WriterProperties, write_deltalake

    with _through_current_handle(table, turn) as commit:
        properties = WriterProperties(compression="ZSTD")
        write_deltalake(table, rows, mode="append", commit_properties=commit, writer_properties=properties)


def rewrite(
    table: "DeltaTable", kind: FactKind, values: Sequence[str], rows: pa.RecordBatchReader, turn: int
) -> None:
    """Write these partitions again; who reads an earlier version finds its files where they were."""
    from deltalake import WriterProperties, write_deltalake

    with _through_current_handle(table, turn) as commit:
        write_deltalake(
            table,
            rows,
            mode="overwrite",
            predicate=_of(kind, values),
            target_file_size=LARGEST_FILE,
            commit_properties=commit,
            writer_properties=WriterProperties(compression="ZSTD"),
        )


def drop(table: "DeltaTable", kind: FactKind, values: Sequence[str], turn: int) -> None:
    """Leave these partitions out from now on: a matter of the log alone."""
    with _through_current_handle(table, turn) as commit:
        table.delete(_of(kind, values), commit_properties=commit)


def _of(kind: FactKind, values: Sequence[str]) -> str:
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"{TABLES[kind].partition} IN ({quoted})"


@contextmanager
def _through_current_handle(table: "DeltaTable", turn: int) -> "Iterator[CommitProperties]":
    """Write through the handle that was asked whether it holds the turn: only a stale handle is refused."""
    from deltalake import CommitProperties, DeltaTable, Transaction
    from deltalake.exceptions import CommitFailedError

    try:
        yield CommitProperties(app_transactions=[Transaction(APPLICATION, turn)])
    except CommitFailedError as error:
        if holds(DeltaTable(table.table_uri), turn):
            raise Overtaken(f"turn {turn} was made by another process") from error
        raise


def files_of(settings: Settings, kind: FactKind, version: int) -> tuple[str, ...]:
    """The files of one version, relative to the lake's folder, sorted."""
    from deltalake import DeltaTable

    if version == NO_VERSION:
        return ()
    place, options = store.address(settings, kind), store.options(settings)
    return files(DeltaTable(place, version=version, storage_options=options), kind)


def files(table: "DeltaTable", kind: FactKind) -> tuple[str, ...]:
    paths = pa.table(table.get_add_actions(flatten=True)).column("path").to_pylist()
    return tuple(sorted(f"{kind}/{path}" for path in paths))


def settled(settings: Settings, kind: FactKind, since: int) -> Left:
    """The table as it is now, with what was written after the version ``since`` brought to disk."""
    table = open_table(settings, kind)
    if table.version() == since:
        return Left(version=since, rows=rows_in(table), superseded=())
    before, now = _named_by(settings, kind, since), set(files(table, kind))
    sync(settings, table, kind, since, sorted(now - before))
    return Left(version=table.version(), rows=rows_in(table), superseded=tuple(sorted(before - now)))


def _named_by(settings: Settings, kind: FactKind, version: int) -> set[str]:
    """The files of a version; none where the log of so long ago was cleaned up, so that all count as new."""
    from deltalake.exceptions import DeltaError

    try:
        return set(files_of(settings, kind, version))
    except DeltaError:
        return set()


def rows_in(table: "DeltaTable") -> int:
    return sum(pa.table(table.get_add_actions(flatten=True)).column("num_records").to_pylist())


def sync(settings: Settings, table: "DeltaTable", kind: FactKind, since: int, new: Sequence[str]) -> None:
    """Bring new files to disk, then the log entries after ``since``, then the folders that name them."""
    if settings.lake_url is not None:
        return
    root = settings.lake_dir / kind
    log = root / "_delta_log"
    entries = [path for path in log.iterdir() if _version(path, table.version()) > since]
    data = [settings.lake_dir / path for path in new]
    folders = {log, root, settings.lake_dir, settings.data_dir, *(path.parent for path in data)}
    for path in (*data, *entries, *sorted(folders)):
        store.fsync(path)


def _version(path: Path, current: int) -> int:
    """A log file's version; what has none (the pointer to the last checkpoint) is always current."""
    digits = path.name.partition(".")[0]
    return int(digits) if digits.isdigit() else current
