"""Which runs can no longer be made again from the data that they read, and since when?

What a snapshot names is the business of whoever keeps the data: they say so of its text.
"""

from collections.abc import Callable
from datetime import datetime
from itertools import batched

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.kit.database import Database
from service.runs.tables import Run

_AT_ONCE = 200  # snapshots in memory


def mark_gone(database: Database, at: datetime, named: Callable[[str], bool]) -> int:
    """Say of every run whose snapshot `named` is true of that its data are gone; of how many anew."""
    return _mark(database, Run.snapshot_gone_at, at, named)


def mark_erased(database: Database, at: datetime, named: Callable[[str], bool]) -> int:
    """The same of runs whose data held units that were erased."""
    return _mark(database, Run.snapshot_erased_at, at, named)


def mark_one(session: Session, run: str, at: datetime, *, erased: bool) -> None:
    """The same of a run that is being kept, in the transaction that keeps it."""
    lost = {Run.snapshot_gone_at: at} | ({Run.snapshot_erased_at: at} if erased else {})
    session.execute(update(Run).where(Run.id == run).values(lost))


def _mark(
    database: Database,
    column: InstrumentedAttribute[datetime | None],
    at: datetime,
    named: Callable[[str], bool],
) -> int:
    """Every snapshot is parsed before the writer is held: others write meanwhile."""
    unmarked = select(Run.id, Run.snapshot).where(Run.snapshot.is_not(None), column.is_(None))
    with database.read() as session:
        found = session.execute(unmarked.execution_options(yield_per=_AT_ONCE))
        lost = [run for run, snapshot in found if snapshot is not None and named(snapshot)]
    for some in batched(lost, _AT_ONCE, strict=False):
        with database.write() as session:
            session.execute(update(Run).where(Run.id.in_(some), column.is_(None)).values({column: at}))
    return len(lost)
