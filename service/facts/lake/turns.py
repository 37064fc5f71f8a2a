"""Who may change the lake, and until when? One at a time; each change is numbered in SQL before it is made.

A row of `folds` is a turn. Who holds it beats while at work; when the beats end, whoever comes next takes the
turn over under the same number, so that a change is never made twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread

from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from service.facts.lake.delta import NO_VERSION, Left, Overtaken
from service.facts.tables import Batch, FactKind, Fold, FoldTable, LakeWork, SupersededFile
from service.kit.clock import now
from service.kit.database import Database
from service.settings import Settings

LARGEST_FOLD = 1_000_000  # rows: bounds memory
# Bytes as the inbox keeps them, since rows may be long. Measured: outcomes unpack to 2.1 times that without
# properties and to 6.3 times with 900 bytes of words in each, so that a fold is some 400 MiB in memory.
LARGEST_PACKED = 64 * 1024 * 1024
_MOST_BATCHES = 10_000  # in one fold: bounds the statement that plans it
_FASTEST_BEAT = timedelta(seconds=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A change of the lake that is ours to make, and the table versions that the one before it left."""

    number: int
    work: LakeWork
    holder: str
    inherited: bool  # begun by somebody else, who was killed
    before: dict[FactKind, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a finished turn wrote down about one table."""

    version: int
    rows: int | None  # None: nobody counted them then


def take(settings: Settings, database: Database, holder: str, work: LakeWork = LakeWork.FOLD) -> Turn | None:
    """Take over a turn whose lease has ended, or plan this one; None where there is nothing for us to do."""
    with database.write() as session:
        _alone(session)
        unfinished = session.scalar(select(Fold).where(Fold.folded_at.is_(None)))
        if unfinished is None:
            planned = _planned(settings, session, holder, work)
        else:
            planned = _taken_over(settings, unfinished, holder)
        if planned is None:
            return None
        return Turn(
            number=planned.id,
            work=planned.work,
            holder=holder,
            inherited=unfinished is not None,
            before={kind: table.version for kind, table in tables(session, last(session)).items()},
        )


def _taken_over(settings: Settings, fold: Fold, holder: str) -> Fold | None:
    if fold.lease_until > now():
        return None
    fold.holder, fold.lease_until = holder, now() + settings.lake_lease
    return fold


def _planned(settings: Settings, session: Session, holder: str, work: LakeWork) -> Fold | None:
    ids, rows = _waiting(session) if work is LakeWork.FOLD else ([], 0)
    if work is LakeWork.FOLD and not ids:
        return None
    fold = Fold(
        id=(session.scalar(select(func.max(Fold.id))) or 0) + 1,
        work=work,
        holder=holder,
        lease_until=now() + settings.lake_lease,
        planned_at=now(),
        batches=len(ids),
        rows=rows,
    )
    session.add(fold)
    session.flush()
    session.execute(update(Batch).where(Batch.id.in_(ids)).values(fold_id=fold.id))
    return fold


def _waiting(session: Session) -> tuple[list[str], int]:
    """The oldest batches without a fold, up to the largest fold; a single larger batch is a fold alone."""
    columns = (Batch.id, Batch.accepted, func.length(Batch.rows))
    statement = select(*columns).where(Batch.fold_id.is_(None)).order_by(Batch.id)
    ids: list[str] = []
    rows = size = 0
    for batch, accepted, packed in session.execute(statement.limit(_MOST_BATCHES)):
        if ids and (rows + accepted > LARGEST_FOLD or size + packed > LARGEST_PACKED):
            break
        ids.append(batch)
        rows, size = rows + accepted, size + packed
    return ids, rows


@contextmanager
def beating(settings: Settings, database: Database, turn: Turn) -> Iterator[None]:
    """Hold the turn for as long as the work takes, however short its lease."""
    done = Event()
    pause = max(settings.lake_lease / 4, _FASTEST_BEAT).total_seconds()
    heart = Thread(target=_beat, args=(settings, database, turn, done, pause), name="lake-turn", daemon=True)
    heart.start()
    try:
        yield
    finally:
        done.set()
        heart.join()


def _beat(settings: Settings, database: Database, turn: Turn, done: Event, pause: float) -> None:
    while not done.wait(pause):
        # A database that is away lets the lease end: who takes over meets the same number in the tables.
        with suppress(OperationalError), database.write() as session:
            session.execute(update(Fold).where(*_ours(turn)).values(lease_until=now() + settings.lake_lease))


def finish(database: Database, turn: Turn, left: dict[FactKind, Left]) -> None:
    """From now on the lake is what these versions hold; refused to who was overtaken."""
    with database.write() as session:
        _alone(session)
        fold = session.scalar(select(Fold).where(*_ours(turn)))
        if fold is None:
            raise Overtaken(f"turn {turn.number} was taken over before it was marked")
        fold.folded_at = now()
        for kind, table in left.items():
            session.add(FoldTable(fold_id=fold.id, kind=kind, version=table.version, rows=table.rows))
            for path in table.superseded:
                session.merge(SupersededFile(path=path, superseded_at=now()))


def _ours(turn: Turn) -> tuple[ColumnElement[bool], ...]:
    return (Fold.id == turn.number, Fold.holder == turn.holder, Fold.folded_at.is_(None))


def _alone(session: Session) -> None:
    """One transaction at a time decides about turns; on SQLite there is only one writer anyway.

    Without it two could plan from the same view of the inbox, and both take the same batches.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE folds IN SHARE ROW EXCLUSIVE MODE"))


def last(session: Session) -> Fold | None:
    """The last turn that was finished."""
    return session.scalar(select(Fold).where(Fold.folded_at.is_not(None)).order_by(Fold.id.desc()).limit(1))


def tables(session: Session, turn: Fold | None) -> dict[FactKind, Recorded]:
    """Every table as a finished turn left it; one that came up later was not there, and empty."""
    found = dict.fromkeys(FactKind, Recorded(version=NO_VERSION, rows=0))
    if turn is not None:
        for left in session.scalars(select(FoldTable).where(FoldTable.fold_id == turn.id)):
            found[left.kind] = Recorded(version=left.version, rows=left.rows)
    return found


def waiting(database: Database) -> bool:
    """Whether some batch is in no fold yet."""
    with database.read() as session:
        return session.scalar(select(Batch.id).where(Batch.fold_id.is_(None)).limit(1)) is not None


def pending(database: Database) -> set[str]:
    """The batches that have not arrived: unplanned, or in a fold that is not finished."""
    unplanned = select(Batch.id).where(Batch.fold_id.is_(None))
    on_the_way = select(Batch.id).join(Fold, Batch.fold_id == Fold.id).where(Fold.folded_at.is_(None))
    with database.read() as session:
        # In this order: a batch that is planned in between is in the second answer.
        return {*session.scalars(unplanned), *session.scalars(on_the_way)}
