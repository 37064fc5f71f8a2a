"""What is sent? The same message at every attempt: its id, what the report says in short, and its forms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.reports.kinds import Cause, Form, ReceiverKind, ReportKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One report for one receiver; ``forms`` holds what is attached, by form."""

    id: str
    at: datetime  # when it was queued: the same at every attempt
    cause: Cause
    kind: ReportKind
    subject: str
    title: str
    answer: str
    sha256: str
    run_id: str | None
    language: str
    forms: Mapping[Form, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to, with which secret; ``secret`` is None where the kind needs none."""

    kind: ReceiverKind
    address: str | None
    secret: str | None


class Unsent(Exception):
    """It did not arrive, and why; ``final`` where another attempt could not end otherwise."""

    def __init__(self, why: str, *, final: bool = False, after: timedelta | None = None) -> None:
        super().__init__(why)
        self.final = final
        self.after = after  # when the receiver says to come again
