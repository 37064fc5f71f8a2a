"""Which batches were acknowledged, and which folds carried them into the lake?"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base


class FactKind(StrEnum):
    ASSIGNMENTS = "assignments"  # a unit got an arm of an experiment
    OUTCOMES = "outcomes"  # something was measured about a unit
    EXPOSURES = "exposures"  # a unit met the difference that an experiment makes
    ATTRIBUTES = "attributes"  # a unit has a trait, from a time on
    IDENTITIES = "identities"  # an id of some namespace is a unit


PLAIN = "unit"  # the namespace of an identity whose id other facts name as it is (docs/adr/0010)


class LakeWork(StrEnum):
    FOLD = "fold"  # batches come in
    COMPACTION = "compaction"  # parts are written again, sorted, as few files
    ERASURE = "erasure"  # parts are written again without units that were erased
    RETIREMENT = "retirement"  # parts are left out, or written again, without what is out of date


class Batch(Base):
    """One acknowledged request: the inbox row. It holds the accepted rows until their fold is long past."""

    __tablename__ = "ingest_batches"
    __table_args__ = (
        UniqueConstraint("kind", "source", "idempotency_key"),
        Index("ix_ingest_batches_fold_id", "fold_id", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[FactKind]
    source: Mapped[str]
    idempotency_key: Mapped[str | None]
    request_sha256: Mapped[str]
    accepted: Mapped[int]
    erased: Mapped[int] = mapped_column(default=0, server_default="0")  # of the accepted, since
    rejected: Mapped[int]
    notes: Mapped[list[Any] | None]  # sentences for whoever sent it, in its first part
    rows: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # Arrow IPC stream, zstd
    rejections: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # likewise: row, field, reason
    received_by: Mapped[str]
    team: Mapped[str]
    received_at: Mapped[datetime]
    fold_id: Mapped[int | None] = mapped_column(ForeignKey("folds.id"))
    # A large body is kept in parts, so that no reader needs it whole; its first part stands for all.
    part_of: Mapped[str | None] = mapped_column(index=True)


class Fold(Base):
    """One change of the lake, a turn: planned here first, then made there, then marked here."""

    __tablename__ = "folds"
    __table_args__ = (Index("ix_folds_forgotten_at", "forgotten_at", "folded_at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    work: Mapped[LakeWork] = mapped_column(server_default=LakeWork.FOLD)
    holder: Mapped[str]  # who may carry it out, until the lease ends
    lease_until: Mapped[datetime]
    planned_at: Mapped[datetime]
    folded_at: Mapped[datetime | None] = mapped_column(index=True)
    forgotten_at: Mapped[datetime | None]  # since when the inbox keeps no row of its batches
    batches: Mapped[int]
    rows: Mapped[int]


class FoldTable(Base):
    """What a finished turn left of one table."""

    __tablename__ = "fold_tables"

    fold_id: Mapped[int] = mapped_column(ForeignKey("folds.id"), primary_key=True)
    kind: Mapped[FactKind] = mapped_column(primary_key=True)
    version: Mapped[int]
    rows: Mapped[int | None] = mapped_column(BigInteger)  # in the whole table; None: nobody wrote it down


class ErasedUnit(Base):
    """A unit that is hidden for good: known by the SHA-256 of its id alone, so that it is known again."""

    __tablename__ = "erased_units"

    id: Mapped[str] = mapped_column(primary_key=True)
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    fold_id: Mapped[int | None] = mapped_column(ForeignKey("folds.id"))  # the turn that removed it
    removed_at: Mapped[datetime | None] = mapped_column(index=True)  # from every file
    linked: Mapped[int | None]  # how many ids go with it; None until a worker has followed the links


class RetiredFacts(Base):
    """Up to which time the facts of a kind are gone, since they were kept as long as they may be."""

    __tablename__ = "retired_facts"

    kind: Mapped[FactKind] = mapped_column(primary_key=True)
    before: Mapped[datetime]


class SupersededFile(Base):
    """A file that the lake no longer names: older snapshots may, until it is vacuumed."""

    __tablename__ = "superseded_files"

    path: Mapped[str] = mapped_column(primary_key=True)  # relative to the lake's folder
    superseded_at: Mapped[datetime] = mapped_column(index=True)


class DeletedFile(Base):
    """A file that is gone, for as long as a run that was reading it may still be kept."""

    __tablename__ = "deleted_files"

    path: Mapped[str] = mapped_column(primary_key=True)  # relative to the lake's folder
    deleted_at: Mapped[datetime] = mapped_column(index=True)
    erasure: Mapped[int | None] = mapped_column(ForeignKey("folds.id"))  # the turn, if units were erased


class FactSource(Base):
    """Whose a source of facts is: the team's that first sent under its name."""

    __tablename__ = "fact_sources"

    name: Mapped[str] = mapped_column(primary_key=True)
    team: Mapped[str]
    since: Mapped[datetime]
