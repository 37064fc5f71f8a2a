"""Is an erased unit hidden at once, gone from every file after the next compaction, and hidden for good?"""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from service import facts
from service.access.rules import Role
from service.facts import Snapshot, UnitState
from service.facts.lake import duties, erasure, folding, purging, tombstones, vacuum
from service.facts.lake.compaction import compact
from service.facts.lake.erasure import erase
from service.facts.lake.verification import verify
from service.facts.tables import DeletedFile, ErasedUnit, FactKind
from service.kit.clock import now
from service.runs import snapshots
from service.runs.rules import RunType
from service.runs.service import queued
from service.runs.tables import Run
from tests.facts.conftest import put
from tests.facts.reference import Assigned, Happened
from tests.facts.test_kinds import Known
from tests.facts.test_moments import asked, parsed

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
GONE = "erika.mustermann@example.com"  # unlike anything else that is written
CALLED = parsed({"aggregation": "count", "event": {"event": "called"}})


def fill(database) -> None:
    """Ten units of an experiment, one of them to be erased, in a fold of two batches."""
    units = [GONE, *(f"u{n}" for n in range(9))]
    put(database, FactKind.ASSIGNMENTS, [Assigned("exp_1", unit, "control", START) for unit in units])
    put(
        database,
        FactKind.OUTCOMES,
        [
            Happened(
                f"o{day}{place}", unit, "called", START + day * timedelta(days=1), 1.0, f'{{"who": "{unit}"}}'
            )
            for place, unit in enumerate(units)
            for day in range(2)
        ],
    )


def hide(database, unit: str = GONE) -> None:
    with database.write() as session:
        tombstones.entomb(session, unit, requested_by="ada@example.com")


def counted(settings, snapshot) -> int:
    return facts.moments(settings, snapshot, asked(CALLED)).n(UnitState.ANALYSED)


def files_with(settings, text: str) -> list[str]:
    """Every file of the data folder whose bytes, or whose Parquet values, hold the text."""
    files = [path for path in sorted(settings.data_dir.rglob("*")) if path.is_file()]
    return [str(path) for path in files if text.encode() in path.read_bytes() or _in_parquet(path, text)]


def _in_parquet(path, text: str) -> bool:
    from pyarrow import parquet

    if path.suffix != ".parquet":
        return False
    return any(text in str(row) for row in parquet.ParquetFile(path).read().to_pylist())


def in_inbox(database, text: str) -> bool:
    """Compressed, so that no search of the bytes would find it."""
    from sqlalchemy import select

    from service.facts import inbox
    from service.facts.tables import Batch

    with database.read() as session:
        kept = session.scalars(select(Batch.rows)).all()
    return any(text in str(inbox.unpacked(rows).to_pylist()) for rows in kept if rows)


def test_it_is_hidden_at_once_and_nowhere_after_the_next_compaction(settings, database):
    fill(database)
    first = facts.fold(settings, database)
    fill(database)  # once more: in the inbox, and dropped by the fold
    put(database, FactKind.OUTCOMES, [Happened("later", GONE, "called", START + timedelta(days=1))])
    second = facts.fold(settings, database)
    compact(settings, database)  # what the first snapshots name is superseded now, and kept for them
    assert counted(settings, second) == 10
    assert files_with(settings, GONE)
    assert in_inbox(database, GONE)
    hide(database)
    assert counted(settings, facts.pin(settings, database)) == 9
    assert verify(settings, database).differences == ()
    done = erase(settings, database)
    assert (done.units, done.rows) == (1, 3 + 3 + 1)
    assert files_with(settings, GONE) == []
    assert not in_inbox(database, GONE)
    assert counted(settings, facts.pin(settings, database)) == 9
    assert facts.pin(settings, database).erased == ()
    assert verify(settings, database).differences == ()
    with pytest.raises(facts.SnapshotGone):
        counted(settings, first)
    assert erase(settings, database) == erasure.Erased()


def test_it_is_out_of_postgres_too_as_far_as_rows_tell(each_settings, each_database):
    fill(each_database)
    facts.fold(each_settings, each_database)
    hide(each_database)
    assert erase(each_settings, each_database).units == 1
    assert not in_inbox(each_database, GONE)
    assert verify(each_settings, each_database).differences == ()


def test_what_is_sent_of_it_later_is_taken_and_left_out(settings, database):
    fill(database)
    facts.fold(settings, database)
    hide(database)
    erase(settings, database)
    put(
        database,
        FactKind.OUTCOMES,
        [Happened("new", GONE, "called", START), Happened("n", "u1", "called", START)],
    )
    facts.fold(settings, database)
    assert files_with(settings, GONE) == []
    assert not in_inbox(database, GONE)
    proof = {table.kind: table for table in verify(settings, database).tables}[FactKind.OUTCOMES]
    assert (proof.in_lake, proof.differences) == (18 + 1, ())


