"""Does what was found reach whom it is for, signed, and again after a failure?"""

import json
from datetime import timedelta

from sqlalchemy import update
from standardwebhooks import Webhook

from service.kit.clock import now
from service.reports import deliveries, delivering
from service.reports.kinds import Cause, ReceiverKind
from service.reports.rules import MOST_ATTEMPTS, pause_after
from service.reports.tables import ReportReceiver
from tests.reports.outbox import hook


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
    monkeypatch.setattr(delivering, "SENDERS", {ReceiverKind.WEBHOOK: broken})
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
