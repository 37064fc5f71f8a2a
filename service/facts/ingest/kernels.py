"""Which parts of Arrow are loaded when the first batch comes, and not before?

Together 14 MB, and ingest is their only user: a process that only reads the registry does without them.
"""

import sys
from functools import cache
from typing import Any

import pyarrow as pa


@cache
def kernels() -> Any:
    """Functions over whole columns."""
    from pyarrow import compute  # noqa: PLC0415 - see above

    return compute


@cache
def parquet() -> Any:
    """The reader of Parquet files."""
    from pyarrow import parquet as module  # noqa: PLC0415 - see above

    return module


class _NoPandas:
    """Answers whoever looks for it."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:  # noqa: ARG004
        if name == "pandas":
            raise ModuleNotFoundError(name=name)


def do_without_pandas() -> None:
    """For a process that hands Arrow no data frame: half a second and 40 MB at its first batch.

    Arrow looks for pandas once, as it makes its first array of Python's values, and remembers what it found.
    """
    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(_NoPandas)
