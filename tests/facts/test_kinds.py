"""Do all kinds of facts go the same way: into the lake once, compacted, proved, pinned and read again?"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from deltalake import DeltaTable
from sqlalchemy import text

from service import facts
from service.facts import Snapshot
from service.facts.inbox import ROWS
from service.facts.lake import delta
from service.facts.lake.compaction import compact, parts
from service.facts.lake.layout import TABLES
from service.facts.lake.verification import verify
from service.facts.tables import FactKind
from service.kit import schema
from service.kit.database import Database
from tests.facts.conftest import put
from tests.facts.reference import Assigned, Happened

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Met:
    experiment: str
    id: str
    unit: str
    time: datetime = START


@dataclass(frozen=True)
class Trait:
    unit: str
    name: str
    time: datetime = START
    text: str | None = None
    number: float | None = None
    truth: bool | None = None


@dataclass(frozen=True)
class Known:
    namespace: str
    id: str
    unit: str
    time: datetime = START


ONE = {
    FactKind.ASSIGNMENTS: Assigned("exp_1", "u1", "control", START),
    FactKind.OUTCOMES: Happened("o1", "u1", "called", START),
    FactKind.EXPOSURES: Met("exp_1", "e1", "u1"),
    FactKind.ATTRIBUTES: Trait("u1", "plan", text="gold"),
    FactKind.IDENTITIES: Known("phone", "+491701234567", "u1"),
}
EACH_KIND = pytest.mark.parametrize("kind", FactKind)


def rows(settings, kind: FactKind) -> list[dict]:
    return DeltaTable(settings.lake_dir / kind).to_pyarrow_table().to_pylist()


@EACH_KIND
def test_what_a_row_is_known_by_is_never_left_out_of_the_inbox(kind):
    table = TABLES[kind]
    columns = set(ROWS[kind].names) | {"source"}
    assert {*table.known_by, *table.sorted_by, table.partition} <= set(table.schema.names)
    assert set(table.schema.names) - {table.partition} <= columns
    assert "unit" not in table.statistics


@EACH_KIND
def test_a_fact_of_any_kind_counts_once(settings, database, store, kind):
    one = ONE[kind]
    store(kind, [one, one])
    facts.fold(settings, database)
    store(kind, [one, replace(one, unit="u2", **({"id": "x"} if hasattr(one, "id") else {}))])
    facts.fold(settings, database)
    assert sorted(row["unit"] for row in rows(settings, kind)) == ["u1", "u2"]
    proof = verify(settings, database)
    assert proof.differences == ()
    assert {table.kind: table.in_lake for table in proof.tables} == {k: 2 * (k is kind) for k in FactKind}


def test_an_exposure_is_known_by_its_id_within_its_source_and_at_one_moment_a_trait_has_one_value(
    settings, database, store
):
    again = Met("exp_1", "e1", "u1", START + timedelta(days=3))
    store(FactKind.EXPOSURES, [ONE[FactKind.EXPOSURES], again])
    store(FactKind.EXPOSURES, [again], source="shop")
    store(FactKind.ATTRIBUTES, [ONE[FactKind.ATTRIBUTES], Trait("u1", "plan", text="basic")])
    store(FactKind.ATTRIBUTES, [Trait("u1", "age", number=41.0), Trait("u1", "is_new", truth=False)])
    facts.fold(settings, database)
    assert [(row["source"], row["time"].day) for row in rows(settings, FactKind.EXPOSURES)] == [
        ("api", 1),
        ("shop", 4),
    ]
    found = {row["name"]: (row["text"], row["number"], row["truth"]) for row in rows(settings, "attributes")}
    assert found == {"plan": ("gold", None, None), "age": (None, 41.0, None), "is_new": (None, None, False)}


def test_traits_lie_by_month_and_exposures_by_experiment(settings, database, store):
    store(FactKind.ATTRIBUTES, [Trait("u1", "plan", START + n * timedelta(days=31), "x") for n in range(3)])
    store(FactKind.EXPOSURES, [Met(f"exp_{n}", f"e{n}", "u1") for n in range(3)])
    snapshot = facts.fold(settings, database)
    folders = [path.split("/")[1] for path in snapshot.files(FactKind.ATTRIBUTES)]
    assert folders == ["month=2026-03-01", "month=2026-04-01", "month=2026-05-01"]
    assert [path.split("/")[1] for path in snapshot.exposures_of("exp_2")] == ["experiment=exp_2"]


def test_a_month_that_is_over_is_compacted_to_one_file(settings, database, store):
    for n in range(3):
        store(FactKind.ATTRIBUTES, [Trait(f"u{n}", "plan", text="gold")])
        store(FactKind.IDENTITIES, [Known("phone", f"+{n}", "u1")])
        facts.fold(settings, database)
    assert {part.kind for part in compact(settings, database)} == {FactKind.ATTRIBUTES, FactKind.IDENTITIES}
    for kind in (FactKind.ATTRIBUTES, FactKind.IDENTITIES):
        assert [(part.value, len(part.files), part.rows) for part in parts(settings, kind)] == [
            ("2026-03-01", 1, 3)
        ]
    assert verify(settings, database).differences == ()


def test_a_table_that_a_turn_did_not_touch_is_neither_synced_nor_changed(
    settings, database, store, monkeypatch
):
    store(FactKind.OUTCOMES, [ONE[FactKind.OUTCOMES]])
    first = facts.fold(settings, database)
    synced = []
    sync = delta.sync
    monkeypatch.setattr(delta, "sync", lambda *given: (synced.append(given[2]), sync(*given)))
    store(FactKind.EXPOSURES, [ONE[FactKind.EXPOSURES]])
    second = facts.fold(settings, database)
    assert synced == [FactKind.EXPOSURES]
    assert [second.tables[kind] == first.tables[kind] for kind in FactKind] == [True, True, False, True, True]


def test_a_snapshot_that_an_older_release_wrote_reads_and_writes_the_same():
    written = (
        '{"assignments":["assignments/experiment=exp_1/a.parquet"],"assignments_version":3,"fold":7,'
        '"outcomes":["outcomes/day=2026-03-01/o.parquet"],"outcomes_version":5}'
    )
    snapshot = Snapshot.from_json(written)
    assert snapshot.files(FactKind.OUTCOMES) == ("outcomes/day=2026-03-01/o.parquet",)
    assert snapshot.assignments_of("exp_1") == ("assignments/experiment=exp_1/a.parquet",)
    assert (snapshot.fold, snapshot.files(FactKind.EXPOSURES)) == (7, ())
    assert snapshot.to_json() == written


def test_the_migration_takes_along_what_older_turns_left(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path / 'old.db'}")
    schema.upgrade(database, "0009")
    with database.write() as session:
        session.execute(
            text(
                "INSERT INTO folds (id, work, holder, lease_until, planned_at, folded_at, batches, rows, "
                "assignments_version, assignments_rows, outcomes_version, outcomes_rows) VALUES "
                "(1, 'fold', 'h', :at, :at, :at, 1, 9, 0, NULL, 4, 9), "
                "(2, 'fold', 'h', :at, :at, NULL, 1, 9, NULL, NULL, NULL, NULL)"
            ),
            {"at": START.isoformat()},
        )
    schema.upgrade(database, "0010")
    wanted = [(1, "assignments", 0, None), (1, "outcomes", 4, 9)]
    left = text("SELECT fold_id, kind, version, rows FROM fold_tables ORDER BY kind")
    with database.read() as session:
        assert session.execute(left).all() == wanted
    schema.downgrade(database, "0009")
    with database.read() as session:
        old = "SELECT id, assignments_version, outcomes_version, outcomes_rows FROM folds ORDER BY id"
        assert session.execute(text(old)).all() == [(1, 0, 4, 9), (2, None, None, None)]
    database.close()


@EACH_KIND
def test_each_kind_is_folded_on_both_databases(each_settings, each_database, kind):
    put(each_database, kind, [ONE[kind]])
    snapshot = facts.fold(each_settings, each_database)
    assert len(snapshot.files(kind)) == 1
    assert Snapshot.from_json(snapshot.to_json()) == snapshot
