"""Does every acknowledged row get into the lake exactly once, in the layout that reads fast?"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyarrow import parquet
from sqlalchemy import select

from service import facts
from service.facts import Snapshot, engine
from service.facts import store as files
from service.facts.lake import delta, turns
from service.facts.lake.layout import TABLES
from service.facts.tables import Batch, FactKind, Fold
from service.kit.clock import now
from service.kit.database import Database
from tests.facts.conftest import put
from tests.facts.reference import Assigned, Happened

START = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)


def outcome(place: int, **changes: object) -> Happened:
    fields = {
        "id": f"o{place}",
        "unit": f"u{place % 7}",
        "event": "called",
        "time": START,
        "value": float(place),
    }
    return Happened(**{**fields, **changes})


def rows(settings, kind: FactKind) -> list[dict]:
    return DeltaTable(settings.lake_dir / kind).to_pyarrow_table().to_pylist()


def ids(settings) -> list[str]:
    return sorted(row["id"] for row in rows(settings, FactKind.OUTCOMES))


def test_without_any_batch_there_is_an_empty_snapshot(settings, database):
    snapshot = facts.fold(settings, database)
    assert snapshot == facts.pin(settings, database)
    assert (snapshot.fold, {pinned.files for pinned in snapshot.tables.values()}) == (0, {()})


def test_both_kinds_arrive_on_both_databases(each_settings):
    database = Database.open(each_settings.url)
    put(database, FactKind.OUTCOMES, [outcome(1), outcome(2)])
    put(database, FactKind.ASSIGNMENTS, [Assigned("exp_1", "u1", "control", START)])
    snapshot = facts.fold(each_settings, database)
    assert ids(each_settings) == ["o1", "o2"]
    assert rows(each_settings, FactKind.ASSIGNMENTS)[0]["arm"] == "control"
    assert snapshot.fold == 1
    assert facts.fold(each_settings, database) == snapshot
    database.close()


def test_the_same_id_of_a_source_counts_once_for_ever(settings, database, store):
    store(FactKind.OUTCOMES, [outcome(1, value=1.0), outcome(1, value=2.0), outcome(2)])
    store(FactKind.OUTCOMES, [outcome(1, value=3.0)])
    facts.fold(settings, database)
    store(FactKind.OUTCOMES, [outcome(1, time=START + timedelta(days=9), value=4.0), outcome(3)])
    store(FactKind.OUTCOMES, [outcome(1, value=5.0)], source="shop")
    facts.fold(settings, database)
    found = {(row["source"], row["id"]): row["value"] for row in rows(settings, FactKind.OUTCOMES)}
    assert found == {("api", "o1"): 1.0, ("api", "o2"): 2.0, ("api", "o3"): 3.0, ("shop", "o1"): 5.0}
    assert len(ids(settings)) == 4


def test_an_assignment_is_known_by_its_content(settings, database, store):
    first = Assigned("exp_1", "u1", "control", START)
    other = Assigned("exp_1", "u1", "quick", START)
    store(FactKind.ASSIGNMENTS, [first, first])
    facts.fold(settings, database)
    store(FactKind.ASSIGNMENTS, [other, first])
    facts.fold(settings, database)
    assert len(rows(settings, FactKind.ASSIGNMENTS)) == 2


def test_outcomes_lie_by_day_sorted_by_event_and_unit_and_no_unit_is_in_the_log(settings, database, store):
    store(
        FactKind.OUTCOMES,
        [
            outcome(
                n, event="ab"[n % 2], unit=f"secret{n * 7 % 50:02}", time=START + timedelta(minutes=n % 3)
            )
            for n in range(50)
        ],
    )
    snapshot = facts.fold(settings, database)
    files = snapshot.files(FactKind.OUTCOMES)
    assert sorted(path.split("/")[1] for path in files) == ["day=2026-03-01", "day=2026-03-02"]
    for path in files:
        table = parquet.ParquetFile(settings.lake_dir / path).read(columns=["event", "unit"])
        assert table.to_pylist() == sorted(table.to_pylist(), key=lambda row: (row["event"], row["unit"]))
    log = settings.lake_dir / "outcomes" / "_delta_log"
    assert not any("secret" in path.read_text() for path in log.glob("*.json"))


def test_a_snapshot_reads_the_same_rows_after_later_folds(settings, database, store):
    store(FactKind.OUTCOMES, [outcome(1)])
    first = facts.fold(settings, database)
    store(FactKind.OUTCOMES, [outcome(2)])
    second = facts.fold(settings, database)
    kept = Snapshot.from_json(first.to_json())
    assert kept == first
    assert kept.fingerprint == first.fingerprint != second.fingerprint
    assert set(first.files(FactKind.OUTCOMES)) < set(second.files(FactKind.OUTCOMES))


def test_a_large_inbox_is_folded_in_several_folds(settings, database, store, monkeypatch):
    monkeypatch.setattr(turns, "LARGEST_FOLD", 5)
    for first in range(0, 12, 3):
        store(FactKind.OUTCOMES, [outcome(place) for place in range(first, first + 3)])
    store(FactKind.OUTCOMES, [outcome(place) for place in range(20, 40)])
    assert facts.fold(settings, database).fold == 5
    assert len(ids(settings)) == 32


def test_a_fold_that_somebody_else_carries_out_is_waited_for_then_taken_over(
    settings, database, store, monkeypatch
):
    batch = store(FactKind.OUTCOMES, [outcome(1)])
    with database.write() as session:
        lease = now() + timedelta(seconds=0.5)
        session.add(Fold(id=1, holder="other", lease_until=lease, planned_at=now(), batches=1, rows=1))
        session.flush()
        session.get(Batch, batch).fold_id = 1
    facts.fold(settings, database)
    assert now() >= lease
    with database.read() as session:
        assert session.scalar(select(Fold.holder)) != "other"
    assert ids(settings) == ["o1"]


def test_who_lost_the_lease_marks_nothing_and_waits_for_who_has_it(settings, database, store, monkeypatch):
    store(FactKind.OUTCOMES, [outcome(1)])
    append, lease = delta.append, timedelta(seconds=0.5)
    taken_over_at = []

    def slow(*arguments: object) -> None:
        append(*arguments)
        with database.write() as session:
            fold = session.get(Fold, 1)
            fold.holder, fold.lease_until = "other", now() + lease
            taken_over_at.append(now())

    monkeypatch.setattr(delta, "append", slow)
    facts.fold(settings, database)
    with database.read() as session:
        assert session.get(Fold, 1).folded_at >= taken_over_at[0] + lease
    assert len(taken_over_at) == 1
    assert ids(settings) == ["o1"]


def test_a_handle_that_is_no_longer_current_cannot_append_the_fold_again(settings):
    stale = delta.open_table(settings, FactKind.ASSIGNMENTS)
    row = pa.Table.from_pylist(
        [{"experiment": "exp_1", "unit": "u", "arm": "control", "time": START, "phase": 1}],
        schema=TABLES[FactKind.ASSIGNMENTS].schema,
    )
    delta.append(delta.open_table(settings, FactKind.ASSIGNMENTS), row, 1)
    with pytest.raises(delta.Overtaken):
        delta.append(stale, row, 1)
    assert delta.holds(delta.open_table(settings, FactKind.ASSIGNMENTS), 1)


def test_everything_that_a_fold_wrote_is_synced_before_it_is_marked(settings, database, store, monkeypatch):
    synced: set[Path] = set()
    fsync = files.fsync
    monkeypatch.setattr(files, "fsync", lambda path: (synced.add(path), fsync(path)))
    mark = turns.finish
    marked_with: list[set[Path]] = []
    monkeypatch.setattr(turns, "finish", lambda *given: (marked_with.append(set(synced)), mark(*given)))
    for place in range(2):
        synced.clear()
        store(FactKind.OUTCOMES, [outcome(place)])
        before = {path for path in settings.lake_dir.rglob("*") if path.is_file()}
        facts.fold(settings, database)
        written = {path for path in settings.lake_dir.rglob("*") if path.is_file()} - before
        assert written
        assert written | {path.parent for path in written} <= marked_with[-1]


def test_folds_at_the_same_time_take_turns(each_settings, each_database, monkeypatch):
    monkeypatch.setattr(turns, "LARGEST_FOLD", 4)
    for first in range(0, 24, 3):
        put(each_database, FactKind.OUTCOMES, [outcome(place) for place in range(first, first + 4)])
    with ThreadPoolExecutor(3) as pool:
        folds = [pool.submit(facts.fold, each_settings, each_database) for _ in range(3)]
    snapshots = [fold.result() for fold in folds]
    assert ids(each_settings) == sorted(f"o{place}" for place in range(25))
    assert facts.pin(each_settings, each_database) in snapshots


def test_a_fold_that_takes_longer_than_its_lease_is_not_taken_over(settings, database, store, monkeypatch):
    short = settings.model_copy(update={"lake_lease": timedelta(seconds=0.4)})
    store(FactKind.OUTCOMES, [outcome(1)])
    append, taken = delta.append, []

    def slow(*arguments: object) -> None:
        time.sleep(1.2)
        taken.append(turns.take(short, database, "other"))
        append(*arguments)

    monkeypatch.setattr(delta, "append", slow)
    facts.fold(short, database)
    assert taken == [None]
    assert ids(settings) == ["o1"]


def test_what_a_killed_query_spilled_is_removed_by_the_next_and_no_others_folder_is(settings):
    spills = settings.data_dir / "spill"
    killed = (
        "import os, sys; from pathlib import Path; from service.facts import spill; "
        "from service.settings import Settings; "
        "opened = spill.folder(Settings(data_dir=Path(sys.argv[1]))); "
        "(opened.__enter__() / 'block').write_text('x'); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", killed, str(settings.data_dir)], check=False, cwd=Path(__file__).parents[2]
    )
    assert ended.returncode == -9
    left = [path for path in spills.iterdir() if path.is_dir()]
    assert [(path / "block").exists() for path in left] == [True]
    with engine.connection(settings), engine.connection(settings):
        assert not left[0].exists()
        assert len([path for path in spills.iterdir() if path.is_dir()]) == 2
    assert not any(path.is_dir() for path in spills.iterdir())


def test_a_fold_is_finished_although_the_log_of_the_one_before_was_cleaned_up(
    settings, database, store, monkeypatch
):
    store(FactKind.OUTCOMES, [outcome(1)])
    facts.fold(settings, database)
    append = delta.append

    def cleaned_up(table: DeltaTable, *given: object) -> None:
        append(table, *given)
        table.create_checkpoint()
        for path in (settings.lake_dir / "outcomes" / "_delta_log").glob("*.json"):
            if int(path.stem) < table.version():
                path.unlink()

    monkeypatch.setattr(delta, "append", cleaned_up)
    store(FactKind.OUTCOMES, [outcome(2)])
    assert len(facts.fold(settings, database).files(FactKind.OUTCOMES)) == 2
    assert ids(settings) == ["o1", "o2"]


def test_a_fold_ends_although_batches_never_cease_to_arrive(settings, database, store, monkeypatch):
    append = delta.append

    def meanwhile(*given: object) -> None:
        store(FactKind.OUTCOMES, [outcome(next(places))])
        append(*given)

    places = iter(range(50))
    monkeypatch.setattr(delta, "append", meanwhile)
    store(FactKind.OUTCOMES, [outcome(next(places))])
    assert facts.fold(settings, database).fold == 1
    assert ids(settings) == ["o0"]


def test_a_fold_is_bounded_by_the_size_of_what_it_carries(settings, database, store, monkeypatch):
    monkeypatch.setattr(turns, "LARGEST_PACKED", 1)
    for place in range(3):
        store(FactKind.OUTCOMES, [outcome(place)])
    assert facts.fold(settings, database).fold == 3
    assert len(ids(settings)) == 3
