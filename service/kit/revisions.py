"""What is changed only by those who have seen its latest revision?"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised[T]:
    """A thing and the row version that a change of it must name."""

    value: T
    revision: int
