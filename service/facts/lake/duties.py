"""What does the lake want done by the clock, and when is it due?

Often: fold what came in. Hourly: rewrite what lies in too many files; and apart, so that a failing erasure
holds up no other care, remove erased units. Nightly: one sorted file for each closed day, and out with what
is out of date: retired facts, replaced files, the inbox's copies. Each goes through turns, so that two
workers, or a duty and a run, never change the lake at once.
"""

from datetime import datetime

from sqlalchemy import func, select

from service.facts.inbox import forget
from service.facts.lake import tombstones, turns
from service.facts.lake.compaction import compact
from service.facts.lake.erasure import erase
from service.facts.lake.folding import fold
from service.facts.lake.retiring import retire
from service.facts.lake.vacuum import vacuum
from service.facts.tables import Batch, Fold
from service.kit.database import Database
from service.runs.duties import Duty, daily, every
from service.runs.task import Performed, ReportStage
from service.settings import Settings


def fold_due(settings: Settings, database: Database, last: datetime | None) -> bool:
    """When its time has come and anything waits, or as soon as enough waits."""
    return turns.waiting(database) and (
        every(settings.fold_every, last) or _waiting_rows(database) >= settings.fold_rows
    )


def _waiting_rows(database: Database) -> int:
    counted = select(func.coalesce(func.sum(Batch.accepted), 0)).where(Batch.fold_id.is_(None))
    with database.read() as session:
        return session.scalar(counted) or 0


def fold_now(settings: Settings, database: Database, _given: None, _report: ReportStage) -> Performed:
    return Performed(told={"fold": fold(settings, database).fold})


def care_due(settings: Settings, database: Database, last: datetime | None) -> bool:
    since = last or _first(database)
    return since is not None and every(settings.compact_every, since)


def care(settings: Settings, database: Database, _given: None, _report: ReportStage) -> Performed:
    return Performed(told={"parts": len(compact(settings, database, nightly=False))})


def erasure_due(settings: Settings, database: Database, last: datetime | None) -> bool:
    """As often as care, while a unit waits to be removed."""
    with database.read() as session:
        waits = bool(tombstones.unremoved(session))
    return waits and care_due(settings, database, last)


def erase_now(settings: Settings, database: Database, _given: None, _report: ReportStage) -> Performed:
    erased = erase(settings, database)
    return Performed(told={"erased": erased.units, "rows": erased.rows, "files": erased.files})


def night_due(settings: Settings, database: Database, last: datetime | None) -> bool:
    since = last or _first(database)
    return since is not None and daily(settings.nightly_at, since)


def night(settings: Settings, database: Database, _given: None, _report: ReportStage) -> Performed:
    retired = retire(settings, database)
    parts = compact(settings, database)
    gone, batches = vacuum(settings, database), forget(settings, database)
    return Performed(
        told={"retired": retired.rows, "parts": len(parts), "files": gone.files, "forgotten": batches}
    )


def _first(database: Database) -> datetime | None:
    """Since when there is a lake to look after."""
    with database.read() as session:
        return session.scalar(select(Fold.planned_at).order_by(Fold.id).limit(1))


DUTIES = (
    Duty(name="fold", due=fold_due, perform=fold_now),
    Duty(name="erasure", due=erasure_due, perform=erase_now),
    Duty(name="care", due=care_due, perform=care),
    Duty(name="night", due=night_due, perform=night),
)
