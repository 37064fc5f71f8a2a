"""Can a name turn the text around it? What it does to the direction of writing ends where it ends."""

import re

from markupsafe import Markup

_CHANGES = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OPENS = {"\u202a": "\u202c", "\u202b": "\u202c", "\u202d": "\u202c", "\u202e": "\u202c"}
_OPENS |= {"\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}
ISOLATE, END = "\u2068", "\u2069"


class AsTyped(str):
    """What stands in a field, to be sent back as it was: a field is isolated by being one."""

    __slots__ = ()


def contained(value: object) -> object:
    """The value as a template writes it: what it opens is closed, and all of it is isolated."""
    if not isinstance(value, str) or value.isascii():
        return value
    if isinstance(value, Markup | AsTyped) or not _CHANGES.search(value):
        return value
    still_open: list[str] = []
    for character in _CHANGES.findall(value):
        if character in _OPENS:
            still_open.append(_OPENS[character])
        elif character in still_open:  # closes its own and all that was opened inside it
            while still_open.pop() != character:
                pass
    balanced = _without_strays(value)
    return f"{ISOLATE}{balanced}{''.join(reversed(still_open))}{END}"


def _without_strays(value: str) -> str:
    """An end of an isolate that the value did not begin would end ours."""
    depth, kept = 0, []
    for character in value:
        depth += character in "\u2066\u2067\u2068"
        if character == END:
            if not depth:
                continue
            depth -= 1
        kept.append(character)
    return "".join(kept)
