"""How does a notice go to a chat? Through Apprise, which knows some hundred of them; of the extra chat."""

from service.reports.sending.message import Address, Message, Unsent
from service.reports.words import inert
from service.settings import Settings


def send_chat(settings: Settings, address: Address, message: Message) -> str:
    """A title, the answer and a link; Unsent where the chat took none."""
    try:
        import apprise  # noqa: PLC0415 - of the extra chat; a worker's to load
    except ImportError as error:
        raise Unsent("The worker has no Apprise: install leverboard[chat].") from error
    chat = apprise.Apprise()
    if not chat.add(address.secret or ""):
        raise Unsent("The secret is no URL that Apprise knows.", final=True)
    body = "\n".join(part for part in (message.answer, message.page(settings)) if part)
    if not chat.notify(title=inert(message.title), body=inert(body), body_format=apprise.NotifyFormat.TEXT):
        raise Unsent("The chat did not take the notice.")
    return "sent"
