"""How is SQL run over the lake's files? By a DuckDB of the run's own, in the memory it was given."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from service.facts import spill, store
from service.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EVERYTHING = "true"


class SnapshotGone(Exception):
    """Compaction replaced files that an old snapshot names, and they have been vacuumed since."""

    def __init__(self, count: int, first: str) -> None:
        super().__init__(
            f"The snapshot can no longer be read: {count} of its files are gone, such as {first}. "
            "LEVERBOARD_SNAPSHOTS_KEPT says how long they stay; a new run reads the lake as it is now."
        )


@contextmanager
def connection(settings: Settings) -> "Iterator[DuckDBPyConnection]":
    """In memory, spilling into a folder of its own; nothing is downloaded, days are UTC days."""
    import duckdb

    options: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
    }
    if settings.duckdb_memory_limit is not None:
        options["memory_limit"] = settings.duckdb_memory_limit
    if settings.duckdb_threads is not None:
        options["threads"] = settings.duckdb_threads
    with (
        spill.folder(settings) as folder,
        duckdb.connect(config={**options, "temp_directory": str(folder)}) as opened,
    ):
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


def register(
    opened: "DuckDBPyConnection",
    settings: Settings,
    name: str,
    files: Sequence[str],
    schema: pa.Schema,
    *,
    keep: str = EVERYTHING,
) -> None:
    """Make the lake's files readable as one table of the rows that `keep` is true of.

    Without files it is an empty one of the same columns. Each row says in `filename` where it lies.
    """
    if not files:
        # A copy: DuckDB would push the joins' filters into Arrow, and for zoned times asks pytz to do so.
        opened.from_arrow(schema.empty_table()).create(name)
        return
    paths = readable(settings, files, folder_of(opened))
    found = opened.read_parquet(paths, hive_partitioning=True, filename=True)
    (found if keep == EVERYTHING else found.filter(keep)).create_view(name)


def readable(settings: Settings, files: Sequence[str], folder: Path) -> list[str]:
    """Paths on this machine that hold the lake's files, for as long as the connection's folder is there."""
    try:
        return store.readable(settings, files, folder)
    except store.FilesGone as gone:
        raise SnapshotGone(gone.count, gone.first) from gone


def number(opened: "DuckDBPyConnection", sql: str) -> int:
    """The one number that a query answers."""
    answer = opened.execute(sql).fetchone()
    return int(answer[0]) if answer else 0


def folder_of(opened: "DuckDBPyConnection") -> Path:
    """The connection's own, gone when it is."""
    answer = opened.execute("SELECT current_setting('temp_directory')").fetchone()
    return Path(answer[0] if answer else "") / "fetched"
