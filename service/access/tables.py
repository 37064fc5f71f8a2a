"""How is an API key kept? Never itself: the SHA-256 of its secret."""

from datetime import datetime

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
