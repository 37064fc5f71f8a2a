"""How does an erased unit leave every file, and who is told that their data are not the same any more?

In one turn: the parts that hold the unit are written again without it, batches in the inbox too; then every
file that held it is deleted at once, however long snapshots are kept. The SHA-256 of its id stays, so that
what is sent of it later is left out again. Ids that are linked to an erased unit are erased with it.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import batched
from pathlib import PurePath

from sqlalchemy import func, select

from service.facts import engine, store
from service.facts.lake import deletions, delta, folding, purging, tombstones, turns, vacuum
from service.facts.lake.layout import TABLES
from service.facts.lake.parts import parts_of, rewrite, together
from service.facts.lake.snapshot import Snapshot
from service.facts.lake.turns import Turn
from service.facts.tables import Batch, FactKind, LakeWork
from service.kit.clock import now
from service.kit.database import Database
from service.kit.ids import new_id
from service.runs import snapshots
from service.settings import Settings

_AT_ONCE = 64  # files that one query looks through


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How much left: units, rows of the inbox, and files that were written again or deleted."""

    units: int = 0
    rows: int = 0
    files: int = 0


def erase(settings: Settings, database: Database) -> Erased:
    """Remove whatever was erased and still lies in files; what that came to."""
    with database.read() as session:
        if not tombstones.unremoved(session):
            return Erased()
    turn = folding.own_turn(settings, database, new_id("ers"), LakeWork.ERASURE)
    with suppress(delta.Overtaken), turns.beating(settings, database, turn):
        return _erased(settings, database, turn)
    return Erased()


def _erased(settings: Settings, database: Database, turn: Turn) -> Erased:
    units = _with_linked(settings, database)
    # Listed while the turn is young: a file that somebody else writes after us is not among them.
    stored = {kind: tuple(store.data_files(settings, kind)) for kind in FactKind}
    holding = {kind: _holding(settings, kind, files, units) for kind, files in stored.items()}
    for kind, files in holding.items():
        _rewrite(settings, turn, kind, files, units)
    rows = purging.purge(database, _kept(database), units)
    folding.settle(settings, database, turn)
    files = {file for some in holding.values() for file in some} - _current(settings)
    deletions.write_down(database, files, erasure=turn.number)
    if files:
        snapshots.mark_erased(database, now(), lambda text: _shows(text, files, units))
    vacuum.mark_gone(database, files)
    vacuum.deleted(settings, database, files)
    database.scrub()
    with database.write() as session:
        tombstones.removed(session, units, turn=turn.number, at=now())
    return Erased(units=len(units), rows=rows, files=len(files))


def _with_linked(settings: Settings, database: Database) -> tuple[str, ...]:
    """The units that wait to be removed, and from now on the ids that the identities link to them."""
    with database.read() as session:
        asked = tombstones.unremoved(session)
    files = folding.pin(settings, database).files(FactKind.IDENTITIES)
    found = tombstones.linked_to(settings, files, asked)
    with database.write() as session:
        tombstones.widened(session, found)
    return tuple(sorted({one for ids in found.values() for one in ids}))


def _holding(settings: Settings, kind: FactKind, files: Sequence[str], units: Sequence[str]) -> set[str]:
    """The files that hold one of the units, or that nobody can read and nobody names."""
    import duckdb

    found: set[str] = set()
    for some in batched(files, _AT_ONCE, strict=False):
        try:
            found |= _looked_through(settings, kind, some, units)
        except duckdb.Error:  # one of them is torn: a killed writer left it
            found |= _one_by_one(settings, kind, some, units)
    return found


def _one_by_one(settings: Settings, kind: FactKind, files: Sequence[str], units: Sequence[str]) -> set[str]:
    import duckdb

    named = _current(settings)
    found: set[str] = set()
    for file in files:
        try:
            found |= _looked_through(settings, kind, [file], units)
        except duckdb.Error:
            if file in named:
                raise
            found.add(file)
    return found


def _looked_through(
    settings: Settings, kind: FactKind, files: Sequence[str], units: Sequence[str]
) -> set[str]:
    with engine.connection(settings) as opened:
        engine.register(opened, settings, "facts", files, TABLES[kind].schema)
        without = tombstones.absent(units, TABLES[kind].units)
        held = f"SELECT DISTINCT filename FROM facts WHERE NOT ({without})"  # noqa: S608 - digests
        return {"/".join(PurePath(path).parts[-3:]) for (path,) in opened.execute(held).fetchall()}


def _rewrite(
    settings: Settings, turn: Turn, kind: FactKind, files: Iterable[str], units: Sequence[str]
) -> None:
    wanted = set(files)
    if not wanted:
        return
    table = delta.open_table(settings, kind)
    keep = tombstones.absent(units, TABLES[kind].units)
    for some in together(part for part in parts_of(table, kind) if wanted.intersection(part.files)):
        rewrite(settings, table, some, turn.number, keep)


def _current(settings: Settings) -> set[str]:
    return {file for kind in FactKind for file in delta.files(delta.open_table(settings, kind), kind)}


def _kept(database: Database) -> Sequence[str]:
    with database.read() as session:
        return session.scalars(select(Batch.id).where(func.length(Batch.rows) > 0)).all()


def _shows(snapshot: str, files: set[str], units: Sequence[str]) -> bool:
    """Whether a reader of this snapshot saw one of the units: it names a file of theirs, and hid them not."""
    read = Snapshot.kept_by(snapshot)
    return read is not None and read.names(files) and not set(units) <= set(read.erased)
