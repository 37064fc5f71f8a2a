"""What do reports, schedules, receivers and deliveries look like on the wire?"""

import re
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from service.kit.languages import LANGUAGES
from service.kit.text import Id, Name, Wire
from service.metrics.schemas import Warned
from service.reports.assembling_levers import BOARD
from service.reports.kinds import Cause, DeliveryState, Form, ReceiverKind, ReportKind
from service.reports.rules import SHORTEST_EVERY, next_time
from service.settings import RECEIVER_PREFIX

_FIVE = re.compile(r"\S+( \S+){4}")


def _a_cron(text: str) -> str:
    """Five fields, not more often than a report is worth making."""
    if not _FIVE.fullmatch(text):
        raise ValueError("expected five fields, such as 0 8 * * 1 for Mondays at 8")
    try:
        reader = croniter(text, datetime(2026, 1, 1))  # noqa: DTZ001 - wall time
        times = [reader.get_next(datetime) for _ in range(60)]
    except (CroniterError, ValueError) as error:
        raise ValueError(f"expected a cron expression of five fields: {error}") from error
    if min(later - sooner for sooner, later in pairwise(times)) < SHORTEST_EVERY:
        raise ValueError(f"expected at least {SHORTEST_EVERY} between two times")
    return text


def _a_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("expected an IANA time zone, such as Europe/Stockholm") from error
    return text


def _a_language(text: str) -> str:
    if text not in LANGUAGES:
        raise ValueError(f"expected one of {', '.join(LANGUAGES)}")
    return text


def _a_url(text: str) -> str:
    """What whoever shows and sends it can take apart: a host, and a port that could be."""
    try:
        parts = urlsplit(text)
        there = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise ValueError(f"expected a URL: {error}") from error
    if not there:
        raise ValueError("expected a URL with a host, and a port above 0 if any")
    return text


type Cron = Annotated[str, StringConstraints(max_length=100), AfterValidator(_a_cron)]
type Zone = Annotated[str, StringConstraints(max_length=100), AfterValidator(_a_zone)]
type Language = Annotated[str, StringConstraints(max_length=20), AfterValidator(_a_language)]
type Subject = Annotated[str, StringConstraints(pattern=r"^((exp|hyp)_[0-9a-z]+|board)$", max_length=64)]


def kind_of(subject: str) -> ReportKind:
    """By the form of its id."""
    if subject == BOARD:
        return ReportKind.BOARD
    return ReportKind.EXPERIMENT if subject.startswith("exp_") else ReportKind.LEVER


