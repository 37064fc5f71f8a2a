"""Which files of the lake may go? Those that were replaced longer ago than snapshots are kept.

A run's snapshot names files: it can be read again for as long as `snapshots_kept` after compaction replaced
one of them, and later says that it is gone. Files that nothing ever named, which killed writers left, go as
well, when they are older than that and than a day.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

from sqlalchemy import delete, select

from service.facts import store
from service.facts.lake import deletions, delta, folding
from service.facts.lake.snapshot import Snapshot
from service.facts.tables import FactKind, SupersededFile
from service.kit.clock import now
from service.kit.database import Database
from service.runs import snapshots
from service.settings import Settings

_STILL_WRITTEN = timedelta(days=1)  # a file without a name that is younger may be in the middle of a turn
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacuumed:
    files: int
    size: int  # bytes


def vacuum(settings: Settings, database: Database) -> Vacuumed:
    """Delete what no readable snapshot names; folds and compactions may go on meanwhile."""
    long_ago = now() - max(settings.snapshots_kept, _STILL_WRITTEN)
    found = {name: file for kind in FactKind for name, file in store.data_files(settings, kind).items()}
    forgotten = {name for name, file in found.items() if file.written < long_ago}
    # In this order: what a turn replaces while we look is in the pinned version, or already written down.
    named = _pinned(settings, database) | _current(settings)
    replaced = _replaced(database)
    expired = {path for path, at in replaced.items() if at <= now() - settings.snapshots_kept}
    goes = (forgotten - named - replaced.keys()) | (expired - named)
    deletions.write_down(database, goes)
    mark_gone(database, goes)
    deleted(settings, database, goes)
    deletions.forget(settings, database)
    sizes = [found[file].size for file in goes if file in found]
    return Vacuumed(files=len(sizes), size=sum(sizes))


def _pinned(settings: Settings, database: Database) -> set[str]:
    snapshot = folding.pin(settings, database)
    return {file for pinned in snapshot.tables.values() for file in pinned.files}


def _current(settings: Settings) -> set[str]:
    return {file for kind in FactKind for file in delta.files(delta.open_table(settings, kind), kind)}


def _replaced(database: Database) -> dict[str, datetime]:
    with database.read() as session:
        rows = session.execute(select(SupersededFile.path, SupersededFile.superseded_at))
        return {path: at for path, at in rows}  # noqa: C416 - rows are no pairs to a type checker


def mark_gone(database: Database, files: Collection[str]) -> None:
    """Say of every run that read one of these files that it cannot be made again."""
    if not files:
        return

    def named(text: str) -> bool:
        read = Snapshot.kept_by(text)
        return read is not None and read.names(files)

    snapshots.mark_gone(database, now(), named)


def deleted(settings: Settings, database: Database, files: Iterable[str]) -> None:
    """Delete these files, then forget that they were replaced."""
    for some in batched(sorted(files), _AT_ONCE, strict=False):
        store.remove(settings, some)
        with database.write() as session:
            session.execute(delete(SupersededFile).where(SupersededFile.path.in_(some)))
