"""What do receivers, deliveries and trials look like on the wire?"""

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from service.kit.text import Name, Wire
from service.metrics.schemas import Warned
from service.reports.kinds import Cause, DeliveryState, Form, ReceiverKind
from service.settings import RECEIVER_PREFIX


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


Draft = WebhookDraft | MailDraft | ChatDraft  # no `type`: the API's document would name it
type ReceiverDraft = Annotated[Draft, Field(discriminator="kind")]

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