class ReportDraft(Wire):
    """A report to be made now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"subject": "exp_01kq3v5w8x9y2z4a6b8c0d1e2f"}, {"subject": "board"}]}
    )

    subject: Subject = Field(description="An experiment, a hypothesis, or board.")
    run: Id | None = Field(
        default=None, description="Of an experiment: the run to be told; the latest if none."
    )
    language: Language | None = Field(default=None, description="The deployment's, if none is named.")
    receivers: tuple[Id, ...] = Field(default=(), max_length=50, description="Whom it is delivered to.")


class FormView(Wire):
    """One form in one language."""

    form: Form
    language: str
    url: str
    why_not: str | None = Field(description="Why it could not be made; null if it was.")


REPORT: JsonDict = {
    "sha256": "9f2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef0123456789abcdef01",
    "kind": "experiment",
    "subject": "exp_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "team": "growth",
    "title": "Quotes in half the time",
    "answer": "Confirmed. “Conversion” changes by +0.021 per 1 minute less.",
    "run_id": "run_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "created_at": "2026-11-20T09:00:09Z",
    "forms": [
        {
            "form": "html",
            "language": "en",
            "url": "/v1/reports/9f2c…/report.html?language=en",
            "why_not": "The worker has no WeasyPrint: install leverboard[pdf].",
        }
    ],
}


class ReportView(Wire):
    """A report as it was made: it never changes, and is addressed by the SHA-256 of its JSON bundle."""

    model_config = ConfigDict(json_schema_extra={"examples": [REPORT]})

    sha256: str
    kind: ReportKind
    subject: str
    team: str | None
    title: str
    answer: str
    run_id: str | None = Field(description="The run that it tells, where it is of one.")
    created_at: datetime
    forms: tuple[FormView, ...]


SCHEDULE: JsonDict = {
    "subject": "board",
    "cron": "0 8 * * 1",
    "zone": "Europe/Stockholm",
    "language": "en",
    "receivers": ["rcv_01kq3v5w8x9y2z4a6b8c0d1e2f"],
    "active": True,
}


class ScheduleDraft(Wire):
    """When a report is made without anybody asking; a running experiment is analysed anew first."""

    model_config = ConfigDict(json_schema_extra={"examples": [SCHEDULE]})

    subject: Subject
    cron: Cron = Field(description="Minute, hour, day, month, weekday: wall time of the zone.")
    zone: Zone = "UTC"
    language: Language | None = None
    receivers: tuple[Id, ...] = Field(default=(), max_length=50)
    active: bool = True

    @model_validator(mode="after")
    def _comes_round(self) -> Self:
        next_time(self.cron, self.zone, datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
        return self


class ChangeView(Wire):
    """Who did what, and when."""

    act: str
    fields: tuple[str, ...]
    author: str
    team: str
    at: datetime


class ScheduleView(ScheduleDraft):
    """A schedule, when it is due, and who changed it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                SCHEDULE
                | {
                    "id": "sch_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "next_at": "2026-11-23T07:00:00Z",
                    "last_at": "2026-11-16T07:00:00Z",
                    "ended": "The experiment has reported its end.",
                    "team": "growth",
                    "owner": "ada@example.com",
                    "created_at": "2026-11-01T09:00:00Z",
                }
            ]
        }
    )

    id: str
    next_at: datetime | None
    last_at: datetime | None
    ended: str | None = Field(description="Why it does no more, where it ended by itself.")
    team: str
    owner: str
    created_at: datetime


class FromEnvironment(Wire):
    """A secret in an environment variable of the worker; LEVERBOARD_RECEIVER_GRANTS says whose it is."""

    environment: Annotated[
        str, StringConstraints(max_length=128, pattern=rf"^{RECEIVER_PREFIX}[A-Z0-9_]+$")
    ] = Field(examples=[f"{RECEIVER_PREFIX}CRM"])


class FromFile(Wire):
    """A secret in a file of the folder LEVERBOARD_RECEIVER_SECRETS; LEVERBOARD_RECEIVER_GRANTS says whose."""

    file: Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9_.-]+$")] = Field(
        examples=["crm-webhook"]
    )


type SecretName = FromEnvironment | FromFile
type Url = Annotated[
    str,
    StringConstraints(max_length=2000, pattern=r"^https?://[^\s/@?#]+([/?][^\s#]*)?$"),
    AfterValidator(_a_url),
]
type MailAddress = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$")
]


class _Receiver(Wire):
    name: Name
    causes: tuple[Cause, ...] = Field(
        default=(), max_length=4, description="Reports of the receiver's team are sent to it for these."
    )
    active: bool = True


class WebhookDraft(_Receiver):
    """An address that takes Standard Webhooks: a POST of JSON, signed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "webhook", "name": "CRM", "url": "https://hooks.example.com/x"}]
        }
    )

    kind: Literal[ReceiverKind.WEBHOOK]
    url: Url = Field(description="https and public, unless LEVERBOARD_WEBHOOK_HOSTS names the host.")
    secret: SecretName | None = Field(
        default=None, description="Where the worker finds it; if not named, one is made and shown once."
    )


class MailDraft(_Receiver):
    """A mail address."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "mail", "name": "Leaders", "address": "leaders@example.com"}]
        }
    )

    kind: Literal[ReceiverKind.MAIL]
    address: MailAddress
    attach: tuple[Literal[Form.HTML, Form.PDF], ...] = Field(default=(Form.PDF,), max_length=2)


