"""In what condition is the lake? What waits, who works on it, and how many files hold how many rows."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.facts import store
from service.facts.lake import folding, spent, turns
from service.facts.lake.snapshot import Pinned
from service.facts.tables import Batch, FactKind, Fold, LakeWork
from service.kit.clock import now
from service.kit.database import Database
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """Batches and rows that were acknowledged and have not arrived in the lake."""

    batches: int
    rows: int
    oldest_for: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A change of the lake that somebody is at, or was at when it was killed."""

    number: int
    work: LakeWork
    holder: str
    lease_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCondition:
    """One table as of the last finished change; superseded files are kept for older snapshots."""

    kind: FactKind
    version: int
    rows: int | None  # None before the first change that wrote it down
    files: int
    partitions: int
    most_files: int  # in one partition
    size: int  # bytes
    superseded_files: int
    superseded_size: int
    spent: int  # ids of rows that are gone, which are known so that they do not count again


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    last: int  # the number of the last finished change
    inbox: Inbox
    at_work: Work | None
    tables: tuple[TableCondition, ...]


def condition(settings: Settings, database: Database) -> Condition:
    snapshot = folding.pin(settings, database)
    with database.read() as session:
        recorded = turns.tables(session, session.get(Fold, snapshot.fold))
        inbox, at_work = _inbox(session), _at_work(session)
    return Condition(
        last=snapshot.fold,
        inbox=inbox,
        at_work=at_work,
        tables=tuple(
            _table(settings, kind, pinned, recorded[kind].rows) for kind, pinned in snapshot.tables.items()
        ),
    )


def _inbox(session: Session) -> Inbox:
    counted = (
        select(func.count(), func.coalesce(func.sum(Batch.accepted), 0), func.min(Batch.received_at))
        .outerjoin(Fold, Batch.fold_id == Fold.id)
        .where(Fold.folded_at.is_(None))
    )
    batches, rows, oldest = session.execute(counted.select_from(Batch)).one()
    return Inbox(batches=batches, rows=rows, oldest_for=now() - oldest if oldest else None)


def _at_work(session: Session) -> Work | None:
    turn = session.scalar(select(Fold).where(Fold.folded_at.is_(None)))
    if turn is None:
        return None
    return Work(number=turn.id, work=turn.work, holder=turn.holder, lease_until=turn.lease_until)


def _table(settings: Settings, kind: FactKind, pinned: Pinned, rows: int | None) -> TableCondition:
    on_disk = {name: file.size for name, file in store.data_files(settings, kind).items()}
    partitions = Counter(PurePosixPath(path).parent for path in pinned.files)
    size = sum(on_disk.get(path, 0) for path in pinned.files)
    return TableCondition(
        kind=kind,
        version=pinned.version,
        rows=rows,
        files=len(pinned.files),
        partitions=len(partitions),
        most_files=max(partitions.values(), default=0),
        size=size,
        superseded_files=len(on_disk.keys() - set(pinned.files)),
        superseded_size=sum(on_disk.values()) - size,
        spent=spent.count(settings, kind),
    )