def test_ids_that_are_linked_to_it_are_hidden_and_removed_with_it(settings, database):
    put(database, FactKind.IDENTITIES, [Known("phone", "+49 30 1234567", GONE, START)])
    put(database, FactKind.OUTCOMES, [Happened("o", "phone:+49 30 1234567", "called", START)])
    facts.fold(settings, database)
    hide(database)
    assert len(facts.pin(settings, database).erased) == 2
    assert erase(settings, database).units == 2
    assert files_with(settings, GONE) == files_with(settings, "+49 30 1234567") == []


def test_a_read_of_an_older_snapshot_can_be_told_to_hide_it(settings, database):
    fill(database)
    before = facts.fold(settings, database)
    hide(database)
    assert counted(settings, before) == 10
    again = facts.reopened(settings, database, before.to_json())
    assert counted(settings, again) == 9
    assert again.fingerprint != before.fingerprint


def test_runs_whose_data_held_it_say_so_and_those_that_hid_it_do_not(settings, database):
    fill(database)
    snapshots = [facts.fold(settings, database)]
    hide(database)
    snapshots.append(facts.pin(settings, database))
    with database.write() as session:
        for place, snapshot in enumerate([*snapshots, None]):
            run = queued("exp_1", RunType.FINAL, now())
            run.id, run.created_by = f"run_{place}", "ada@example.com"
            run.snapshot = "7" if snapshot is None else snapshot.to_json()
            session.add(run)
    erase(settings, database)
    with database.read() as session:
        runs = [session.get(Run, f"run_{place}") for place in range(3)]
    assert [run.snapshot_erased_at is not None for run in runs] == [True, False, False]
    assert [run.snapshot_gone_at is not None for run in runs] == [True, True, False]