class ChatDraft(_Receiver):
    """A chat by an Apprise URL, which holds its own password: so the URL itself is a secret."""

    kind: Literal[ReceiverKind.CHAT]
    secret: SecretName


type ReceiverDraft = Annotated[WebhookDraft | MailDraft | ChatDraft, Field(discriminator="kind")]

RECEIVER: JsonDict = {
    "id": "rcv_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "kind": "webhook",
    "name": "CRM",
    "causes": ["verdict", "planned_end"],
    "active": True,
    "address": "https://crm.example.com/hooks/levers",
    "secret_named": {"environment": f"{RECEIVER_PREFIX}CRM"},
    "attach": [],
    "team": "growth",
    "owner": "ada@example.com",
    "created_at": "2026-11-01T09:00:00Z",
}


class ReceiverView(Wire):
    """Whom reports go to. Of another team's address only the host is shown."""

    model_config = ConfigDict(json_schema_extra={"examples": [RECEIVER]})

    id: str
    kind: ReceiverKind
    name: str
    causes: tuple[Cause, ...]
    active: bool
    address: str | None
    secret_named: SecretName | None
    attach: tuple[Form, ...]
    team: str
    owner: str
    created_at: datetime


class CheckedReceiver(ReceiverView):
    """With what stands in the way of messages, as far as that can be told before there are any."""

    model_config = ConfigDict(json_schema_extra={"examples": [RECEIVER | {"warnings": []}]})

    warnings: tuple[Warned, ...]


class NewReceiver(CheckedReceiver):
    """With the secret that was made for it, which is never shown again."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [RECEIVER | {"secret": "whsec_…", "warnings": []}]}
    )

    secret: str | None = Field(description="Of a webhook whose secret was not named: keep it now.")


class ReplayedReceiver(ReceiverView):
    """With how many messages go to it now."""

    model_config = ConfigDict(json_schema_extra={"examples": [RECEIVER | {"replayed": 3}]})

    replayed: int = Field(description="Given up or waiting until now; each is tried at once.")


class TrialView(Wire):
    """A test message and what came of it: delivered with what was answered, or failed and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "tst_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "receiver_id": "rcv_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "state": "failed",
                    "asked_by": "ada@example.com",
                    "created_at": "2026-11-20T09:00:09Z",
                    "tried_at": "2026-11-20T09:00:10Z",
                    "took": 0.2,
                    "answer": "204",
                    "error": "The receiver answered 503.",
                }
            ]
        }
    )

    id: str
    receiver_id: str
    state: DeliveryState
    asked_by: str
    created_at: datetime
    tried_at: datetime | None
    took: float | None = Field(description="Seconds.")
    answer: str | None
    error: str | None


class AttemptView(Wire):
    """One attempt to deliver."""

    at: datetime
    took: float = Field(description="Seconds.")
    answer: str | None
    error: str | None


DELIVERY: JsonDict = {
    "id": "msg_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "receiver_id": "rcv_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "report_sha256": "9f2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef0123456789abcdef01",
    "cause": "verdict",
    "state": "waiting",
    "attempts": 1,
    "next_at": "2026-11-20T09:00:20Z",
    "error": "The receiver answered 503.",
    "created_at": "2026-11-20T09:00:09Z",
    "delivered_at": "2026-11-20T09:00:21Z",
}


class DeliveryView(Wire):
    """One report's way to one receiver; its id is that of the message, at every attempt."""

    model_config = ConfigDict(json_schema_extra={"examples": [DELIVERY]})

    id: str
    receiver_id: str
    report_sha256: str
    cause: Cause
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    error: str | None = Field(description="Told to the receiver's team alone.")
    created_at: datetime
    delivered_at: datetime | None


class DeliveryDetail(DeliveryView):
    """With every attempt, the newest first, for the receiver's team alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                DELIVERY
                | {
                    "log": [
                        {
                            "at": "2026-11-20T09:00:10Z",
                            "took": 0.2,
                            "answer": "503",
                            "error": "The receiver answered 503.",
                        }
                    ]
                }
            ]
        }
    )

    log: tuple[AttemptView, ...]
