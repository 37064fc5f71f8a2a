"""How do the rows of erased units leave the inbox, which keeps every batch for some days?"""

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from service.facts import inbox
from service.facts.lake import tombstones
from service.facts.tables import PLAIN, Batch, FactKind
from service.kit.database import Database
from service.settings import Settings


def purge_fold(settings: Settings, database: Database, fold: int) -> int:
    """What was sent of units that were erased before does not come in: it leaves the fold's batches first.

    How many rows have left them, by an earlier attempt at the fold too: what it did not scrub is still to be.
    """
    _widen(settings, database, fold)
    with database.read() as session:
        units = tombstones.all_of(session)
        batches = session.scalars(select(Batch.id).where(Batch.fold_id == fold)).all() if units else ()
    purge(database, batches, units)
    left = select(func.coalesce(func.sum(Batch.erased), 0)).where(Batch.fold_id == fold)
    with database.read() as session:
        return session.scalar(left) or 0


def _widen(settings: Settings, database: Database, fold: int) -> None:
    """Ids that were linked to a unit before its erasure was asked for go with it, though their links do not.

    Links that are sent later do not count: nobody could say any more what they would take along.
    """
    links = select(Batch).where(Batch.fold_id == fold, Batch.kind == FactKind.IDENTITIES, Batch.accepted > 0)
    with database.read() as session:
        if not tombstones.unremoved(session):
            return
        for batch in session.scalars(links.order_by(Batch.id).options(undefer(Batch.rows))):
            asked = tombstones.asked_after(session, batch.received_at)
            if asked and _held(batch, frozenset(asked)):
                found = tombstones.linked_by(settings, inbox.unpacked(batch.rows), asked)
                with database.write() as writing:
                    tombstones.widened(writing, found)


def purge(database: Database, batches: Iterable[str], units: Sequence[str]) -> int:
    """Take the rows of these units out of the inbox's batches; how many they were."""
    if not units:
        return 0
    return sum(_purged(database, batch, frozenset(units)) for batch in batches)


def _purged(database: Database, batch: str, units: frozenset[str]) -> int:
    with database.read() as session:
        if not _held(session.get_one(Batch, batch, options=[undefer(Batch.rows)]), units):
            return 0
    with database.write() as session:
        row = session.get_one(Batch, batch, options=[undefer(Batch.rows)], with_for_update=True)
        rows = inbox.unpacked(row.rows)
        left = rows.filter(pc.invert(_of(rows, row.kind, units)))
        row.rows = inbox.packed(left)
        row.erased += rows.num_rows - left.num_rows
        return int(rows.num_rows - left.num_rows)


def _held(batch: Batch, units: frozenset[str]) -> bool:
    try:
        rows = inbox.unpacked(batch.rows) if batch.rows else None
    except (pa.ArrowException, OSError):  # `verify` names it
        return False
    return rows is not None and bool(pc.any(_of(rows, batch.kind, units)).as_py())


def _of(rows: pa.Table, kind: FactKind, units: frozenset[str]) -> pa.ChunkedArray:
    """Which rows are of one of the units."""
    mask = pa.chunked_array([pa.array([False] * rows.num_rows, pa.bool_())])
    for texts in _texts(rows, kind):
        ids = [one for one in pc.unique(texts).to_pylist() if one and tombstones.digest(one) in units]
        mask = pc.or_(mask, pc.is_in(texts, value_set=pa.array(ids, pa.string())))
    return mask


def _texts(rows: pa.Table, kind: FactKind) -> list[pa.ChunkedArray]:
    """The same as `Layout.units`, of rows in memory: here an Arrow kernel is cheaper than an engine."""
    if kind is not FactKind.IDENTITIES:
        return [rows["unit"]]
    named = pc.binary_join_element_wise(rows["namespace"], rows["id"], ":")
    return [rows["unit"], pc.if_else(pc.equal(rows["namespace"], PLAIN), rows["id"], named)]
