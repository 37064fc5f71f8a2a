"""Is a customer told what they got, by those who may know, and is nothing left once they are erased?"""

from datetime import timedelta

import pytest

from service.access.rules import Role
from service.customers.duties import answer_waiting
from service.customers.service import KEPT
from service.customers.tables import UnitQuestion
from service.experiments.service import unit_types
from service.kit.clock import now
from tests.experiments.drafts import ground, plan, started
from tests.hypotheses.drafts import created
from tests.metrics.drafts import cpi, kpi

UNIT = "a/b ?ä"
QUOTED = "/v1/units/a%2Fb%20%3F%C3%A4"


@pytest.fixture
def customer(client) -> dict[str, str]:
    """Two quotes this week, of 0.2 and 0.6 minutes, one before that; a call; a consumer with a phone."""
    quick = cpi(
        name="Quick quote",
        expectations=[{"segment": "consumers", "level": 0.5}, {"segment": "dealers", "level": 0.1}],
    )
    calls = cpi(
        name="No second call",
        value_kind="convenience",
        increment={"amount": 1, "unit": "call", "better": "lower"},
        expectations=[{"segment": "anybody", "level": 0}],
        definition={"aggregation": "count", "event": {"event": "called"}, "window": "P30D"},
    )
    spared = cpi(name="Sparing", definition=quick["definition"] | {"event": {"event": "never"}})
    found = {one["name"]: created(client, "/v1/metrics", one)["id"] for one in (quick, calls, spared)}
    created(client, "/v1/metrics", kpi())
    moment = now()
    rows = [
        ("o1", UNIT, "quote_shown", timedelta(days=1), 0.2),
        ("o2", "phone:7", "quote_shown", timedelta(days=2), 0.6),
        ("o3", UNIT, "quote_shown", timedelta(days=8), 9.0),
        ("o4", UNIT, "called", timedelta(days=3), 1.0),
        ("o5", "somebody else", "called", timedelta(days=3), 1.0),
    ]
    outcomes = [
        {"id": i, "unit": u, "event": e, "time": (moment - ago).isoformat(), "value": v,
         "properties": {"minutes": v}} for i, u, e, ago, v in rows
    ]  # fmt: skip
    send(client, "outcomes", outcomes)
    at = (moment - timedelta(days=20)).isoformat()
    send(client, "attributes", [{"unit": UNIT, "name": "kind", "value": "Consumers", "time": at}])
    send(client, "identities", [{"namespace": "phone", "id": "7", "unit": UNIT, "time": at}])
    return found


def send(client, kind: str, rows: list) -> None:
    answer = client.post(f"/v1/{kind}", json=rows)
    assert answer.status_code == 201, answer.text
    assert answer.json()["rejected"] == 0, answer.text


def told(client, settings, database, what: str = "value-delivered"):
    asked = client.get(f"{QUOTED}/{what}")
    assert asked.status_code == 202, asked.text
    assert asked.headers["retry-after"]
    assert answer_waiting(settings, database)["answered"] == 1
    return client.get(f"{QUOTED}/{what}")


def test_a_customer_is_told_what_they_got_against_what_they_expect(
    client, customer, settings, database
) -> None:
    answer = told(client, settings, database)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["unit"], said["kept"], said["measured"]) == (UNIT, 1, 2)
    by_name = {one["name"]: one for one in said["delivered"]}
    quick = by_name["Quick quote"]
    assert quick["value"] == pytest.approx(0.4)  # 0.2 and, under the linked id, 0.6; 9.0 is too long ago
    assert quick["expectations"] == [{"segment": "consumers", "level": 0.5, "met": True}]  # a consumer's own
    assert (
        quick["sentence"] == "Quick quote: 0.4 minute in the last 7 days; consumers expect 0.5 at most: kept."
    )
    assert by_name["No second call"]["expectations"][0]["met"] is False
    assert by_name["Sparing"]["value"] is None
    assert by_name["Sparing"]["sentence"] == "Sparing: nothing was measured in the last 7 days."


