"""What is sent? The same message at every attempt: its id, what the report says in short, and its forms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.reports.kinds import Cause, Form, ReceiverKind, ReportKind
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The report that a message is about; ``forms`` holds what is attached, by form."""

    cause: Cause
    kind: ReportKind
    subject: str
    sha256: str
    run_id: str | None
    forms: Mapping[Form, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one receiver is told; a test is about no report."""

    id: str
    at: datetime  # when it was queued: the same at every attempt
    title: str
    answer: str
    language: str
    report: Sent | None

    def page(self, settings: Settings) -> str | None:
        """Where people read the report; None where nobody said at which address the service is reached."""
        if settings.public_url is None or self.report is None:
            return None
        return f"{settings.public_url.rstrip('/')}/reports/{self.report.sha256}/report.{Form.HTML.value}"


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
