"""A process that folds and is killed at a named point: `fold_and_die.py DATA_DIR POINT COUNT`.

The kill comes when the point is met for the COUNT-th time; a fold that never meets it ends in peace.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from service import facts
from service.facts import dedup, lake, turns
from service.kit.database import Database
from service.settings import Settings

POINTS: dict[str, tuple[ModuleType, str, bool]] = {
    "before planning": (turns, "take", False),
    "after planning": (turns, "take", True),
    "before deduplicating": (dedup, "unseen", False),
    "before appending": (lake, "append", False),
    "after appending": (lake, "append", True),
    "between two syncs": (lake, "_fsync", True),
    "after syncing": (lake, "sync", True),
    "before marking": (turns, "finish", False),
    "after marking": (turns, "finish", True),
}


def die_at(point: str, count: int) -> None:
    module, name, after = POINTS[point]
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
    folder, point, count = sys.argv[1:]
    settings = Settings(data_dir=Path(folder), lake_lease=timedelta(milliseconds=1))
    die_at(point, int(count))
    facts.fold(settings, Database.open(settings.url))
