"""By which names do people read a judgement? References in its sentences become names."""

import re
from collections.abc import Mapping

from analyses import Json

SENTENCES = ("text", "sentence", "detail")  # what people read, in a judgement's JSON


def worded(value: Json, names: Mapping[str, str]) -> Json:
    """References become names wherever a sentence stands."""
    if isinstance(value, dict):
        return {
            key: _named(inner, names) if key in SENTENCES else worded(inner, names)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [worded(inner, names) for inner in value]
    return value


def _named(text: Json, names: Mapping[str, str]) -> Json:
    """Whole references only: met_a@1 is no part of met_a@12, and a name is not searched for references."""
    if not isinstance(text, str) or not names:
        return text
    longest = sorted(names, key=len, reverse=True)
    whole = re.compile(rf"(?<![\w@#:])(?:{'|'.join(map(re.escape, longest))})(?![\w@#])")
    return whole.sub(lambda found: f"“{names[found.group()]}”", text)
