"""Does what was found reach whom it is for, signed, again after a failure, and never somebody's neighbour?"""

import ipaddress
import json
import socket
from datetime import timedelta
from email import message_from_string, policy

import pytest
from sqlalchemy import update
from standardwebhooks import Webhook

from service.kit.clock import now
from service.reports import deliveries, duties
from service.reports.kinds import Cause, ReceiverKind, ReportKind
from service.reports.rules import MOST_ATTEMPTS, pause_after
from service.reports.sending import guard
from service.reports.sending.mail import mail
from service.reports.sending.message import Address, Message, Unsent
from service.reports.sending.secrets import new_secret, secret_of
from service.reports.sending.webhook import payload, send_webhook
from service.reports.tables import ReportDelivery, ReportReceiver
from service.settings import Settings
from tests.reports.listeners import mail_server, web_receiver

HOSTILE = "<script>alert(1)</script>\u202e evil\u2067 " + "x" * 500
MESSAGE = Message(
    id="msg_01",
    at=now(),
    cause=Cause.VERDICT,
    kind=ReportKind.LEVER,
    subject="hyp_01",
    title=HOSTILE,
    answer=f"Confirmed. {HOSTILE}",
    sha256="ab" * 32,
    run_id=None,
    language="en",
    forms={},
)


class Sending:
    """The proven company's outbox, with a worker that may reach these hosts."""

    def __init__(self, proven, kept, **settings) -> None:
        self.proven, self.kept = proven, kept
        self.settings = proven.company.settings.model_copy(update=settings)
        self.client = proven.company.client

    def receiver(self, **draft) -> dict:
        answer = self.client.post("/v1/receivers", json={"name": "Hook", **draft})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def send(self) -> dict:
        return duties.deliver(self.settings, self.kept, None, lambda *_: None).told

    def later(self) -> None:
        """As if the pauses had passed."""
        with self.kept.write() as session:
            session.execute(
                update(ReportDelivery).where(ReportDelivery.next_at.is_not(None)).values(next_at=now())
            )

    def delivery(self, receiver: dict) -> dict:
        (found,) = self.client.get("/v1/deliveries", params={"receiver": receiver["id"]}).json()["items"]
        return self.client.get(f"/v1/deliveries/{found['id']}").json()


@pytest.fixture
def heard():
    with web_receiver() as heard:
        yield heard


@pytest.fixture
def sending(proven, kept, heard):
    return Sending(
        proven, kept, webhook_hosts=(f"127.0.0.1:{heard.port}",), public_url="https://levers.example"
    )


def hook(heard) -> dict:
    return {"kind": "webhook", "url": f"http://127.0.0.1:{heard.port}/in?a=1"}


def test_a_webhook_is_signed_and_arrives_once(sending, heard) -> None:
    receiver = sending.receiver(**hook(heard))
    secret = receiver["secret"]
    assert secret.startswith("whsec_")
    report = sending.proven.report(sending.proven.hypothesis, receivers=[receiver["id"]])
    assert sending.send()["delivered"] == 1
    assert sending.send()["tried"] == 0
    ((headers, body),) = heard.messages
    assert heard.paths == ["/in?a=1"]
    told = Webhook(secret).verify(body, headers)
    assert told["type"] == "report.asked"
    assert told["data"]["sha256"] == report["sha256"]
    assert told["data"]["url"] == f"https://levers.example/v1/reports/{report['sha256']}"
    delivery = sending.delivery(receiver)
    assert (delivery["state"], delivery["id"]) == ("delivered", headers["webhook-id"])
    assert [one["answer"] for one in delivery["log"]] == ["204"]
    shown = sending.client.get(f"/v1/receivers/{receiver['id']}").json()
    assert "secret" not in shown
    assert secret not in json.dumps(sending.client.get("/v1/receivers").json())


