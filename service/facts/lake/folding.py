"""How do acknowledged batches get into the lake, exactly once, whatever is killed?

Planned in SQL first: a fold has a number, and its batches carry it. Then each table is appended to, unless it
holds that number. Then everything is synced, then the fold is marked. A fold that was interrupted is carried
out again by whoever comes after its lease: the plan fixes what is in it.
"""

import time
from contextlib import suppress
from dataclasses import replace

from service.facts import inbox
from service.facts.lake import dedup, delta, purging, retirement, spent, tombstones, turns
from service.facts.lake.snapshot import Pinned, Snapshot
from service.facts.lake.turns import Turn
from service.facts.tables import FactKind, LakeWork
from service.kit.database import Database
from service.kit.ids import new_id
from service.settings import Settings

_PATIENCE = 0.1  # seconds between looks at a fold that somebody else carries out


def fold(settings: Settings, database: Database) -> Snapshot:
    """Carry every batch that is acknowledged by now into the lake, then pin what is there.

    Not those that arrive meanwhile: where they never cease, this would not end.
    """
    holder, wanted = new_id("fld"), turns.pending(database)
    while wanted & turns.pending(database):
        turn = turns.take(settings, database, holder)
        if turn is None:
            time.sleep(_PATIENCE)
            continue
        with suppress(delta.Overtaken):
            carry_out(settings, database, turn)
    return pin(settings, database)


def own_turn(settings: Settings, database: Database, holder: str, work: LakeWork) -> Turn:
    """A turn for other work than folding, after whatever waits to be folded or was left unfinished."""
    while True:
        if turns.waiting(database):
            fold(settings, database)
        turn = turns.take(settings, database, holder, work)
        if turn is None:
            time.sleep(_PATIENCE)
        elif turn.inherited:
            with suppress(delta.Overtaken):
                carry_out(settings, database, turn)
        else:
            return turn


def pin(settings: Settings, database: Database) -> Snapshot:
    """The lake as the last finished turn left it."""
    with database.read() as session:
        last = turns.last(session)
        tables = turns.tables(session, last)
        hidden = tombstones.hidden_in(session, last.id if last else 0)
    pinned = {
        kind: Pinned(version=table.version, files=delta.files_of(settings, kind, table.version))
        for kind, table in tables.items()
    }
    erased = tombstones.linked(settings, pinned[FactKind.IDENTITIES].files, hidden)
    return Snapshot(fold=last.id if last else 0, tables=pinned, erased=erased)


def reopened(settings: Settings, database: Database, text: str) -> Snapshot:
    """What a run kept of its snapshot, to be read again without the units that were erased since.

    Reading it raises engine.SnapshotGone where files that it names are deleted.
    """
    kept = Snapshot.from_json(text)
    with database.read() as session:
        hidden = tombstones.hidden_in(session, kept.fold)
    erased = tombstones.linked(settings, pin(settings, database).files(FactKind.IDENTITIES), hidden)
    return replace(kept, erased=tuple(sorted({*kept.erased, *erased})))


def carry_out(settings: Settings, database: Database, turn: Turn) -> None:
    """Make a fold. Other work was begun by somebody who was killed: what is committed is whole, and stays."""
    with turns.beating(settings, database, turn):
        if turn.work is LakeWork.FOLD:
            if purging.purge_fold(settings, database, turn.number):
                database.scrub()
            for kind in FactKind:
                _append(settings, database, turn, kind)
        settle(settings, database, turn)


def settle(settings: Settings, database: Database, turn: Turn) -> None:
    """Bring to disk what the turn wrote, then mark it."""
    left = {kind: delta.settled(settings, kind, since=turn.before[kind]) for kind in FactKind}
    turns.finish(database, turn, left)


def _append(settings: Settings, database: Database, turn: Turn, kind: FactKind) -> None:
    arrived = retirement.timely(database, kind, inbox.rows_of(database, turn.number, kind))
    if not arrived.num_rows:
        return
    table = delta.open_table(settings, kind)
    if delta.holds(table, turn.number):
        return
    new = dedup.unseen(settings, kind, delta.files(table, kind), arrived)
    rows = spent.unspent(settings, kind, new)
    if rows.num_rows:
        delta.append(table, rows, turn.number)
