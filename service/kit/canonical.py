"""Which one text stands for a JSON value? What is frozen and hashed must have exactly one."""

import hashlib
import json


def canonical_json(value: object) -> str:
    """Sorted keys, no spaces, UTF-8 as it is; a float that is not finite is refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