def test_a_dead_receiver_loses_nothing_and_the_message_stays_the_same(sending, heard) -> None:
    heard.answers = [503, 500, 204]
    heard.headers = {"Retry-After": "7200"}
    receiver = sending.receiver(**hook(heard))
    sending.proven.report(sending.proven.hypothesis, receivers=[receiver["id"]])
    sending.send()
    first = sending.delivery(receiver)
    assert (first["state"], first["attempts"], first["error"]) == ("waiting", 1, "The receiver answered 503.")
    assert first["next_at"] > (now() + timedelta(minutes=110)).isoformat()
    assert sending.send()["tried"] == 0
    for _ in range(2):
        sending.later()
        sending.send()
    assert sending.delivery(receiver)["state"] == "delivered"
    assert len({headers["webhook-id"] for headers, _ in heard.messages}) == 1
    assert len({body for _, body in heard.messages}) == 1
    for headers, body in heard.messages:
        Webhook(receiver["secret"]).verify(body, headers)


def test_what_was_given_up_can_be_sent_again(sending, heard, client_for) -> None:
    heard.answers = [410, 204]
    receiver = sending.receiver(**hook(heard))
    sending.proven.report(sending.proven.hypothesis, receivers=[receiver["id"]])
    sending.send()
    failed = sending.delivery(receiver)
    assert failed["state"] == "failed"
    stranger = client_for(sending.proven.company.settings, team="ops")
    for address in (f"/v1/deliveries/{failed['id']}:replay", f"/v1/receivers/{receiver['id']}:replay"):
        assert stranger.post(address).status_code == 403
    assert sending.client.post(f"/v1/deliveries/{failed['id']}:replay").json()["state"] == "waiting"
    sending.send()
    again = sending.delivery(receiver)
    assert (again["state"], again["id"], len(again["log"])) == ("delivered", failed["id"], 2)
    heard.answers = [410, 204]
    sending.client.post(f"/v1/deliveries/{failed['id']}:replay")
    sending.send()
    assert sending.delivery(receiver)["state"] == "failed"
    assert sending.client.post(f"/v1/receivers/{receiver['id']}:replay").status_code == 200
    sending.send()
    assert sending.delivery(receiver)["state"] == "delivered"
    told = sending.client.get(f"/v1/receivers/{receiver['id']}/changes").json()
    assert [one["act"] for one in told] == ["replayed", "created"]


def test_redirects_are_not_followed(sending, heard) -> None:
    heard.answers, heard.headers = [302], {"Location": f"http://127.0.0.1:{heard.port}/elsewhere"}
    receiver = sending.receiver(**hook(heard))
    sending.proven.report(sending.proven.hypothesis, receivers=[receiver["id"]])
    sending.send()
    assert sending.delivery(receiver)["error"] == "The receiver answered 302."
    assert heard.paths == ["/in?a=1"]
    sending.client.put(
        f"/v1/receivers/{receiver['id']}",
        json={"name": "Hook", **hook(heard), "active": False},
        headers={"If-Match": '"1"'},
    )


def test_by_itself_a_host_of_our_own_is_not_reached(sending, heard) -> None:
    settings = sending.settings.model_copy(update={"webhook_hosts": ()})
    for url in (f"http://127.0.0.1:{heard.port}/", f"https://127.0.0.1:{heard.port}/", "https://localhost/"):
        address = Address(kind=ReceiverKind.WEBHOOK, address=url, secret=new_secret())
        with pytest.raises(Unsent, match="LEVERBOARD_WEBHOOK_HOSTS"):
            send_webhook(settings, address, MESSAGE)
    assert heard.messages == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "::7f00:1",
        "ff02::1",
    ],
)
def test_no_address_of_ours_is_public_whatever_its_form(address) -> None:
    assert not guard.public(ipaddress.ip_address(address))


def test_public_addresses_are() -> None:
    assert all(
        guard.public(ipaddress.ip_address(one)) for one in ("1.1.1.1", "93.184.216.34", "2606:4700::1111")
    )


