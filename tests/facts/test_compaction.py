"""Does the lake stay in few sorted files with the same rows, and are snapshots readable as long as said?"""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from deltalake import DeltaTable
from pyarrow import parquet
from sqlalchemy import update

from service import facts
from service.facts import engine
from service.facts.lake import compaction, delta, turns
from service.facts.lake.compaction import compact
from service.facts.lake.layout import TABLES
from service.facts.lake.vacuum import vacuum
from service.facts.lake.verification import verify
from service.facts.tables import FactKind, Fold
from service.kit.clock import now
from tests.facts.conftest import put
from tests.facts.reference import Assigned, Happened
from tests.facts.test_crash import fold_and_die, some_batches
from tests.facts.test_verification import run

START = datetime(2026, 3, 1, tzinfo=UTC)
FOLDS = 4
COMPACTION_POINTS = (
    "after planning",
    "before rewriting",
    "after rewriting",
    "between two syncs",
    "before marking",
    "after marking",
)


def rows(settings, kind: FactKind = FactKind.OUTCOMES) -> list[dict]:
    found = DeltaTable(settings.lake_dir / kind).to_pyarrow_table().to_pylist()
    return sorted(found, key=lambda row: (row.get("id", ""), repr(row)))


def read(settings, snapshot, kind: FactKind = FactKind.OUTCOMES) -> int:
    with engine.connection(settings) as opened:
        engine.register(opened, settings, "facts", snapshot.files(kind), TABLES[kind].schema)
        return opened.execute("SELECT count(*) FROM facts").fetchone()[0]


@pytest.fixture
def crowded(settings, database, store):
    """Two closed days in as many files as there were folds; the snapshot of the last."""
    rng = random.Random(3)
    for number in range(FOLDS):
        store(
            FactKind.OUTCOMES,
            [
                Happened(
                    f"o{number}-{n}",
                    f"u{rng.randrange(40)}",
                    rng.choice("ab"),
                    START + rng.randrange(2) * timedelta(days=1),
                    rng.random(),
                    '{"plan": "ü"}',
                )
                for n in range(30)
            ],
        )
        store(FactKind.ASSIGNMENTS, [Assigned("exp_1", f"u{number}", "control", START)])
        facts.fold(settings, database)
    return facts.pin(settings, database)


def test_closed_days_become_one_sorted_file_each_with_the_same_rows(settings, database, crowded):
    before = rows(settings)
    done = compact(settings, database)
    after = facts.pin(settings, database)
    assert [(part.value, len(part.files)) for part in done] == [("2026-03-01", 4), ("2026-03-02", 4)]
    assert rows(settings) == before
    assert len(after.files(FactKind.OUTCOMES)) == 2
    assert after.files(FactKind.ASSIGNMENTS) == crowded.files(FactKind.ASSIGNMENTS)
    for path in after.files(FactKind.OUTCOMES):
        keys = parquet.ParquetFile(settings.lake_dir / path).read(columns=["event", "unit"]).to_pylist()
        assert keys == sorted(keys, key=lambda row: (row["event"], row["unit"]))
    assert verify(settings, database).differences == ()
    assert compact(settings, database) == ()


def test_open_days_and_experiments_may_have_a_few_files_and_no_more(settings, database, store, monkeypatch):
    for number in range(3):
        store(FactKind.OUTCOMES, [Happened(f"o{number}", "u", "called", now())])
        store(FactKind.ASSIGNMENTS, [Assigned("exp_1", f"u{number}", "control", START)])
        facts.fold(settings, database)
    monkeypatch.setattr(compaction, "_CROWD", 3)
    assert compact(settings, database) == ()
    monkeypatch.setattr(compaction, "_CROWD", 2)
    assert [part.kind for part in compact(settings, database)] == [FactKind.ASSIGNMENTS, FactKind.OUTCOMES]
    assert len(rows(settings)) == len(rows(settings, FactKind.ASSIGNMENTS)) == 3


def test_a_large_day_is_not_rewritten_for_ever(settings, database, crowded, monkeypatch):
    monkeypatch.setattr(delta, "LARGEST_FILE", 2000)
    compact(settings, database)
    assert compact(settings, database) == ()


def test_folds_go_on_after_compaction_and_still_count_once(settings, database, crowded, store):
    compact(settings, database)
    again = Happened("o0-0", "u1", "a", START)
    store(FactKind.OUTCOMES, [again, Happened("new", "u1", "a", START)])
    facts.fold(settings, database)
    assert len(rows(settings)) == FOLDS * 30 + 1
    assert verify(settings, database).differences == ()


def test_what_waits_in_the_inbox_is_folded_before_anything_is_rewritten(settings, database, crowded, store):
    store(FactKind.OUTCOMES, [Happened("new", "u1", "a", START)])
    compact(settings, database)
    assert len(rows(settings)) == FOLDS * 30 + 1
    pinned = facts.pin(settings, database).files(FactKind.OUTCOMES)
    assert len([path for path in pinned if "03-01" in path]) == 1


def test_a_fold_that_came_in_between_refuses_a_compaction_through_an_older_handle(
    settings, database, crowded, store, monkeypatch
):
    rewrite = delta.rewrite

    def late(table, *given):
        with database.write() as session:
            session.execute(update(Fold).values(lease_until=START))
        monkeypatch.setattr(delta, "rewrite", rewrite)
        store(FactKind.OUTCOMES, [Happened("new", "u1", "a", START)])
        facts.fold(settings, database)
        rewrite(table, *given)

    monkeypatch.setattr(delta, "rewrite", late)
    compact(settings, database)
    assert len(rows(settings)) == FOLDS * 30 + 1
    assert verify(settings, database).differences == ()


