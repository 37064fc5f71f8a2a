"""Which reports were made, who gets them when, and what became of every message?"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base
from service.reports.kinds import Cause, DeliveryState, Form, ReceiverKind, ReportKind


class ReportRow(Base):
    """One report: never changed, and addressed by the SHA-256 of its JSON bundle."""

    __tablename__ = "reports"
    __table_args__ = (
        Index("uq_reports_sha256", "sha256", unique=True),
        Index("ix_reports_subject", "subject", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    kind: Mapped[ReportKind]
    subject: Mapped[str]  # an experiment, a hypothesis, or "board"
    team: Mapped[str | None]  # of the subject; None for the board, which is everybody's
    title: Mapped[str]
    answer: Mapped[str] = mapped_column(Text)  # in one sentence
    run_id: Mapped[str | None] = mapped_column(index=True)  # whose result it tells, where it is of a run
    created_at: Mapped[datetime]


class ReportForm(Base):
    """One form of a report in one language, as it was made; ``why_not`` where it could not be."""

    __tablename__ = "report_forms"

    report_sha256: Mapped[str] = mapped_column(ForeignKey("reports.sha256"), primary_key=True)
    form: Mapped[Form] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes | None] = mapped_column(LargeBinary)  # packed by zlib
    content_sha256: Mapped[str | None]  # of what was packed
    why_not: Mapped[str | None]
    created_at: Mapped[datetime]


class ReportRequest(Base):
    """A report that is to be made, by which run, and whom it is for; in the end which one it was."""

    __tablename__ = "report_requests"
    __table_args__ = (
        Index("ix_report_requests_awaits", "awaits"),
        Index("ix_report_requests_job_id", "job_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[ReportKind]
    subject: Mapped[str]
    of_run: Mapped[str | None]  # the analysis to be told; None: whatever is latest
    awaits: Mapped[str | None]  # an analysis that must end first
    language: Mapped[str | None]  # None: the deployment's
    cause: Mapped[Cause]
    schedule_id: Mapped[str | None]
    receivers: Mapped[list[Any]]  # ids of those it goes to, besides those that want its cause
    since: Mapped[datetime | None]  # of a digest: what is new is told from here on
    asked_by: Mapped[str]
    at: Mapped[datetime]
    job_id: Mapped[str | None]  # the run that makes it
    report_sha256: Mapped[str | None]
    why_not: Mapped[str | None]


class ReportSchedule(Base):
    """When a report is made without anybody asking."""

    __tablename__ = "report_schedules"

    id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int]
    kind: Mapped[ReportKind]
    subject: Mapped[str] = mapped_column(index=True)
    cron: Mapped[str]
    zone: Mapped[str]  # IANA
    language: Mapped[str | None]
    receivers: Mapped[list[Any]]
    active: Mapped[bool]
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    last_at: Mapped[datetime | None]
    ended: Mapped[str | None]  # why it does no more, where it ended by itself
    team: Mapped[str]
    owner: Mapped[str]
    created_at: Mapped[datetime]


class ReportReceiver(Base):
    """Whom reports go to. A secret that was made here is kept to sign with, and never shown again."""

    __tablename__ = "report_receivers"

    id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int]
    name: Mapped[str]
    kind: Mapped[ReceiverKind]
    address: Mapped[str | None] = mapped_column(Text)  # a URL or a mail address; a chat's is a secret
    secret: Mapped[str | None]  # of a webhook, made here
    secret_named: Mapped[dict[str, Any] | None]  # or where the worker finds it
    causes: Mapped[list[Any]]  # reports of its team are sent to it for these
    attach: Mapped[list[Any]]  # forms that a mail carries
    active: Mapped[bool]
    team: Mapped[str] = mapped_column(index=True)
    owner: Mapped[str]
    created_at: Mapped[datetime]


class ReportDelivery(Base):
    """One report's way to one receiver; its id is the message's, the same at every attempt."""

    __tablename__ = "report_deliveries"
    __table_args__ = (
        Index("ix_report_deliveries_due", "state", "next_at"),
        Index("ix_report_deliveries_receiver_id", "receiver_id", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    receiver_id: Mapped[str] = mapped_column(ForeignKey("report_receivers.id"))
    report_sha256: Mapped[str] = mapped_column(ForeignKey("reports.sha256"))
    cause: Mapped[Cause]
    language: Mapped[str]
    state: Mapped[DeliveryState]
    attempts: Mapped[int]  # since it was queued, or queued again
    next_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)  # of the last attempt
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]


class ReceiverTrial(Base):
    """A message that tells whether a receiver works, and what came of its only attempt."""

    __tablename__ = "receiver_trials"
    __table_args__ = (
        Index("ix_receiver_trials_receiver_id", "receiver_id", "id"),
        Index("ix_receiver_trials_state", "state", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    receiver_id: Mapped[str] = mapped_column(ForeignKey("report_receivers.id"))
    language: Mapped[str]
    state: Mapped[DeliveryState]
    asked_by: Mapped[str]
    created_at: Mapped[datetime]
    tried_at: Mapped[datetime | None]
    took: Mapped[float | None]  # seconds
    answer: Mapped[str | None]
    error: Mapped[str | None] = mapped_column(Text)


class DeliveryAttempt(Base):
    """One attempt, kept for ever."""

    __tablename__ = "report_attempts"
    __table_args__ = (Index("ix_report_attempts_delivery_id", "delivery_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("report_deliveries.id"))
    at: Mapped[datetime]
    took: Mapped[float]  # seconds
    answer: Mapped[str | None]  # "204", "250 queued"
    error: Mapped[str | None] = mapped_column(Text)


class ReportChange(Base):
    """Who changed a schedule or a receiver, or sent something again, and when: only ever added to."""

    __tablename__ = "report_changes"
    __table_args__ = (Index("ix_report_changes_subject", "subject", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str]
    act: Mapped[str]
    fields: Mapped[list[Any]]  # what was changed
    author: Mapped[str]
    team: Mapped[str]
    at: Mapped[datetime]
