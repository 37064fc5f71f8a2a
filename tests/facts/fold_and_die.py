"""A process that folds, compacts or retires and is killed: `fold_and_die.py DATA_DIR POINT COUNT WORK`.

The kill comes when a point is met for the COUNT-th time; a fold that never meets it ends in peace.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from service import facts
from service.facts import store
from service.facts.lake import dedup, delta, turns
from service.facts.lake.compaction import compact
from service.facts.lake.retiring import retire
from service.kit.database import Database
from service.settings import Settings

POINTS: dict[str, tuple[ModuleType, str, bool]] = {
    "before planning": (turns, "take", False),
    "after planning": (turns, "take", True),
    "before deduplicating": (dedup, "unseen", False),
    "before appending": (delta, "append", False),
    "after appending": (delta, "append", True),
    "between two syncs": (store, "fsync", True),
    "after syncing": (delta, "sync", True),
    "before marking": (turns, "finish", False),
    "after marking": (turns, "finish", True),
}
COMPACTION_POINTS: dict[str, tuple[ModuleType, str, bool]] = {
    "before rewriting": (delta, "rewrite", False),
    "after rewriting": (delta, "rewrite", True),
}
RETIREMENT_POINTS: dict[str, tuple[ModuleType, str, bool]] = {
    "before ids are written down": (store, "put", False),
    "after ids are written down": (store, "put", True),
    "after leaving out": (delta, "drop", True),
}


def both(settings: Settings, database: Database) -> None:
    facts.fold(settings, database)
    compact(settings, database)


WORK: dict[str, Callable[[Settings, Database], object]] = {
    "fold": facts.fold,
    "compact": compact,
    "both": both,
    "retire": retire,
}


def die_at(point: str, count: int) -> None:
    module, name, after = {**POINTS, **COMPACTION_POINTS, **RETIREMENT_POINTS}[point]
    original: Callable[..., object] = getattr(module, name)
    left = [count]

    def dying(*given: object, **named: object) -> object:
        left[0] -= 1
        if left[0] == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = original(*given, **named)
        if left[0] == 0 and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(module, name, dying)


if __name__ == "__main__":
    folder, point, count, work = sys.argv[1:]
    settings = Settings(data_dir=Path(folder), lake_lease=timedelta(milliseconds=1))
    die_at(point, int(count))
    WORK[work](settings, Database.open(settings.url))
