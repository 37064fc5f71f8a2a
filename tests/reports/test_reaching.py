"""Is somebody who names a receiver told at once what stands in the way of messages to it?"""

from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from typer.testing import CliRunner

from service.cli import application
from service.kit.clock import now
from service.kit.database import Database
from service.reports import reaching
from service.reports.kinds import Cause, DeliveryState, ReportKind
from service.reports.tables import ReportDelivery, ReportRow

HASH = "9" * 64


def rules(answer) -> list[str]:
    assert answer.status_code in (200, 201), answer.text
    return [one["rule"] for one in answer.json()["warnings"]]


@pytest.mark.parametrize(
    ("draft", "told"),
    [
        ({"kind": "webhook", "url": "https://127.0.0.1:9/in"}, ["unreachable"]),
        ({"kind": "webhook", "url": "http://1.1.1.1/in"}, ["unreachable"]),
        ({"kind": "webhook", "url": "https://1.1.1.1/in"}, []),
        ({"kind": "mail", "address": "ada@example.com"}, ["no_mail_server"]),
        ({"kind": "chat", "secret": {"environment": "LEVERBOARD_RECEIVER_SECRET_CHAT"}}, ["no_secret"]),
    ],
)
def test_what_stands_in_the_way_is_told_where_a_receiver_is_named(client, draft, told):
    document = {"name": "CRM", "causes": ["verdict"], **draft}
    made = client.post("/v1/receivers", json=document)
    assert rules(made) == told
    address, match = made.headers["location"], {"If-Match": made.headers["etag"]}
    assert rules(client.put(address, json=document, headers=match)) == told
    assert "warnings" not in client.get(address).json()


def test_the_words_are_those_of_a_delivery(client):
    document = {"kind": "webhook", "name": "CRM", "causes": [], "url": "https://127.0.0.1:9/in"}
    (warning,) = client.post("/v1/receivers", json=document).json()["warnings"]
    assert "LEVERBOARD_WEBHOOK_HOSTS=127.0.0.1:9" in warning["message"]
    assert "/v1/deliveries" in warning["how"]


def test_a_silent_name_server_is_waited_for_no_longer_than_that(client, monkeypatch):
    monkeypatch.setattr(reaching, "PATIENCE", 0.01)
    monkeypatch.setattr(reaching, "checked", lambda *_: Event().wait(5))
    document = {"kind": "webhook", "name": "CRM", "causes": [], "url": "https://127.0.0.1/in"}
    (warning,) = client.post("/v1/receivers", json=document).json()["warnings"]
    assert "could not be resolved within 0.01 seconds" in warning["message"]


def test_replaying_sends_now_what_was_given_up_and_what_waits(client, database: Database):
    document = {"kind": "mail", "name": "Ada", "causes": [], "address": "ada@example.com"}
    receiver = client.post("/v1/receivers", json=document).json()["id"]
    tomorrow, began = now() + timedelta(days=1), now()
    with database.write() as session:
        session.add(
            ReportRow(
                id="rep_1",
                sha256=HASH,
                kind=ReportKind.BOARD,
                subject="board",
                team=None,
                title="Levers",
                answer="None.",
                run_id=None,
                created_at=now(),
            )
        )
        session.flush()
        session.add_all(
            ReportDelivery(
                id=f"msg_{state.value}",
                receiver_id=receiver,
                report_sha256=HASH,
                cause=Cause.ASKED,
                language="en",
                state=state,
                attempts=3,
                next_at=tomorrow if state is DeliveryState.WAITING else None,
                created_at=now(),
            )
            for state in DeliveryState
        )
    answer = client.post(f"/v1/receivers/{receiver}:replay").json()
    assert answer["replayed"] == 2
    found = {one["id"]: one for one in client.get("/v1/deliveries").json()["items"]}
    assert found["msg_delivered"]["state"] == "delivered"
    for state in ("waiting", "failed"):
        one = found[f"msg_{state}"]
        assert (one["state"], one["attempts"]) == ("waiting", 0)
        assert began <= datetime.fromisoformat(one["next_at"]).astimezone(UTC) <= now()


def test_a_report_of_a_wrong_folder_makes_no_store(tmp_path):
    runner = CliRunner(env={"LEVERBOARD_DATA_DIR": str(tmp_path / "nothing")})
    told = runner.invoke(application(["report"]), ["report", "board"])
    assert told.exit_code != 0
    assert "There is no store in" in told.output + str(told.exception)
    assert not (tmp_path / "nothing").exists()
