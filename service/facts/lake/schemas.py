"""What is told of an erasure, as it crosses the wire?"""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from service.facts.tables import ErasedUnit


class ErasureState(StrEnum):
    HIDDEN = "hidden"  # no read that begins from now on sees it; it still lies in files
    REMOVED = "removed"  # from every file, table and batch


class ErasureView(BaseModel):
    """A unit that is hidden for good, and whether it is out of every file yet."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(
        description="SHA-256 of the unit's id, in hexadecimal: all that is kept of it.",
        examples=["0bfe935e70c321c7ca3afc75ce0d0ca2f98b5422e008bb31c00c6d7f1f1c0ad6"],
    )
    state: ErasureState
    requested_by: str
    requested_at: datetime
    removed_at: datetime | None = Field(
        description="Workers remove hidden units within LEVERBOARD_COMPACT_EVERY, an hour unless said; "
        "`leverboard lake compact` does so at once."
    )
    linked: int | None = Field(
        description="How many ids `/v1/identities` linked to it, over any number of steps: they go with it. "
        "Null until a worker has followed the links, when it removes them; `leverboard lake linked UNIT` "
        "tells it before anybody asks for the erasure."
    )

    @classmethod
    def of(cls, erased: ErasedUnit) -> Self:
        state = ErasureState.HIDDEN if erased.removed_at is None else ErasureState.REMOVED
        return cls(
            id=erased.id,
            state=state,
            requested_by=erased.requested_by,
            requested_at=erased.requested_at,
            removed_at=erased.removed_at,
            linked=erased.linked,
        )