def test_only_what_is_measured_of_its_kind_is_told_of_a_unit(client, customer, settings, database) -> None:
    """A session's CPI would say of every customer that they had none of it."""
    visit = cpi(
        name="Visits without an error",
        unit_type="session",
        increment={"amount": 1, "unit": "error", "better": "lower"},
        definition={"aggregation": "count", "event": {"event": "error"}, "window": "P7D"},
    )
    created(client, "/v1/metrics", visit)
    assert "Visits without an error" in {
        one["name"] for one in told(client, settings, database).json()["delivered"]
    }
    narrowed = client.get(f"{QUOTED}/value-delivered", params={"unit_type": "customer"}).json()
    assert {one["unit_type"] for one in narrowed["delivered"]} == {"customer"}
    assert (narrowed["kept"], narrowed["measured"]) == (1, 2)


def test_the_experiments_of_a_unit_tell_its_kind(client, settings, database) -> None:
    on = ground(client)
    experiment = started(client, plan(on))
    session_cpi = cpi(name="Quick page", unit_type="session")
    created(client, "/v1/metrics", session_cpi)
    at = now().isoformat()
    send(client, "assignments", [{"unit": UNIT, "experiment": experiment, "arm": "control", "time": at}])
    with database.read() as session:
        assert unit_types(session, [experiment, "exp_unknown"]) == {"customer"}
        assert unit_types(session, []) == frozenset()
    delivered = told(client, settings, database).json()["delivered"]
    assert {one["unit_type"] for one in delivered} == {"customer"}


@pytest.mark.usefixtures("customer")
def test_the_journey_is_for_approvers_and_who_looked_is_kept(
    client, approver_client, viewer_client, settings, database
) -> None:
    assert viewer_client.get(f"{QUOTED}/value-delivered").status_code == 403
    assert client.get(f"{QUOTED}/journey").status_code == 403
    moments = told(approver_client, settings, database, "journey").json()["moments"]
    assert [(one["kind"], one["what"]) for one in moments] == [
        ("attributes", "kind"),
        ("outcomes", "quote_shown"),
        ("outcomes", "called"),
        ("outcomes", "quote_shown"),
        ("outcomes", "quote_shown"),
    ]
    assert client.get(f"{QUOTED}/value-delivered").status_code == 200  # the same answer
    assert client.get("/v1/unit-readings").status_code == 403
    kept = approver_client.get("/v1/unit-readings", params={"unit": UNIT}).json()["items"]
    assert [(one["what"], one["by"]) for one in kept] == [
        ("value_delivered", "ada@example.com"),
        ("journey", "cy@example.com"),
    ]
    assert UNIT not in str(kept)


def test_of_an_erased_customer_nothing_is_told_or_kept(
    client, client_for, customer, settings, database
) -> None:
    assert told(client, settings, database).status_code == 200
    admin = client_for(settings, owner="root@example.com", role=Role.admin)
    assert admin.delete(QUOTED).status_code in (200, 202)
    assert client.get(f"{QUOTED}/value-delivered").status_code == 410
    assert answer_waiting(settings, database)["forgotten"] == 1
    with database.read() as session:
        assert session.query(UnitQuestion).count() == 0


def test_a_customer_whom_nobody_knows_is_not_found(client, customer, settings, database) -> None:
    assert client.get("/v1/units/nobody/value-delivered").status_code == 202
    answer_waiting(settings, database)
    assert client.get("/v1/units/nobody/value-delivered").status_code == 404


def test_a_question_is_forgotten_after_minutes(client, settings, database) -> None:
    client.get("/v1/units/nobody/value-delivered")
    with database.write() as session:
        session.query(UnitQuestion).update({"asked_at": now() - KEPT - timedelta(seconds=1)})
    assert answer_waiting(settings, database) == {"answered": 0, "forgotten": 1}
