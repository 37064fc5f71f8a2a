"""What do libraries say while they fit? Nothing that reaches a user; what they warn of is kept."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from analyses.results import Check

LONGEST = 300


@contextmanager
def silenced(said: list[Check]) -> Iterator[None]:
    """Nothing is printed or logged inside; warnings become checks, each once."""
    disabled = logging.root.manager.disable
    with (
        warnings.catch_warnings(record=True) as caught,
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("always")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(disabled)
            for one in dict.fromkeys(_told(each) for each in caught if _matters(each)):
                if all(one != check.detail for check in said):
                    said.append(Check(name="library_warning", passed=False, detail=one, gates=False))


def _told(one: warnings.WarningMessage) -> str:
    return f"{one.category.__name__}: {one.message}"[:LONGEST]


def _matters(one: warnings.WarningMessage) -> bool:
    """What a library will change one day says nothing of these numbers."""
    return not issubclass(one.category, DeprecationWarning | PendingDeprecationWarning | FutureWarning)
