"""How is an API key kept? Never itself: the SHA-256 of its secret."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.access.rules import Role
from service.kit.database import Base


class ApiKey(Base):
    """One server key."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    secret_sha256: Mapped[str]
    owner: Mapped[str]
    team: Mapped[str]
    role: Mapped[Role]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class BrowserSession(Base):
    """A browser that somebody signed in from. The cookie's secret is never kept, only its SHA-256."""

    __tablename__ = "browser_sessions"

    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
