"""What may a client write into a field?

Names are one line, notes may have several; neither holds control characters (PostgreSQL refuses NUL,
terminals obey the others). Numbers are JSON numbers, finite, and so small that their squares stay finite.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    WithJsonSchema,
)

_LARGEST = 1e15
_LONGEST = timedelta(days=730)


class Wire(BaseModel):
    """Frozen, and strict about fields that nobody declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _spoken(text: str) -> str:
    """Refuse text that says nothing or that a terminal would obey."""
    for character in text:
        if ord(character) < 32 and character not in "\n\r\t":
            raise ValueError("control characters are not allowed")
        if 127 <= ord(character) < 160:
            raise ValueError("control characters are not allowed")
    return text


def _one_line(text: str) -> str:
    if any(character in text for character in "\n\r\t\u2028\u2029"):
        raise ValueError("must be a single line")
    return text


def _iso_duration(value: object) -> object:
    """Refuse bare numbers: nobody can tell seconds from days."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and value.startswith("P") and len(value) <= 40:
        return value
    raise ValueError('must be an ISO 8601 duration such as "P7D" or "PT12H"')


type Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(_spoken),
    AfterValidator(_one_line),
]
type Note = Annotated[
    str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True), AfterValidator(_spoken)
]
type Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z]+_[0-9a-z]+$")]
type Number = Annotated[float, Strict(), Field(ge=-_LARGEST, le=_LARGEST, allow_inf_nan=False)]
type PositiveNumber = Annotated[float, Strict(), Field(ge=1 / _LARGEST, le=_LARGEST, allow_inf_nan=False)]
type NonNegativeNumber = Annotated[float, Strict(), Field(ge=0, le=_LARGEST, allow_inf_nan=False)]
type Count = Annotated[int, Strict(), Field(ge=0, le=10**12)]
_ISO_8601 = WithJsonSchema({"type": "string", "format": "duration"})
type Duration = Annotated[
    timedelta, Field(gt=timedelta(0), le=_LONGEST), BeforeValidator(_iso_duration), _ISO_8601
]
type DurationOrZero = Annotated[
    timedelta, Field(ge=timedelta(0), le=_LONGEST), BeforeValidator(_iso_duration), _ISO_8601
]
