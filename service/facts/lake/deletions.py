"""Which files has the lake lost just now, so that a run that was reading them is told so when it is kept?

Whoever deletes writes down which first, then marks the runs that are kept already (runs/snapshots.py). A run
that is kept later asks here. One of the two sees the other, whichever commits first.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from itertools import batched

from sqlalchemy import delete, or_, select, text
from sqlalchemy.orm import Session

from service.facts.lake.snapshot import Snapshot
from service.facts.tables import DeletedFile, ErasedUnit
from service.kit.clock import now
from service.kit.database import Database
from service.runs import snapshots
from service.runs.rules import MOST_ATTEMPTS
from service.settings import Settings

_AT_ONCE = 500
_SPARE = timedelta(days=1)  # a run that was computed may wait so long for the database


def write_down(database: Database, files: Collection[str], *, erasure: int | None = None) -> None:
    """These files go; `erasure` is the turn that made them go, where they held units that were erased."""
    for some in batched(sorted(files), _AT_ONCE, strict=False):
        with database.write() as session:
            for path in some:
                session.merge(DeletedFile(path=path, deleted_at=now(), erasure=erasure))


def forget(settings: Settings, database: Database) -> None:
    """Drop what no run can still be reading."""
    long_ago = now() - settings.run_time_limit * MOST_ATTEMPTS - _SPARE
    with database.write() as session:
        session.execute(delete(DeletedFile).where(DeletedFile.deleted_at < long_ago))


def mark(session: Session, run: str, kept: str | None) -> None:
    """Say of a run that is being kept what its snapshot has lost since it was read."""
    read = None if kept is None else Snapshot.kept_by(kept)
    if read is None:
        return
    _alone(session)
    files = [file for pinned in read.tables.values() for file in pinned.files]
    lost = _lost(session, files)
    if lost:
        snapshots.mark_one(session, run, now(), erased=_shown(session, read, lost))


def _alone(session: Session) -> None:
    """SQLite has one writer; PostgreSQL lets who writes down wait until the run is there to be found."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE deleted_files IN SHARE MODE"))


def _lost(session: Session, files: Sequence[str]) -> list[DeletedFile]:
    return [
        one
        for some in batched(files, _AT_ONCE, strict=False)
        for one in session.scalars(select(DeletedFile).where(DeletedFile.path.in_(some)))
    ]


def _shown(session: Session, read: Snapshot, lost: Iterable[DeletedFile]) -> bool:
    """Whether units that were erased with these files were seen, and not hidden."""
    turns = {one.erasure for one in lost if one.erasure is not None}
    if not turns:
        return False
    # An erasure names its turn in its last step: those in the middle of it count too.
    units = select(ErasedUnit.id).where(or_(ErasedUnit.fold_id.in_(turns), ErasedUnit.fold_id.is_(None)))
    return not set(session.scalars(units)) <= set(read.erased)
