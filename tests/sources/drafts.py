"""Sources that tests register: a PostgreSQL that nobody connects to."""

from copy import deepcopy
from typing import Any

from service.sources.schemas import EXAMPLE


def source(**changes: Any) -> dict[str, Any]:
    """The documented example, with some fields changed."""
    return deepcopy(dict(EXAMPLE)) | changes


def reading(query: str, **connection: Any) -> dict[str, Any]:
    """The example whose outcomes come from a query."""
    draft = source()
    draft["connection"] |= connection
    draft["outcomes"] = [
        {"rows": {"query": query}, "unit": "u", "event": {"always": "called"}, "time": "at"},
    ]
    return draft
