"""Does a team know that its receiver works, before the first report is due?"""

from email import message_from_string, policy

from standardwebhooks import Webhook

from tests.reports.listeners import mail_server
from tests.reports.outbox import Sending, hook


def tried(sending, receiver: dict) -> dict:
    """Asked for, sent by a worker's duty, and looked at."""
    asked = sending.client.post(f"/v1/receivers/{receiver['id']}:test")
    assert asked.status_code == 202, asked.text
    assert asked.json()["state"] == "waiting"
    assert delivering_is_due(sending)
    assert sending.send()["tried"] == 1
    return sending.client.get(asked.headers["Location"]).json()


def delivering_is_due(sending) -> bool:
    from service.reports.delivering import deliveries_due

    return deliveries_due(sending.settings, sending.kept, None)


def test_a_webhook_gets_a_signed_test_that_is_about_no_report(sending, heard) -> None:
    receiver = sending.receiver(**hook(heard))
    found = tried(sending, receiver)
    assert (found["state"], found["answer"], found["error"]) == ("delivered", "204", None)
    ((headers, body),) = heard.messages
    told = Webhook(receiver["secret"]).verify(body, headers)
    assert (told["type"], headers["webhook-id"]) == ("receiver.test", found["id"])
    assert set(told["data"]) == {"title", "answer", "language"}
    assert not delivering_is_due(sending)
    assert sending.client.get("/v1/deliveries", params={"receiver": receiver["id"]}).json()["items"] == []
    acts = [one["act"] for one in sending.client.get(f"/v1/receivers/{receiver['id']}/changes").json()]
    assert acts == ["tested", "created"]


def test_a_failure_is_told_and_does_not_come_round(sending, heard) -> None:
    heard.answers = [503]
    receiver = sending.receiver(**hook(heard))
    found = tried(sending, receiver)
    assert (found["state"], found["error"]) == ("failed", "The receiver answered 503.")
    assert sending.client.post(f"/v1/receivers/{receiver['id']}:replay").json()["replayed"] == 0
    assert not delivering_is_due(sending)
    heard.answers = [204]
    assert tried(sending, receiver)["state"] == "delivered"
    listed = sending.client.get(f"/v1/receivers/{receiver['id']}/tests").json()
    assert [one["state"] for one in listed] == ["delivered", "failed"]


def test_one_at_a_time_and_for_its_team_alone(sending, heard, client_for) -> None:
    receiver = sending.receiver(**hook(heard), active=False)
    address = f"/v1/receivers/{receiver['id']}"
    stranger = client_for(sending.proven.company.settings, team="ops")
    assert stranger.post(f"{address}:test").status_code == 403
    assert stranger.get(f"{address}/tests").status_code == 403
    first = sending.client.post(f"{address}:test")
    again = sending.client.post(f"{address}:test")
    assert again.status_code == 409
    assert again.json()["type"].endswith("receiver-test-waits")
    sending.send()
    assert sending.client.get(first.headers["Location"]).json()["state"] == "delivered"  # though off
    other = sending.receiver(**hook(heard))
    elsewhere = f"/v1/receivers/{other['id']}/tests/{first.json()['id']}"
    assert sending.client.get(elsewhere).status_code == 404
    assert sending.client.post("/v1/receivers/rcv_0:test").status_code == 404


def test_a_mail_says_so_in_the_language_of_reports_and_carries_nothing(proven, kept, monkeypatch) -> None:
    with mail_server() as mailbox:
        mailed = {"smtp_host": "127.0.0.1", "smtp_port": mailbox.port, "smtp_security": "none"}
        sending = Sending(proven, kept, **mailed)
        swedish = sending.settings.model_copy(update={"report_language": "sv"})
        monkeypatch.setattr(sending.client.app.state, "settings", swedish)
        found = tried(sending, sending.receiver(kind="mail", address="ada@example.com"))
        assert found["state"] == "delivered"
    ((_, text),) = mailbox.messages
    read = message_from_string(text, policy=policy.default)
    assert read["Subject"] == "Leverboard: Ett testmeddelande"
    assert not read.is_multipart()
    assert "Det här är ett test" in read.get_content()
