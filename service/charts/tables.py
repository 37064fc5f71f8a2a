"""Which charts were wanted, and what do they look like drawn?"""

from datetime import datetime
from typing import Any

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base


class Drawing(Base):
    """One chart by the hash of its specification; it never changes, and can be drawn anew at any time."""

    __tablename__ = "drawings"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    spec: Mapped[dict[str, Any]]
    light: Mapped[str | None] = mapped_column(Text)
    dark: Mapped[str | None] = mapped_column(Text)
    wanted_at: Mapped[datetime]
    drawn_at: Mapped[datetime | None] = mapped_column(index=True)
