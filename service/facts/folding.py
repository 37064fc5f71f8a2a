"""How do acknowledged batches get into the lake, exactly once, whatever is killed?

Planned in SQL first: a fold has a number, and its batches carry it. Then each table is appended to, unless it
holds that number. Then everything is synced, then the fold is marked. A fold that was interrupted is carried
out again by whoever comes after its lease: the plan fixes what is in it.
"""

import time
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from service.facts import dedup, inbox, lake
from service.facts.snapshot import Snapshot
from service.facts.tables import Batch, FactKind, Fold
from service.kit.clock import now
from service.kit.database import Database
from service.kit.ids import new_id
from service.settings import Settings

LARGEST_FOLD = 500_000  # rows: bounds memory, and how long a lease must last
_MOST_BATCHES = 10_000  # in one fold: bounds the statement that plans it
_PATIENCE = 0.1  # seconds between looks at a fold that somebody else carries out


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A fold that is ours to carry out, and the table versions that the fold before it left."""

    fold: int
    holder: str
    before: dict[FactKind, int]


def fold(settings: Settings, database: Database) -> Snapshot:
    """Carry every acknowledged batch into the lake, then pin what is there."""
    holder = new_id("fld")
    while True:
        plan = _plan(settings, database, holder)
        if plan is not None:
            with suppress(lake.Overtaken):
                _carry_out(settings, database, plan)
        elif _pending(database):
            time.sleep(_PATIENCE)
        else:
            return pin(settings, database)


def pin(settings: Settings, database: Database) -> Snapshot:
    """The lake as the last finished fold left it."""
    with database.read() as session:
        last = _last(session)
    versions = _versions(last)
    return Snapshot(
        fold=last.id if last else 0,
        assignments_version=versions[FactKind.ASSIGNMENTS],
        outcomes_version=versions[FactKind.OUTCOMES],
        assignments=lake.files_of(settings, FactKind.ASSIGNMENTS, versions[FactKind.ASSIGNMENTS]),
        outcomes=lake.files_of(settings, FactKind.OUTCOMES, versions[FactKind.OUTCOMES]),
    )


def _pending(database: Database) -> bool:
    """Whether some batch has not arrived: unplanned, or in a fold that is not finished."""
    with database.read() as session:
        unplanned = session.scalar(select(Batch.id).where(Batch.fold_id.is_(None)).limit(1))
        unfinished = session.scalar(select(Fold.id).where(Fold.folded_at.is_(None)).limit(1))
    return unplanned is not None or unfinished is not None


def _plan(settings: Settings, database: Database, holder: str) -> Plan | None:
    """Take over a fold whose lease has ended, or plan the next; None where there is nothing for us to do."""
    with database.write() as session:
        _alone(session)
        unfinished = session.scalar(select(Fold).where(Fold.folded_at.is_(None)))
        if unfinished is None:
            planned = _next(settings, session, holder)
        else:
            planned = _taken_over(settings, unfinished, holder)
        if planned is None:
            return None
        return Plan(fold=planned.id, holder=holder, before=_versions(_last(session)))


def _taken_over(settings: Settings, fold: Fold, holder: str) -> Fold | None:
    if fold.lease_until > now():
        return None
    fold.holder, fold.lease_until = holder, now() + settings.lease
    return fold


def _next(settings: Settings, session: Session, holder: str) -> Fold | None:
    ids, rows = _waiting(session)
    if not ids:
        return None
    fold = Fold(
        id=(session.scalar(select(func.max(Fold.id))) or 0) + 1,
        holder=holder,
        lease_until=now() + settings.lease,
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
    statement = select(Batch.id, Batch.accepted).where(Batch.fold_id.is_(None)).order_by(Batch.id)
    ids: list[str] = []
    rows = 0
    for batch, accepted in session.execute(statement.limit(_MOST_BATCHES)):
        if ids and rows + accepted > LARGEST_FOLD:
            break
        ids.append(batch)
        rows += accepted
    return ids, rows


def _carry_out(settings: Settings, database: Database, plan: Plan) -> None:
    versions = {kind: _append(settings, database, plan, kind) for kind in FactKind}
    _mark(database, plan, versions)


def _append(settings: Settings, database: Database, plan: Plan, kind: FactKind) -> int:
    """The table's version with this fold in it and on disk."""
    table = lake.open_table(settings, kind)
    if not lake.holds(table, plan.fold):
        rows = dedup.unseen(settings, kind, lake.files(table, kind), inbox.rows_of(database, plan.fold, kind))
        if rows.num_rows:
            lake.append(table, rows, plan.fold)
    lake.sync(settings, table, kind, since=plan.before[kind])
    version: int = table.version()
    return version


def _mark(database: Database, plan: Plan, versions: dict[FactKind, int]) -> None:
    ours = select(Fold).where(Fold.id == plan.fold, Fold.holder == plan.holder, Fold.folded_at.is_(None))
    with database.write() as session:
        _alone(session)
        fold = session.scalar(ours)
        if fold is None:
            raise lake.Overtaken(f"fold {plan.fold} was taken over before it was marked")
        fold.folded_at = now()
        fold.assignments_version = versions[FactKind.ASSIGNMENTS]
        fold.outcomes_version = versions[FactKind.OUTCOMES]


def _alone(session: Session) -> None:
    """One transaction at a time decides about folds; on SQLite there is only one writer anyway.

    Without it two could plan from the same view of the inbox, and both take the same batches.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE folds IN SHARE ROW EXCLUSIVE MODE"))


def _last(session: Session) -> Fold | None:
    return session.scalar(select(Fold).where(Fold.folded_at.is_not(None)).order_by(Fold.id.desc()).limit(1))


def _versions(last: Fold | None) -> dict[FactKind, int]:
    assignments = last.assignments_version if last else None
    outcomes = last.outcomes_version if last else None
    return {
        FactKind.ASSIGNMENTS: lake.NO_VERSION if assignments is None else assignments,
        FactKind.OUTCOMES: lake.NO_VERSION if outcomes is None else outcomes,
    }
