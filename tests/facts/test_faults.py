"""What strange facts do: a listed rejection or a row as it was sent, and the service stays up."""

import io
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from sqlalchemy import update

from service import facts
from service.facts.inbox import DamagedBatch
from service.facts.lake.compaction import compact
from service.facts.lake.vacuum import vacuum
from service.facts.lake.verification import verify
from service.facts.tables import Batch
from service.kit.clock import instant, now

ROOT = Path(__file__).parents[2]
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
    """In another process too, and after its first file was written again and deleted."""
    soon = settings.model_copy(update={"snapshots_kept": timedelta(0)})
    for number, day in enumerate(("2026-03-01", "2026-05-09", "1971-01-01")):
        assert send(client, {**ROW, "time": f"{day}T00:00:00Z"})["accepted"] == 1
        send(client, {**ROW, "id": f"other {number}", "time": "2026-03-01T00:00:00Z"})
        if number % 2:
            environment = {"PATH": os.environ["PATH"], "LEVERBOARD_DATA_DIR": str(settings.data_dir)}
            fold = [sys.executable, "-m", "service.cli", "lake", "fold"]
            subprocess.run(fold, cwd=ROOT, env=environment, check=True, capture_output=True)
        else:
            facts.fold(settings, database)
        compact(settings, database)
        vacuum(soon, database)
    lake = DeltaTable(settings.lake_dir / "outcomes").to_pyarrow_table().to_pylist()
    assert [str(row["day"]) for row in lake if row["id"] == ROW["id"]] == ["2026-03-01"]
    assert len(lake) == 4
    assert verify(settings, database).differences == ()


def test_a_clock_that_is_days_wrong_changes_no_time_and_no_identity(client, settings, database):
    event = {"type": "track", "messageId": "m1", "userId": "u1", "event": "called", "timestamp": TIME}
    for sent in ("2026-03-01T08:31:00Z", "2031-01-01T00:00:00Z", "1990-01-01T00:00:00Z"):
        answer = client.post("/v1/batch", json={"batch": [event], "sentAt": sent})
        assert answer.json()["accepted"] == 1
    facts.fold(settings, database)
    (row,) = DeltaTable(settings.lake_dir / "outcomes").to_pyarrow_table().to_pylist()
    assert row["time"].isoformat() == "2026-03-01T08:30:00+00:00"


@pytest.mark.parametrize("torn", [b"", b"\x00" * 40])
def test_a_batch_that_the_inbox_lost_is_named_and_nothing_is_folded_without_it(
    client, settings, database, torn
):
    batch, other = (send(client, {**ROW, "id": one})["batch"] for one in ("o1", "o2"))
    with database.write() as session:
        whole = session.get_one(Batch, batch).rows
        session.execute(update(Batch).where(Batch.id == batch).values(rows=torn))
    with pytest.raises(DamagedBatch, match=batch):
        facts.fold(settings, database)
    assert send(client, {**ROW, "id": "o3"})["accepted"] == 1  # whoever sends is served meanwhile
    assert client.get(f"/v1/ingest/batches/{other}").json()["state"] == "acknowledged"
    with database.write() as session:
        session.execute(update(Batch).where(Batch.id == batch).values(rows=whole))
    facts.fold(settings.model_copy(update={"lake_lease": timedelta(milliseconds=1)}), database)
    assert DeltaTable(settings.lake_dir / "outcomes").to_pyarrow_table().num_rows == 3
    assert verify(settings, database).differences == ()


def test_numbers_that_are_none_are_listed_with_their_rows(client, database):
    """NaN, infinities and 1e308, of which no sum is a number, in every format that can say them."""
    lines = "\n".join(
        f'{{"id":"o{n}","unit":"u","event":"called","time":"{TIME}","value":{value}}}'
        for n, value in enumerate(("NaN", "1e999", "1e308", "-1e308", "1"))
    )
    answer = client.post("/v1/outcomes", content=lines.encode(), headers=NDJSON).json()
    assert (answer["accepted"], [one["row"] for one in answer["rejections"]]) == (1, [1, 2, 3, 4])
    table = "\n".join(
        [
            "id,unit,event,time,value",
            *(f"c{n},u,called,{TIME},{v}" for n, v in enumerate(("nan", "inf", "-inf", "1e308", "1"))),
        ]
    )
    answer = client.post("/v1/outcomes", content=table.encode(), headers={"content-type": "text/csv"}).json()
    assert (answer["accepted"], [one["row"] for one in answer["rejections"]]) == (1, [1, 2, 3, 4])
    assert {one["field"] for one in answer["rejections"]} == {"value"}


