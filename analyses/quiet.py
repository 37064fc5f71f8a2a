"""How are libraries that print and warn kept from speaking to users, without losing what matters?"""

import io
import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from analyses.results import Check

LONGEST = 300


@contextmanager
def silenced() -> Iterator[list[str]]:
    """Nothing is printed, logged or warned meanwhile; what was warned of stands in the list afterwards."""
    said: list[str] = []
    disabled = logging.root.manager.disable
    with (
        warnings.catch_warnings(record=True) as caught,
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("always")
        logging.disable(logging.CRITICAL)
        try:
            yield said
        finally:
            logging.disable(disabled)
            said.extend(dict.fromkeys(_worth_telling(caught)))


def told(source: str, said: Iterable[str]) -> tuple[Check, ...]:
    """Warnings as checks, each once, that block nothing and hide nothing."""
    return tuple(
        Check(name="library_warning", passed=False, detail=f"{source}: {text[:LONGEST]}", gates=False)
        for text in dict.fromkeys(said)
    )


def _worth_telling(caught: Iterable[warnings.WarningMessage]) -> Iterator[str]:
    """A library's plans for its next release say nothing of the numbers."""
    for one in caught:
        if not issubclass(one.category, DeprecationWarning | PendingDeprecationWarning | FutureWarning):
            yield str(one.message)
