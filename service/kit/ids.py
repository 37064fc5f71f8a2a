"""How is a thing named? By a short prefix and a ULID: unique, and sorted by the time it was made."""

import secrets
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_RANDOM_BITS = 80
_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    return f"{prefix}_{_encode(_next())}"


def _next() -> int:
    """48 bits of milliseconds, 80 random bits; within one millisecond the last value is counted up."""
    global _last  # noqa: PLW0603 - one sequence per process is the point
    fresh = (time.time_ns() // 1_000_000 << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    with _lock:
        # Counting up keeps the ids of one process in the order in which they were made.
        _last = fresh if fresh >> _RANDOM_BITS > _last >> _RANDOM_BITS else _last + 1
        return _last


def _encode(value: int) -> str:
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))
