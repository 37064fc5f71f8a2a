"""How does the lake stay in few, sorted files, however many folds write into it?

Every fold adds a file to each day that it touches. A part that has more than it may is written again, sorted,
in a turn with others. Hourly that is what has grown to more than a few files; nightly, a closed day or month
becomes one. Files that are replaced so stay until `vacuum`, for the snapshots that name them.
"""

from collections.abc import Sequence
from contextlib import suppress

from service.facts.lake import delta, folding, turns
from service.facts.lake.parts import Part, parts, parts_of, rewrite, together
from service.facts.tables import FactKind, LakeWork
from service.kit.database import Database
from service.kit.ids import new_id
from service.settings import Settings

_CROWD = 8  # files that a part may have until it is rewritten within the day


def compact(settings: Settings, database: Database, *, nightly: bool = True) -> tuple[Part, ...]:
    """Rewrite every part that has too many files; what they were. Folds go first."""
    holder = new_id("cmp")
    full = [part for kind in FactKind for part in parts(settings, kind) if crowded(part, nightly=nightly)]
    done: list[Part] = []
    for some in together(full):
        done += _compacted(settings, database, holder, some, nightly=nightly)
    return tuple(done)


def crowded(part: Part, *, nightly: bool = True) -> bool:
    """Whether it has too many files: a large part may have several, as the writer says, and twice as many."""
    large = 2 * part.size // delta.LARGEST_FILE
    return len(part.files) > large + (1 if nightly and part.closed else _CROWD)


def _compacted(
    settings: Settings, database: Database, holder: str, wanted: Sequence[Part], *, nightly: bool
) -> Sequence[Part]:
    """Those that were done, as they are now: somebody else may have been quicker."""
    turn = folding.own_turn(settings, database, holder, LakeWork.COMPACTION)
    with suppress(delta.Overtaken), turns.beating(settings, database, turn):
        kind, values = wanted[0].kind, {part.value for part in wanted}
        table = delta.open_table(settings, kind)
        some = [
            part for part in parts_of(table, kind) if part.value in values and crowded(part, nightly=nightly)
        ]
        if some:
            rewrite(settings, table, some, turn.number)
        folding.settle(settings, database, turn)
        return some
    return ()
