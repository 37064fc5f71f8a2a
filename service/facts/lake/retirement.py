"""Which facts are out of date, and since when are such facts gone?

By their time, as LEVERBOARD_OUTCOMES_KEPT and its like say, in whole days. Up to when they are gone is
written down before they go: what comes in late of that time is left out, and `verify` knows.
"""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.orm import Session

from service.facts.tables import FactKind, RetiredFacts
from service.kit.clock import now
from service.kit.database import Database
from service.settings import Settings


def due(settings: Settings) -> dict[FactKind, datetime]:
    """Up to when facts are out of date, of each kind that is not kept for good."""
    kept = {
        FactKind.ASSIGNMENTS: settings.assignments_kept,
        FactKind.OUTCOMES: settings.outcomes_kept,
        FactKind.EXPOSURES: settings.exposures_kept,
        FactKind.ATTRIBUTES: settings.attributes_kept,
        FactKind.IDENTITIES: settings.identities_kept,
    }
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    return {kind: today - length for kind, length in kept.items() if length is not None}


def write_down(session: Session, kind: FactKind, before: datetime) -> datetime:
    """Never earlier than it was: what is gone is gone."""
    row = session.get(RetiredFacts, kind, with_for_update=True)
    if row is None:
        row = RetiredFacts(kind=kind, before=before)
        session.add(row)
    row.before = max(row.before, before)
    return row.before


def gone_before(database: Database, kind: FactKind) -> datetime | None:
    with database.read() as session:
        row = session.get(RetiredFacts, kind)
    return None if row is None else row.before


def timely(database: Database, kind: FactKind, rows: pa.Table) -> pa.Table:
    """The rows of a time that facts are still kept of."""
    before = gone_before(database, kind)
    if before is None:
        return rows
    return rows.filter(pc.greater_equal(rows["time"], pa.scalar(before, pa.timestamp("us", "UTC"))))


def since(before: datetime | None) -> str:
    """The same as a condition in DuckDB's SQL; as a number, since zoned times would ask for pytz."""
    return "true" if before is None else f"epoch_us(time) >= {round(before.timestamp() * 1_000_000)}"
