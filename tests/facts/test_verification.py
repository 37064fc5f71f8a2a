"""Does verify find every way in which inbox and lake can fall short of what was acknowledged?"""

import json
from datetime import UTC, datetime, timedelta

import pytest
from deltalake import DeltaTable
from typer.testing import CliRunner

from service import facts
from service.cli import application
from service.facts import inbox
from service.facts.lake import delta
from service.facts.lake.layout import TABLES
from service.facts.lake.verification import verify
from service.facts.tables import Batch, FactKind, Fold, FoldTable
from service.kit.clock import now
from tests.facts.conftest import put
from tests.facts.reference import Assigned, Happened

START = datetime(2026, 3, 1, tzinfo=UTC)


def outcomes(first: int, last: int) -> list[Happened]:
    return [
        Happened(f"o{n}", f"u{n % 5}", "called", START + n % 3 * timedelta(days=1))
        for n in range(first, last)
    ]


def proof_of(settings, database, kind: FactKind = FactKind.OUTCOMES):
    return next(table for table in verify(settings, database).tables if table.kind is kind)


@pytest.fixture
def filled(settings, database, store):
    """20 outcomes and two assignments in the lake, 5 more in the inbox."""
    store(FactKind.OUTCOMES, outcomes(0, 15))
    store(FactKind.OUTCOMES, outcomes(10, 20))
    store(FactKind.ASSIGNMENTS, [Assigned("exp_1", unit, "control", START) for unit in "ab"])
    facts.fold(settings, database)
    store(FactKind.OUTCOMES, outcomes(20, 25))
    return settings


def test_what_is_whole_is_proved_on_both_databases(each_settings, each_database):
    put(each_database, FactKind.OUTCOMES, outcomes(0, 15))
    put(each_database, FactKind.OUTCOMES, outcomes(10, 20))
    facts.fold(each_settings, each_database)
    put(each_database, FactKind.OUTCOMES, outcomes(20, 25))
    proof = proof_of(each_settings, each_database)
    assert (proof.acknowledged, proof.pending, proof.compared, proof.counted) == (30, 5, 25, 0)
    assert (proof.distinct, proof.in_lake, proof.recorded) == (20, 20, 20)
    assert proof.differences == ()


def test_an_empty_lake_is_whole(settings, database):
    assert verify(settings, database).differences == ()


def test_a_file_that_went_missing_or_was_torn_is_told(filled, database):
    path = filled.lake_dir / facts.pin(filled, database).files(FactKind.OUTCOMES)[0]
    path.write_bytes(path.read_bytes()[:40])
    assert "cannot be read" in proof_of(filled, database).differences[0]
    path.unlink()
    assert "cannot be read" in proof_of(filled, database).differences[0]


def _mark(settings, database) -> None:
    """As if a fold had left the tables as they are."""
    versions = {kind: delta.open_table(settings, kind).version() for kind in FactKind}
    with database.write() as session:
        for kind, version in versions.items():
            session.get(FoldTable, (1, kind)).version = version


def test_rows_that_the_lake_lost_are_named(filled, database):
    DeltaTable(filled.lake_dir / "outcomes").delete("id = 'o7'")
    _mark(filled, database)
    proof = proof_of(filled, database)
    assert (proof.missing.count, proof.missing.examples) == (1, ("api/o7",))
    assert "the last change left 20 rows, the lake has 19" in proof.differences[1]


def test_rows_that_are_in_no_batch_and_rows_that_are_there_twice_are_named(filled, database):
    table = delta.open_table(filled, FactKind.OUTCOMES)
    rows = table.to_pyarrow_table().select(TABLES[FactKind.OUTCOMES].schema.names).slice(0, 1)
    place = rows.schema.get_field_index("id")
    stranger = rows.set_column(place, "id", [["stranger"]])
    delta.append(table, rows, 2)
    delta.append(table, stranger, 3)
    _mark(filled, database)
    proof = proof_of(filled, database)
    assert (proof.repeated.count, proof.unexpected.examples) == (1, ("api/stranger",))


