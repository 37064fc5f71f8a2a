"""How do acknowledged batches get into the lake, exactly once, whatever is killed?

Planned in SQL first: a fold has a number, and its batches carry it. Then each table is appended to, unless it
holds that number. Then everything is synced, then the fold is marked. A fold that was interrupted is carried
out again by whoever comes after its lease: the plan fixes what is in it.
"""

import time
from contextlib import suppress

from service.facts import dedup, inbox, lake, turns
from service.facts.snapshot import Snapshot
from service.facts.tables import FactKind
from service.facts.turns import Turn
from service.kit.database import Database
from service.kit.ids import new_id
from service.settings import Settings

_PATIENCE = 0.1  # seconds between looks at a fold that somebody else carries out


def fold(settings: Settings, database: Database) -> Snapshot:
    """Carry every acknowledged batch into the lake, then pin what is there."""
    holder = new_id("fld")
    while True:
        turn = turns.take(settings, database, holder)
        if turn is not None:
            with suppress(lake.Overtaken):
                _carry_out(settings, database, turn)
        elif turns.pending(database):
            time.sleep(_PATIENCE)
        else:
            return pin(settings, database)


def pin(settings: Settings, database: Database) -> Snapshot:
    """The lake as the last finished turn left it."""
    with database.read() as session:
        last = turns.last(session)
    versions = turns.versions(last)
    return Snapshot(
        fold=last.id if last else 0,
        assignments_version=versions[FactKind.ASSIGNMENTS],
        outcomes_version=versions[FactKind.OUTCOMES],
        assignments=lake.files_of(settings, FactKind.ASSIGNMENTS, versions[FactKind.ASSIGNMENTS]),
        outcomes=lake.files_of(settings, FactKind.OUTCOMES, versions[FactKind.OUTCOMES]),
    )


def _carry_out(settings: Settings, database: Database, turn: Turn) -> None:
    with turns.beating(settings, database, turn):
        left = {kind: _append(settings, database, turn, kind) for kind in FactKind}
    turns.finish(database, turn, left)


def _append(settings: Settings, database: Database, turn: Turn, kind: FactKind) -> lake.Left:
    """The table with this fold in it and on disk."""
    table = lake.open_table(settings, kind)
    if not lake.holds(table, turn.number):
        rows = dedup.unseen(
            settings, kind, lake.files(table, kind), inbox.rows_of(database, turn.number, kind)
        )
        if rows.num_rows:
            lake.append(table, rows, turn.number)
    lake.sync(settings, table, kind, since=turn.before[kind])
    return lake.left(table)
