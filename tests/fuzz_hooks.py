"""How does the fuzzer write what it knows no serialiser for? It loads this by name (`test_fuzz.py`)."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def as_it_is(_: Any, value: Any) -> Any:
    """Examples are text already, and what is made up is bytes."""
    return value.encode() if isinstance(value, str) else value