def test_a_day_whose_files_hold_fewer_rows_than_the_log_says_is_left_alone(settings, database, crowded):
    path = settings.lake_dir / crowded.files(FactKind.OUTCOMES)[0]
    table = parquet.ParquetFile(path).read()
    parquet.write_table(table.slice(1), path)
    version = DeltaTable(settings.lake_dir / "outcomes").version()
    with pytest.raises(Exception, match="its files hold"):
        compact(settings, database)
    assert DeltaTable(settings.lake_dir / "outcomes").version() == version


def test_a_snapshot_can_be_read_until_its_time_is_over_and_then_says_that_it_is_gone(
    settings, database, crowded
):
    compact(settings, database)
    assert vacuum(settings, database).files == 0
    assert read(settings, crowded) == FOLDS * 30
    soon = settings.model_copy(update={"snapshots_kept": timedelta(0)})
    assert vacuum(soon, database).files == 8
    assert read(settings, facts.pin(settings, database)) == FOLDS * 30
    with pytest.raises(engine.SnapshotGone, match=r"8 of its files are gone.*SNAPSHOTS_KEPT"):
        read(settings, crowded)
    assert vacuum(soon, database).files == 0
    assert verify(settings, database).differences == ()


def test_files_that_killed_writers_left_go_after_a_day_but_no_file_in_use(
    settings, database, crowded, monkeypatch
):
    left = settings.lake_dir / "outcomes" / "day=2026-03-01" / "part-left.parquet"
    left.write_bytes(b"torn")
    soon = settings.model_copy(update={"snapshots_kept": timedelta(0)})
    assert vacuum(soon, database).files == 0
    later = now() + timedelta(days=2)
    monkeypatch.setattr("service.facts.lake.vacuum.now", lambda: later)
    assert vacuum(soon, database).files == 1
    assert not left.exists()
    assert read(settings, facts.pin(settings, database)) == FOLDS * 30


def test_what_a_turn_replaced_but_has_not_marked_is_in_use(settings, database, crowded, monkeypatch):
    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(compaction.folding, "settle", broken)
    with pytest.raises(OSError, match="disk full"):
        compact(settings, database)
    later = now() + timedelta(days=99)
    monkeypatch.setattr("service.facts.lake.vacuum.now", lambda: later)
    assert vacuum(settings, database).files == 0
    assert read(settings, facts.pin(settings, database)) == FOLDS * 30


def test_a_table_is_made_once_however_many_open_it_first(settings):
    for kind in FactKind:
        with ThreadPoolExecutor(4) as pool:
            opened = [pool.submit(delta.open_table, settings, kind) for _ in range(4)]
            assert [one.result().version() for one in opened] == [0] * 4


def test_folds_and_compactions_at_the_same_time_take_turns(each_settings, each_database, monkeypatch):
    monkeypatch.setattr(turns, "LARGEST_FOLD", 4)
    for first in range(0, 18, 3):
        some = [Happened(f"o{n}", "u1", "called", START) for n in range(first, first + 4)]
        put(each_database, FactKind.OUTCOMES, some)
    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(work, each_settings, each_database) for work in (facts.fold, compact, compact)]
    assert [one.exception() for one in done] == [None] * 3
    compact(each_settings, each_database)
    assert len(facts.pin(each_settings, each_database).files(FactKind.OUTCOMES)) == 1
    assert [row["id"] for row in rows(each_settings)] == sorted(f"o{n}" for n in range(19))
    assert verify(each_settings, each_database).differences == ()


@pytest.mark.parametrize("point", COMPACTION_POINTS)
def test_a_compaction_killed_at_this_point_loses_nothing_and_the_next_ends_it(
    settings, database, crowded, point
):
    assert fold_and_die(settings, point, 1, "compact")
    some_batches(database, random.Random(point), {kind: set() for kind in FactKind})
    short = settings.model_copy(update={"lake_lease": timedelta(milliseconds=1)})
    facts.fold(short, database)
    assert verify(settings, database).differences == ()
    compact(settings, database)
    assert verify(settings, database).differences == ()
    assert not any(compaction.crowded(part) for part in compaction.parts(settings, FactKind.OUTCOMES))


@pytest.mark.parametrize("seed", range(1))
def test_folds_and_compactions_killed_again_and_again_lose_nothing_and_count_nothing_twice(
    settings, database, seed
):
    rng, wanted, killed = random.Random(seed), {kind: set() for kind in FactKind}, 0
    for _ in range(5):
        some_batches(database, rng, wanted)
        killed += fold_and_die(settings, rng.choice(COMPACTION_POINTS), rng.randrange(1, 3), "both")
    assert killed >= 2
    compact(settings, database)
    proof = verify(settings, database)
    assert proof.differences == ()
    assert {table.kind: table.in_lake for table in proof.tables} == {
        kind: len(ids) for kind, ids in wanted.items()
    }


def test_the_commands_tell_what_they_did(settings, database, crowded):
    assert '"parts": 2, "files": 8, "rows": 120' in run(settings, "compact", "--json").stdout
    assert run(settings, "vacuum").stdout == (
        "0 files of 0 bytes were deleted; the inbox forgot 0 batches.\n"
    )
    assert '"superseded_files": 8' in run(settings, "status", "--json").stdout
