"""How does a webhook get its message? One POST after Standard Webhooks, signed, to a checked address."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException
from threading import Timer

from standardwebhooks import Webhook

from service.kit.canonical import canonical_json
from service.kit.clock import now
from service.reports.kinds import Form
from service.reports.sending.guard import checked, connection
from service.reports.sending.message import Address, Message, Sent, Unsent
from service.reports.words import inert
from service.settings import Settings

PATIENCE = 10.0  # seconds for one step; all of them together have twice that
LONGEST_WAIT = timedelta(hours=24)
GONE = 410


def send_webhook(settings: Settings, address: Address, message: Message) -> str:
    """The status that was answered; Unsent where it was none of success."""
    body = payload(settings, message)
    parts, target = checked(address.address or "", settings.webhook_hosts)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    speaking = connection(parts, target, PATIENCE)
    overdue = Timer(2 * PATIENCE, _hang_up, [speaking])  # a receiver that trickles holds up nobody
    overdue.start()
    try:
        speaking.request(
            "POST", path, body=body.encode(), headers=headers(address.secret or "", message, body)
        )
        answer = speaking.getresponse()
        status, again = answer.status, answer.headers.get("Retry-After")
    except (OSError, HTTPException, ValueError) as error:
        raise Unsent(f"{parts.hostname} did not answer: {type(error).__name__}: {error}") from error
    finally:
        overdue.cancel()
        speaking.close()
    if 200 <= status < 300:
        return str(status)
    raise Unsent(f"The receiver answered {status}.", final=status == GONE, after=_wait(again))


def payload(settings: Settings, message: Message) -> str:
    """What the report says in short, and where it is; the whole bundle is one request away."""
    report = message.report
    told = {"title": inert(message.title), "answer": inert(message.answer), "language": message.language}
    return canonical_json(
        {
            "type": "receiver.test" if report is None else f"report.{report.cause.value}",
            "timestamp": message.at.isoformat(),
            "data": told if report is None else told | _of_report(settings, report),
        }
    )


def _of_report(settings: Settings, report: Sent) -> dict[str, object]:
    where = f"{(settings.public_url or '').rstrip('/')}/v1/reports/{report.sha256}"
    return {
        "sha256": report.sha256,
        "kind": report.kind.value,
        "subject": report.subject,
        "run_id": report.run_id,
        "url": where,
        "forms": {form.value: f"{where}/report.{form.value}" for form in Form},
    }


def headers(secret: str, message: Message, body: str) -> Mapping[str, str]:
    """The same id at every attempt, a signature of id, time of this attempt and body."""
    at = now()
    try:
        signature = Webhook(secret).sign(message.id, at, body)
    except (ValueError, RuntimeError) as error:
        raise Unsent("The secret is none of Standard Webhooks: whsec_ and base64.", final=True) from error
    return {
        "Content-Type": "application/json",
        "User-Agent": "Leverboard",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def _hang_up(speaking: HTTPConnection) -> None:
    with suppress(OSError):
        if speaking.sock is not None:
            speaking.sock.shutdown(2)


def _wait(again: str | None) -> timedelta | None:
    """Retry-After, in seconds or as a date, within a day."""
    if again is None:
        return None
    if again.isdigit():
        return min(timedelta(seconds=int(again[:9])), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(again)
    except ValueError:
        return None
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(min(aware - datetime.now(UTC), LONGEST_WAIT), timedelta(0))
