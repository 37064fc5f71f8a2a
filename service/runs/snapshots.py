"""Which runs can no longer be made again from the data that they read, and since when?

What a snapshot names is the business of whoever keeps the data: they say so of its text.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.runs.tables import Run

_AT_ONCE = 200  # snapshots in memory


def mark_gone(session: Session, at: datetime, named: Callable[[str], bool]) -> int:
    """Say of every run whose snapshot `named` is true of that its data are gone; of how many anew."""
    return _mark(session, Run.snapshot_gone_at, at, named)


def mark_erased(session: Session, at: datetime, named: Callable[[str], bool]) -> int:
    """The same of runs whose data held units that were erased."""
    return _mark(session, Run.snapshot_erased_at, at, named)


def _mark(
    session: Session,
    column: InstrumentedAttribute[datetime | None],
    at: datetime,
    named: Callable[[str], bool],
) -> int:
    unmarked = select(Run.id, Run.snapshot).where(Run.snapshot.is_not(None), column.is_(None))
    found = session.execute(unmarked.execution_options(yield_per=_AT_ONCE))
    lost = [run for run, snapshot in found if snapshot is not None and named(snapshot)]
    for run in lost:
        session.execute(update(Run).where(Run.id == run).values({column: at}))
    return len(lost)