def test_events_of_other_centuries_are_rejected_alone(client):
    times = ("1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2199-12-31T23:59:59Z", "2200-01-01T00:00:00Z")
    answer = send(client, *({**ROW, "id": time, "time": time} for time in times))
    years = "expected a year from 1970 to 2199"
    assert answer["rejections"] == [
        {"row": 1, "field": "time", "reason": years},
        {
            "row": 3,
            "field": "time",
            "reason": "31 December 2199, 23:59 UTC is more than a day ahead of when it was received",
        },
        {"row": 4, "field": "time", "reason": years},
    ]
    assert answer["accepted"] == 1


def within(kind: str, times: list[str]) -> list[dict]:
    """Rows of a kind, each with one of these times."""
    said = {
        "outcomes": {"unit": "u1", "event": "called"},
        "attributes": {"unit": "u1", "name": "plan", "value": "gold"},
        "identities": {"unit": "u1", "namespace": "phone", "id": "+4930123456"},
        "assignments": {"unit": "u1", "experiment": "exp_none", "arm": "control"},
        "exposures": {"unit": "u1", "experiment": "exp_none"},
    }[kind]
    named = {"id": "o"} if kind == "outcomes" else {}
    return [{**named, **said, "time": time} for time in times]


@pytest.mark.parametrize("kind", ["outcomes", "attributes", "identities", "assignments", "exposures"])
@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_what_has_not_happened_yet_is_rejected_in_every_format_and_a_clock_may_be_a_day_off(
    client, kind, form
):
    hours = [now() + timedelta(hours=ahead) for ahead in (-1, 23, 25, 24 * 365)]
    rows = within(kind, [time.isoformat() for time in hours])
    if form == "json":
        answer = client.post(f"/v1/{kind}", json=rows)
    elif form == "csv":
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        answer = client.post(f"/v1/{kind}", content="\n".join(lines), headers={"content-type": "text/csv"})
    else:
        table = pa.Table.from_pylist([{**row, "time": time} for row, time in zip(rows, hours, strict=True)])
        pq.write_table(table, file := io.BytesIO())
        headers = {"content-type": "application/vnd.apache.parquet"}
        answer = client.post(f"/v1/{kind}", content=file.getvalue(), headers=headers)
    told = [(one["row"], one["reason"]) for one in answer.json()["rejections"] if one["field"] == "time"]
    assert told == [
        (row, f"{instant(hours[row - 1])} is more than a day ahead of when it was received") for row in (3, 4)
    ]


@pytest.mark.parametrize("door", ["/v1/batch", "/v1/events"])
def test_an_event_of_another_tool_that_has_not_happened_yet_is_rejected_too(client, door):
    hours = [now() + timedelta(hours=ahead) for ahead in (23, 25)]
    if door == "/v1/batch":
        calls = [
            {"type": "track", "messageId": f"m{n}", "userId": "u1", "event": "called", "timestamp": time}
            for n, time in enumerate(time.isoformat() for time in hours)
        ]
        answer = client.post(door, json={"batch": calls})
    else:
        event = {"specversion": "1.0", "source": "/quotes", "type": "called", "subject": "u1"}
        events = [{**event, "id": f"e{n}", "time": time.isoformat()} for n, time in enumerate(hours)]
        headers = {"content-type": "application/cloudevents-batch+json"}
        answer = client.post(door, content=json.dumps(events), headers=headers)
    (told,) = answer.json()["rejections"]
    assert (answer.json()["accepted"], told["row"], told["field"]) == (1, 2, "time")
    assert told["reason"] == f"{instant(hours[1])} is more than a day ahead of when it was received"
