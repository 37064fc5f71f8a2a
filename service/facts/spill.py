"""Where may a query put what does not fit into memory? In a folder of its own, gone when its process is."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import IO

from service.settings import Settings

_HELD = "held"  # locked by the process that spills here; the system lets go of it whatever ends the process


@contextmanager
def folder(settings: Settings) -> Iterator[Path]:
    """Not shared: two processes would give their spilled blocks the same names."""
    spills = settings.data_dir / "spill"
    spills.mkdir(parents=True, exist_ok=True)
    # Made and locked in one step as others see it, or a new folder could pass for a forgotten one.
    with (spills / _HELD).open("w") as turnstile:
        fcntl.flock(turnstile, fcntl.LOCK_EX)
        _sweep(spills)
        ours = Path(mkdtemp(dir=spills))
        held = (ours / _HELD).open("w")
        fcntl.flock(held, fcntl.LOCK_EX)
    with held:
        try:
            yield ours
        finally:
            shutil.rmtree(ours, ignore_errors=True)


def _sweep(spills: Path) -> None:
    """Remove what killed processes left."""
    for left in spills.iterdir():
        if left.is_dir():
            with suppress(FileNotFoundError), (left / _HELD).open("a") as held:
                if _free(held):
                    shutil.rmtree(left, ignore_errors=True)


def _free(held: IO[str]) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
