"""How do facts that are out of date leave the files of the lake?

A part that is out of date as a whole is left out, a matter of the log; one that is so in part is written
again. The ids of what went are written down first (`spent.py`). What was replaced stays for older snapshots,
until `vacuum`.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from service.facts.lake import delta, folding, retirement, turns
from service.facts.lake.parts import Part, leave_out, parts, parts_of, rewrite, together
from service.facts.lake.turns import Turn
from service.facts.tables import FactKind, LakeWork
from service.kit.database import Database
from service.kit.ids import new_id
from service.settings import Settings

_AT_ONCE = 500  # parts that one commit leaves out


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """What left the lake."""

    rows: int = 0
    parts: int = 0  # of these, the ones that are gone as a whole


def retire(settings: Settings, database: Database) -> Retired:
    """Leave out of the lake whatever is out of date, of every kind that is not kept for good."""
    rows, whole = 0, 0
    for kind, before in retirement.due(settings).items():
        with database.write() as session:
            gone = retirement.write_down(session, kind, before)
        if any(_late(part, gone) for part in parts(settings, kind)):
            done = _retired(settings, database, kind, gone)
            rows, whole = rows + done.rows, whole + done.parts
    return Retired(rows=rows, parts=whole)


def _late(part: Part, before: datetime) -> bool:
    return part.first is None or part.first < before


def _retired(settings: Settings, database: Database, kind: FactKind, before: datetime) -> Retired:
    turn = folding.own_turn(settings, database, new_id("ret"), LakeWork.RETIREMENT)
    with suppress(delta.Overtaken), turns.beating(settings, database, turn):
        done = _left_out(settings, turn, kind, before)
        folding.settle(settings, database, turn)
        return done
    return Retired()


def _left_out(settings: Settings, turn: Turn, kind: FactKind, before: datetime) -> Retired:
    table = delta.open_table(settings, kind)
    late = [part for part in parts_of(table, kind) if _late(part, before)]
    whole = [part for part in late if part.last is not None and part.last < before]
    for some in batched(whole, _AT_ONCE, strict=False):
        leave_out(settings, table, some, turn.number)
    keep = retirement.since(before)
    split = [part for part in late if part not in whole]
    went = sum(rewrite(settings, table, some, turn.number, keep) for some in together(split))
    return Retired(rows=sum(part.rows for part in whole) + went, parts=len(whole))
