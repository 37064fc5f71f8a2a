"""What strange facts do: a listed rejection or a row as it was sent, and the service stays up."""

import json

from deltalake import DeltaTable

from service import facts
from service.facts.lake.verification import verify

NDJSON = {"content-type": "application/x-ndjson"}
TIME = "2026-03-01T08:30:00Z"
ROW = {"id": "o1", "unit": "u1", "event": "called", "time": TIME}


def send(client, *rows: dict):
    body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return client.post("/v1/outcomes", content=body.encode(), headers=NDJSON).json()


def test_ten_thousand_events_and_ids_of_a_kilobyte_in_any_script_come_through_whole(
    client, settings, database
):
    names = ["ü" * 512, "🧪" * 256, "מזהה", "a b", "\u202eabc", "' OR 1=1 --", "../..", "%00"]
    rows = [{**ROW, "id": f"e{n}", "event": f"event-{n}"} for n in range(10_000)]
    rows += [{**ROW, "id": name, "unit": name} for name in names]
    assert send(client, *rows)["accepted"] == 10_000 + len(names)
    facts.fold(settings, database)
    lake = DeltaTable(settings.lake_dir / "outcomes").to_pyarrow_table()
    assert len(set(lake["event"].to_pylist())) == 10_001
    assert set(names) <= set(lake["unit"].to_pylist())
    assert verify(settings, database).differences == ()


def test_an_id_that_comes_again_on_another_day_counts_as_it_came_first(client, settings, database):
    for day in ("2026-03-01", "2026-05-09", "1971-01-01"):
        assert send(client, {**ROW, "time": f"{day}T00:00:00Z"})["accepted"] == 1
        facts.fold(settings, database)
    lake = DeltaTable(settings.lake_dir / "outcomes").to_pyarrow_table()
    assert [str(day) for day in lake["day"].to_pylist()] == ["2026-03-01"]


def test_a_clock_that_is_days_wrong_changes_no_time_and_no_identity(client, settings, database):
    event = {"type": "track", "messageId": "m1", "userId": "u1", "event": "called", "timestamp": TIME}
    for sent in ("2026-03-01T08:31:00Z", "2031-01-01T00:00:00Z", "1990-01-01T00:00:00Z"):
        answer = client.post("/v1/batch", json={"batch": [event], "sentAt": sent})
        assert answer.json()["accepted"] == 1
    facts.fold(settings, database)
    (row,) = DeltaTable(settings.lake_dir / "outcomes").to_pyarrow_table().to_pylist()
    assert row["time"].isoformat() == "2026-03-01T08:30:00+00:00"