def test_a_batch_whose_rows_cannot_be_read_is_named(filled, database):
    with database.write() as session:
        session.query(Batch).filter(Batch.accepted == 15).one().rows = b"torn"
        session.query(Batch).filter(Batch.accepted == 10).one().rows = inbox.packed(
            inbox.ROWS[FactKind.OUTCOMES].empty_table()
        )
    assert proof_of(filled, database).damaged.count == 2


def test_the_inbox_forgets_rows_only_after_they_were_folded_and_their_time_is_over(
    each_settings, each_database
):
    put(each_database, FactKind.OUTCOMES, outcomes(0, 15))
    facts.fold(each_settings, each_database)
    put(each_database, FactKind.OUTCOMES, outcomes(10, 20))
    assert inbox.forget(each_settings, each_database) == 0
    at_once = each_settings.model_copy(update={"inbox_kept": timedelta(0)})
    assert inbox.forget(at_once, each_database) == 1
    assert inbox.forget(at_once, each_database) == 0
    proof = proof_of(each_settings, each_database)
    assert (proof.compared, proof.counted, proof.pending, proof.differences) == (0, 15, 10, ())
    facts.fold(each_settings, each_database)
    proof = proof_of(each_settings, each_database)
    assert (proof.compared, proof.counted, proof.in_lake, proof.differences) == (10, 15, 20, ())


def test_rows_beyond_those_that_the_inbox_forgot_are_unexpected(filled, database):
    inbox.forget(filled.model_copy(update={"inbox_kept": timedelta(0)}), database)
    with database.write() as session:
        session.query(Batch).filter(Batch.accepted == 15).one().accepted = 1
    assert proof_of(filled, database).unexpected.count == 20


def run(settings, *arguments: str):
    environment = {"LEVERBOARD_DATA_DIR": str(settings.data_dir)}
    return CliRunner().invoke(application(["lake"]), ["lake", *arguments], env=environment)


def test_the_commands_tell_fold_and_prove(filled, database):
    found = json.loads(run(filled, "status", "--json").stdout)
    assert found["inbox"]["rows"] == 5
    assert [(one["kind"], one["rows"], one["files"]) for one in found["tables"]] == [
        ("assignments", 2, 1),
        ("outcomes", 20, 3),
        ("exposures", 0, 0),
        ("attributes", 0, 0),
        ("identities", 0, 0),
    ]
    assert json.loads(run(filled, "fold", "--json").stdout) == {"batches": 1, "rows": 5, "fold": 2}
    assert "0 rows in 0 batches wait" in run(filled, "status").stdout
    whole = run(filled, "verify", "--json")
    assert (whole.exit_code, json.loads(whole.stdout)["differences"]) == (0, [])


def test_a_difference_is_told_and_ends_with_1(filled, database):
    (filled.lake_dir / facts.pin(filled, database).files(FactKind.ASSIGNMENTS)[0]).unlink()
    told = run(filled, "verify")
    assert told.exit_code == 1
    assert "assignments: the files cannot be read" in told.stdout


def test_a_fold_in_the_middle_is_shown(filled, database):
    with database.write() as session:
        until = now() + timedelta(minutes=1)
        session.add(Fold(id=2, holder="other", lease_until=until, planned_at=now(), batches=0, rows=0))
    found = json.loads(run(filled, "status", "--json").stdout)
    assert (found["at_work"]["work"], found["at_work"]["number"]) == ("fold", 2)
    assert "At work: fold 2" in run(filled, "status").stdout
    assert verify(filled, database).differences == ()


def test_a_fold_is_forgotten_once_and_never_looked_at_again(settings, database):
    at_once = settings.model_copy(update={"inbox_kept": timedelta(0)})
    for place in range(3):
        put(database, FactKind.OUTCOMES, [Happened(f"o{place}", "u", "called", START)])
        facts.fold(settings, database)
    assert inbox.forget(at_once, database) == 3
    with database.read() as session:
        assert session.query(Fold).filter(Fold.forgotten_at.is_(None)).count() == 0
    assert inbox.forget(at_once, database) == 0
