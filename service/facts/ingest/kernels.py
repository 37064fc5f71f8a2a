"""Which parts of Arrow are loaded when the first batch comes, and not before?

Together 14 MB, and ingest is their only user: a process that only reads the registry does without them.
"""

from functools import cache
from typing import Any


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
