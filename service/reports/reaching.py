"""Would a message get through to a receiver, as far as that can be told before there is one?

Asked where a receiver is named, of the process that answers. A worker elsewhere may have other neighbours,
other names and other secrets: a doubt is told, and nothing is refused.
"""

from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Thread

from service.metrics.schemas import Warned
from service.reports.receiver_schemas import Draft, MailDraft, WebhookDraft
from service.reports.sending.guard import checked
from service.reports.sending.message import Unsent
from service.reports.sending.secrets import secret_of
from service.settings import Settings

PATIENCE = 2.0  # seconds for a name to be resolved; nobody waits longer for a doubt
WAITS = (
    "This is how the process that answers you sees it; a worker elsewhere may see it otherwise. Nothing is "
    "lost: what is sent waits in /v1/deliveries and is tried again."
)


def doubts(settings: Settings, draft: Draft, team: str) -> tuple[Warned, ...]:
    """What stands in the way, in the words that a delivery would say it in."""
    return tuple(Warned(rule=rule, message=why, how=WAITS) for rule, why in _doubts(settings, draft, team))


def _doubts(settings: Settings, draft: Draft, team: str) -> Iterator[tuple[str, str]]:
    if isinstance(draft, WebhookDraft) and (why := _unreachable(settings, draft.url)) is not None:
        yield "unreachable", why
    if isinstance(draft, MailDraft) and settings.smtp_host is None:
        yield "no_mail_server", "No mail server is set: LEVERBOARD_SMTP_HOST."
    named = None if isinstance(draft, MailDraft) else draft.secret
    if named is not None:
        try:
            secret_of(settings, named.model_dump(), team)
        except Unsent as why:
            yield "no_secret", str(why)


def _unreachable(settings: Settings, url: str) -> str | None:
    """Asked beside, since a name server that is silent keeps whoever asks it."""
    found: SimpleQueue[str | None] = SimpleQueue()

    def ask() -> None:
        try:
            checked(url, settings.webhook_hosts)
        except Unsent as why:
            found.put(str(why))
        else:
            found.put(None)

    Thread(target=ask, daemon=True).start()
    try:
        return found.get(timeout=PATIENCE)
    except Empty:
        return f"The name could not be resolved within {PATIENCE:g} seconds."
