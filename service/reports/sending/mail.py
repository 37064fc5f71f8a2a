"""How does a report go by mail? A short text with a link, and the forms that the receiver wants attached."""

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from service.kit.words import Words
from service.reports.rules import file_name
from service.reports.sending.message import Address, Message, Sent, Unsent
from service.reports.words import inert
from service.settings import Settings

PATIENCE = 20.0
LONGEST_SUBJECT = 150
_REFUSED_FOR_GOOD = 500


def send_mail(settings: Settings, address: Address, message: Message) -> str:
    """What the server said; Unsent where it took no mail."""
    if settings.smtp_host is None:
        raise Unsent("No mail server is set: LEVERBOARD_SMTP_HOST.")
    written = mail(settings, address.address or "", message)
    try:
        with _server(settings, settings.smtp_host) as server:
            if settings.smtp_user is not None and settings.smtp_password is not None:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            server.send_message(written)
    except smtplib.SMTPAuthenticationError as error:  # its own words may repeat what was sent
        raise Unsent(f"The mail server refused to let us in ({error.smtp_code}).") from error
    except smtplib.SMTPRecipientsRefused as error:
        code = max(status for status, _ in error.recipients.values())
        raise Unsent(
            f"The mail server refused the address ({code}).", final=code >= _REFUSED_FOR_GOOD
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unsent(f"The mail server did not take it: {type(error).__name__}: {error}") from error
    return "250"


def _server(settings: Settings, host: str) -> smtplib.SMTP:
    if settings.smtp_security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, settings.smtp_port, timeout=PATIENCE, context=context)
    server = smtplib.SMTP(host, settings.smtp_port, timeout=PATIENCE)
    if settings.smtp_security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


def mail(settings: Settings, to: str, message: Message) -> EmailMessage:
    """The same at every attempt; its id is the message's, so that a second copy can be told."""
    words = Words.of(message.language)
    written = EmailMessage(policy=SMTP)
    written["From"], written["To"] = settings.mail_from, to
    written["Subject"] = _one_line(f"Leverboard: {message.title}")
    written["Date"] = format_datetime(message.at)
    domain = settings.mail_from.rpartition("@")[2] or "localhost"
    written["Message-ID"] = f"<{message.id}@{domain}>"
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(_text(settings, message, words))
    if message.report is not None:
        _attach(written, message.report)
    return written


def _attach(written: EmailMessage, report: Sent) -> None:
    for form, content in report.forms.items():
        main, _, sub = form.media_type.partition(";")[0].partition("/")
        name = file_name(report.kind, report.subject, report.sha256, form)
        written.add_attachment(content, maintype=main, subtype=sub, filename=name)


def _one_line(text: str) -> str:
    """No name breaks out of its header, and none turns it about."""
    plain = " ".join("".join(one if one.isprintable() else " " for one in inert(text)).split())
    return plain if len(plain) <= LONGEST_SUBJECT else f"{plain[: LONGEST_SUBJECT - 1]}…"


def _text(settings: Settings, message: Message, words: Words) -> str:
    _ = words.gettext
    lines = [message.title, "", message.answer, ""]
    if (where := message.page(settings)) is not None:
        lines += [_("The whole report: {where}").format(where=where), ""]
    lines.append(_("You get this mail because a team has named your address as a receiver of its reports."))
    if message.report is not None:
        lines.append(f"SHA-256 {message.report.sha256}")
    return inert("\n".join(lines))