def test_a_name_is_resolved_once_and_the_checked_address_is_reached(monkeypatch) -> None:
    """A name that first leads to the public and then to a neighbour (rebinding) gains nothing."""
    asked, reached = [], []

    def resolve(host, port, **_):
        asked.append(host)
        public = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (public, port))]

    def connect(address, timeout):
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(guard.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(guard.socket, "create_connection", connect)
    address = Address(kind=ReceiverKind.WEBHOOK, address="https://hooks.example/in", secret=new_secret())
    with pytest.raises(Unsent, match="did not answer"):
        send_webhook(Settings(), address, MESSAGE)
    assert (asked, reached) == (["hooks.example"], [("93.184.216.34", 443)])


def test_one_address_of_ours_among_several_is_enough_to_refuse(monkeypatch) -> None:
    def resolve(host, port, **_):
        return [(2, 1, 6, "", (one, port)) for one in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(guard.socket, "getaddrinfo", resolve)
    with pytest.raises(Unsent, match=r"10\.0\.0\.1"):
        guard.checked("https://hooks.example/", ())


def test_a_receiver_that_hangs_is_hung_up_on(sending, monkeypatch) -> None:
    from service.reports.sending import webhook

    monkeypatch.setattr(webhook, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = sending.settings.model_copy(update={"webhook_hosts": (f"127.0.0.1:{port}",)})
        url = f"http://127.0.0.1:{port}/"
        address = Address(kind=ReceiverKind.WEBHOOK, address=url, secret=new_secret())
        with pytest.raises(Unsent, match="did not answer"):
            send_webhook(settings, address, MESSAGE)


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
    from dataclasses import replace

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


def test_secrets_come_from_the_environment_or_a_mounted_file(proven, kept, heard, tmp_path) -> None:
    (tmp_path / "hook").write_text(new_secret() + "\n")
    hosts = (f"127.0.0.1:{heard.port}",)
    own = {"webhook_hosts": hosts, "receiver_secrets": tmp_path, "receiver_grants": ("growth:hook",)}
    sending = Sending(proven, kept, **own)
    receiver = sending.receiver(**hook(heard), secret={"file": "hook"})
    assert receiver["secret"] is None
    proven.report(proven.hypothesis, receivers=[receiver["id"]])
    sending.send()
    ((headers, body),) = heard.messages
    Webhook((tmp_path / "hook").read_text().strip()).verify(body, headers)
    refused = sending.client.post(
        "/v1/receivers", json={"name": "x", **hook(heard), "secret": {"environment": "AWS_SECRET_ACCESS_KEY"}}
    )
    assert refused.status_code == 422


@pytest.mark.parametrize("grants", [(), ("ops:LEVERBOARD_RECEIVER_SECRET_OPS",)])
def test_a_secret_of_another_team_signs_nothing(monkeypatch, grants) -> None:
    monkeypatch.setenv("LEVERBOARD_RECEIVER_SECRET_OPS", "whsec_b3Bz")
    named = {"environment": "LEVERBOARD_RECEIVER_SECRET_OPS"}
    with pytest.raises(Unsent, match="LEVERBOARD_RECEIVER_GRANTS=growth:"):
        secret_of(Settings(receiver_grants=grants), named, "growth")
    if grants:
        assert secret_of(Settings(receiver_grants=grants), named, "ops") == "whsec_b3Bz"


def test_a_secret_file_that_cannot_be_read_says_so(tmp_path) -> None:
    (tmp_path / "hook").write_bytes(b"\xff\xfe")
    with pytest.raises(Unsent, match="cannot be read"):
        secret_of(Settings(receiver_secrets=tmp_path, receiver_grants=("hook",)), {"file": "hook"}, "growth")


@pytest.mark.parametrize("url", ["https://[x", "https://[1.2.3.4]/", "https://a:99999/", "https://:80/"])
def test_an_address_that_nobody_can_take_apart_is_refused_at_the_door(sending, url) -> None:
    draft = {"kind": "webhook", "name": "Hook", "url": url}
    assert sending.client.post("/v1/receivers", json=draft).status_code == 422


def test_one_that_was_kept_before_breaks_no_list_and_no_outbox(sending, heard, kept, client_for) -> None:
    receiver = sending.receiver(**hook(heard))
    with kept.write() as session:
        row = update(ReportReceiver).where(ReportReceiver.id == receiver["id"])
        session.execute(row.values(address="https://[x"))
    stranger = client_for(sending.proven.company.settings, team="ops")
    assert stranger.get(f"/v1/receivers/{receiver['id']}").json()["address"] is None
    sending.proven.report(sending.proven.hypothesis, receivers=[receiver["id"]])
    sending.send()
    delivery = sending.delivery(receiver)
    assert delivery["state"] == "failed"
    assert "no URL" in delivery["error"]
    assert [one["error"] for one in delivery["log"]] == [delivery["error"]]
    hidden = stranger.get(f"/v1/deliveries/{delivery['id']}").json()
    assert (hidden["state"], hidden["error"], hidden["log"]) == ("failed", None, [])
    listed = stranger.get("/v1/deliveries", params={"receiver": receiver["id"]}).json()["items"]
    assert [one["error"] for one in listed] == [None]


def test_what_nobody_foresaw_is_an_attempt_too(sending, heard, monkeypatch) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("with a secret in it")

    receiver = sending.receiver(**hook(heard))
    sending.proven.report(sending.proven.hypothesis, receivers=[receiver["id"]])
    monkeypatch.setattr(duties, "SENDERS", {ReceiverKind.WEBHOOK: broken})
    sending.send()
    delivery = sending.delivery(receiver)
    assert (delivery["state"], delivery["attempts"]) == ("waiting", 1)
    assert delivery["error"] == "The worker failed: RuntimeError."
    monkeypatch.undo()
    sending.later()
    sending.send()


def test_a_receiver_with_many_messages_keeps_none_waiting(sending, heard, kept) -> None:
    many, one = sending.receiver(**hook(heard)), sending.receiver(**hook(heard))
    report = sending.proven.report(sending.proven.hypothesis)
    with kept.write() as session:
        for to in (many, many, many, one):
            deliveries.queue(session, report["sha256"], to["id"], Cause.ASKED, "en")
    with kept.read() as session:
        turns = [row.receiver_id for row in deliveries.due(session, 1000)]
    turns = [turn for turn in turns if turn in (many["id"], one["id"])]
    assert turns == [many["id"], one["id"], many["id"], many["id"]]
    sending.send()
    assert len(heard.messages) == 4


def test_pauses_grow_with_luck_and_end() -> None:
    plain = [pause_after(n, 0.5) for n in range(1, MOST_ATTEMPTS)]
    assert plain[:3] == [timedelta(seconds=5), timedelta(seconds=20), timedelta(seconds=80)]
    assert max(plain) == timedelta(hours=12)
    assert pause_after(1, 0.0) * 3 == pause_after(1, 1.0)
    assert timedelta(days=1) < sum(plain, timedelta()) < timedelta(days=3)


def test_other_teams_see_no_address_and_change_nothing(sending, heard, client_for) -> None:
    receiver = sending.receiver(**hook(heard))
    mine = f"/v1/receivers/{receiver['id']}"
    stranger = client_for(sending.proven.company.settings, team="ops")
    assert stranger.get(mine).json()["address"] == "127.0.0.1"
    changed = {"name": "Mine now", **hook(heard)}
    assert stranger.put(mine, json=changed, headers={"If-Match": '"1"'}).status_code == 403
    assert stranger.post(f"{mine}:rotate").status_code == 403
    own = {"subject": "board", "receivers": [receiver["id"]]}
    assert stranger.post("/v1/reports", json=own).status_code == 403
    new = sending.client.post(f"{mine}:rotate").json()["secret"]
    assert new not in (None, receiver["secret"])
    assert sending.client.put(mine, json=changed, headers={"If-Match": '"1"'}).status_code == 412
    assert sending.client.put(mine, json=changed).status_code == 428
