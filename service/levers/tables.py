"""Who carries a lever? Every decision about it stays; the latest counts."""

import datetime as dt

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base


class Commitment(Base):
    """One decision: this team carries the lever, up to this level of the CPI, by this day."""

    __tablename__ = "lever_commitments"
    __table_args__ = (Index("ix_lever_commitments_hypothesis_id", "hypothesis_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    hypothesis_id: Mapped[str] = mapped_column(ForeignKey("hypotheses.id"))
    team: Mapped[str]
    person: Mapped[str | None]
    target: Mapped[float | None]  # of the CPI, in its own unit
    by: Mapped[dt.date | None]
    note: Mapped[str | None]
    verdict_id: Mapped[str] = mapped_column(ForeignKey("verdicts.id"))  # what it rested on
    author: Mapped[str]
    at: Mapped[dt.datetime]
