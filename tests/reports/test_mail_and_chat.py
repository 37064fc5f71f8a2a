"""What do a mail and a chat say, and what can a name do to them?"""

import json
from dataclasses import replace
from email import message_from_string, policy

from service.reports.sending.mail import mail
from service.reports.sending.webhook import payload
from service.settings import Settings
from tests.reports.listeners import mail_server
from tests.reports.outbox import MESSAGE, Sending


def test_hostile_names_are_inert_in_a_webhook_and_in_a_mail() -> None:
    body = payload(Settings(), MESSAGE)
    assert "\u202e" not in body
    assert "\u2067" not in body
    assert json.loads(body)["data"]["title"].startswith("<script>alert(1)</script> evil ")
    written = mail(Settings(), "ada@example.com", MESSAGE)
    text = written.as_string()
    read = message_from_string(text, policy=policy.default)
    assert read["Subject"].startswith("Leverboard: <script>")
    assert len(read["Subject"]) <= 150
    assert "\u202e" not in str(read["Subject"]) + read.get_content()
    assert read.get_content_type() == "text/plain"


def test_a_name_with_a_line_break_breaks_out_of_no_header() -> None:
    written = mail(Settings(), "ada@example.com", replace(MESSAGE, title="x\r\nBcc: eve@example.com"))
    read = message_from_string(written.as_string(), policy=policy.default)
    assert read["Bcc"] is None
    assert "Bcc: eve@example.com" in read["Subject"]


def test_a_mail_carries_the_forms_and_a_link(proven, kept) -> None:
    with mail_server() as heard:
        mailed = {"smtp_host": "127.0.0.1", "smtp_port": heard.port, "smtp_security": "none"}
        sending = Sending(proven, kept, **mailed, public_url="https://levers.example/")
        receiver = sending.receiver(kind="mail", address="ada@example.com", attach=["pdf", "html"])
        report = proven.report(proven.experiment, receivers=[receiver["id"]])
        heard.answers = [451, 250]
        sending.send()
        assert sending.delivery(receiver)["state"] == "waiting"
        sending.later()
        sending.send()
        assert sending.delivery(receiver)["state"] == "delivered"
    ((_, text),) = heard.messages
    read = message_from_string(text, policy=policy.default)
    assert read["To"] == "ada@example.com"
    assert read["Message-ID"] == f"<{sending.delivery(receiver)['id']}@localhost>"
    body = read.get_body(("plain",)).get_content()
    assert f"https://levers.example/reports/{report['sha256']}/report.html" in body
    kinds = {part.get_content_type(): part.get_filename() for part in read.iter_attachments()}
    assert set(kinds) == {"application/pdf", "text/html"}
    attached = {part.get_content_type(): part.get_payload(decode=True) for part in read.iter_attachments()}
    assert attached["application/pdf"] == proven.form(report, "pdf").content


def test_a_chat_gets_a_notice_by_its_secret_url(proven, kept, heard, monkeypatch) -> None:
    monkeypatch.setenv("LEVERBOARD_RECEIVER_SECRET_CHAT", f"json://127.0.0.1:{heard.port}/chat")
    heard.answers = [200]
    grants = ("growth:LEVERBOARD_RECEIVER_SECRET_CHAT",)
    sending = Sending(proven, kept, public_url="https://levers.example", receiver_grants=grants)
    secret = {"environment": "LEVERBOARD_RECEIVER_SECRET_CHAT"}
    receiver = sending.receiver(kind="chat", secret=secret)
    report = proven.report(proven.hypothesis, receivers=[receiver["id"]])
    sending.send()
    assert sending.delivery(receiver)["state"] == "delivered"
    ((_, body),) = heard.messages
    assert f"https://levers.example/reports/{report['sha256']}/report.html" in body
    monkeypatch.delenv("LEVERBOARD_RECEIVER_SECRET_CHAT")
    sending.client.post(f"/v1/receivers/{receiver['id']}:replay")