@pytest.mark.parametrize(
    "module",
    [(erasure, "_rewrite"), (purging, "purge"), (folding, "settle"), (vacuum, "deleted")],
    ids=lambda step: step[1],
)
def test_an_erasure_that_breaks_off_anywhere_is_ended_by_the_next(settings, database, monkeypatch, module):
    fill(database)
    facts.fold(settings, database)
    hide(database)

    def broken(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(*module, broken)
        with pytest.raises(OSError, match="disk full"):
            erase(settings, database)
    assert verify(settings, database).differences == ()
    quick = settings.model_copy(update={"lake_lease": timedelta(milliseconds=1)})
    assert erase(quick, database).units == 1
    assert files_with(settings, GONE) == []
    assert verify(settings, database).differences == ()


def test_only_an_admin_may_and_the_answer_says_how_far_it_is(settings, database, client_for, client, capsys):
    admin = client_for(settings, role=Role.admin)
    assert client.delete(f"/v1/units/{GONE}").status_code == 403
    asked_for = admin.delete(f"/v1/units/{GONE}/a")
    assert (asked_for.status_code, asked_for.json()["state"]) == (202, "hidden")
    address = asked_for.headers["location"]
    assert client.get(address).json() == asked_for.json()
    assert admin.delete(f"/v1/units/{GONE}/a").json() == asked_for.json()
    assert erase(settings, database).units == 1
    assert client.get(address).json()["state"] == "removed"
    assert admin.delete(f"/v1/units/{GONE}/a").status_code == 200
    assert [one["id"] for one in client.get("/v1/erasures").json()["items"]] == [
        tombstones.digest(f"{GONE}/a")
    ]
    assert client.get("/v1/erasures/none").status_code == 404
    assert GONE not in capsys.readouterr().out
    with database.read() as session:
        assert session.query(ErasedUnit).count() == 1
        assert Snapshot.kept_by("7") is None


@pytest.mark.parametrize("unit", ["a\n", "\na", "a\nb", "a\r"])
def test_a_line_break_in_its_id_is_part_of_the_id(settings, database, client_for, unit):
    answer = client_for(settings, role=Role.admin).delete(f"/v1/units/{quote(unit)}")
    assert (answer.status_code, answer.json()["id"]) == (202, tombstones.digest(unit))


def test_an_erasure_that_fails_holds_up_no_other_care(settings, database, monkeypatch):
    def broken(*_: object) -> None:
        raise OSError("disk full")

    fill(database)
    facts.fold(settings, database)
    hide(database)
    monkeypatch.setattr(erasure, "_rewrite", broken)
    quick = settings.model_copy(update={"lake_lease": timedelta(milliseconds=1)})
    assert duties.erasure_due(quick, database, START)
    with pytest.raises(OSError, match="disk full"):
        duties.erase_now(quick, database, None, lambda *_: None)
    assert duties.care(quick, database, None, lambda *_: None).told == {"parts": 0}
    assert duties.night(quick, database, None, lambda *_: None).told["retired"] == 0
    monkeypatch.undo()
    assert duties.erase_now(quick, database, None, lambda *_: None).told["erased"] == 1
    assert not duties.erasure_due(quick, database, START)


def test_what_was_purged_by_a_fold_that_broke_off_is_scrubbed_by_the_next_attempt(
    settings, database, monkeypatch
):
    put(database, FactKind.OUTCOMES, [Happened("o", GONE, "called", START)])
    hide(database)
    scrubbed = []

    def busy(_: object) -> None:
        scrubbed.append(1)
        if len(scrubbed) == 1:
            raise TimeoutError("somebody reads on")

    monkeypatch.setattr(type(database), "scrub", busy)
    quick = settings.model_copy(update={"lake_lease": timedelta(milliseconds=1)})
    with pytest.raises(TimeoutError):
        facts.fold(quick, database)
    facts.fold(quick, database)
    assert len(scrubbed) == 2


def test_snapshots_are_read_while_others_write(settings, database):
    fill(database)
    with database.write() as session:
        run = queued("exp_1", RunType.FINAL, now())
        run.id, run.created_by, run.snapshot = "run_1", "ada@example.com", "7"
        session.add(run)

    def named(_: str) -> bool:
        put(database, FactKind.OUTCOMES, [Happened("meanwhile", "u1", "called", START)])
        return True

    assert snapshots.mark_gone(database, now(), named) == 1
    with database.read() as session:
        assert session.get_one(Run, "run_1").snapshot_gone_at is not None


def kept_run(session, name: str, snapshot: Snapshot) -> None:
    """As a worker keeps one: the row with its snapshot, then what its data have lost meanwhile."""
    run = queued("exp_1", RunType.FINAL, now())
    run.id, run.created_by, run.snapshot = name, "ada@example.com", snapshot.to_json()
    session.add(run)
    session.flush()
    facts.mark_lost(session, name, run.snapshot)


def test_a_run_that_was_reading_while_its_files_went_says_so_when_it_is_kept(each_settings, each_database):
    fill(each_database)
    saw_it = facts.fold(each_settings, each_database)
    hide(each_database)
    hid_it = facts.pin(each_settings, each_database)
    erase(each_settings, each_database)
    after = facts.pin(each_settings, each_database)
    with each_database.write() as session:
        for name, snapshot in {"saw": saw_it, "hid": hid_it, "after": after}.items():
            kept_run(session, name, snapshot)
        facts.mark_lost(session, "after", None)
        facts.mark_lost(session, "after", '"a warehouse"')
    with each_database.read() as session:
        runs = [session.get_one(Run, name) for name in ("saw", "hid", "after")]
    assert [run.snapshot_erased_at is not None for run in runs] == [True, False, False]
    assert [run.snapshot_gone_at is not None for run in runs] == [True, True, False]


def test_the_same_of_a_vacuum_which_erases_nobody(settings, database):
    fill(database)
    before = facts.fold(settings, database)
    fill(database)
    put(database, FactKind.OUTCOMES, [Happened("later", "u1", "called", START + DAY)])
    facts.fold(settings, database)
    compact(settings, database)
    at_once = settings.model_copy(update={"snapshots_kept": timedelta(0)})
    assert vacuum.vacuum(at_once, database).files > 0
    with database.write() as session:
        kept_run(session, "run_1", before)
    with database.read() as session:
        run = session.get_one(Run, "run_1")
        assert run.snapshot_gone_at is not None
        assert run.snapshot_erased_at is None
        assert session.query(DeletedFile).count() > 0
    years_ago = now() - timedelta(days=365)
    with database.write() as session:
        session.query(DeletedFile).update({"deleted_at": years_ago})
    vacuum.vacuum(at_once, database)
    with database.read() as session:
        assert session.query(DeletedFile).count() == 0


def test_links_are_followed_by_the_engine_over_any_number_of_steps(settings, database):
    chain = [Known("unit", f"n{step + 1}", f"n{step}", START) for step in range(40)]
    others = [Known("unit", f"other{n}", "somebody", START) for n in range(5)]
    put(database, FactKind.IDENTITIES, [*chain, *others])
    files = facts.fold(settings, database).files(FactKind.IDENTITIES)
    asked = [tombstones.digest(name) for name in ("n7", "somebody", "nobody")]
    found = tombstones.linked_to(settings, files, asked)
    assert [len(found[one]) for one in asked] == [41, 6, 1]
    assert set(found[asked[0]]) == {tombstones.digest(f"n{step}") for step in range(41)}


def test_an_erasure_says_how_many_ids_went_with_it(settings, database, client_for):
    admin = client_for(settings, role=Role.admin)
    put(database, FactKind.IDENTITIES, [Known("phone", "1", GONE, START), Known("phone", "2", GONE, START)])
    asked = admin.delete(f"/v1/units/{GONE}")
    assert asked.json()["linked"] is None
    erase(settings, database)
    found = admin.get(asked.headers["location"]).json()
    assert (found["state"], found["linked"]) == ("removed", 2)


def test_a_link_that_comes_after_its_erasure_takes_nothing_along(settings, database):
    hide(database)
    put(database, FactKind.IDENTITIES, [Known("unit", "somebody-else", GONE, now())])
    put(database, FactKind.OUTCOMES, [Happened("o", "somebody-else", "called", START)])
    assert erase(settings, database).units == 1
    assert files_with(settings, "somebody-else")
