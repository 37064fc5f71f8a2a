"""Does the lake do in object storage what it does in a folder? Against a local S3 server."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from service import facts
from service.facts import engine, spill, store
from service.facts.lake import delta
from service.facts.lake.compaction import compact
from service.facts.lake.condition import condition
from service.facts.lake.layout import TABLES
from service.facts.lake.retiring import retire
from service.facts.lake.vacuum import vacuum
from service.facts.lake.verification import verify
from service.facts.tables import FactKind
from service.kit.clock import now
from tests.facts import bucket
from tests.facts.conftest import put
from tests.facts.reference import Assigned, Happened
from tests.facts.test_crash import fold_and_die, some_batches
from tests.facts.test_moments import asked, parsed

START = datetime(2026, 3, 1, tzinfo=UTC)
FOLDS = 3

pytestmark = pytest.mark.skipif(
    not bucket.SERVER.exists(), reason="the S3 server is in .venv/clients, which `make test` makes"
)


@pytest.fixture(scope="module")
def server():
    with bucket.served() as environment:
        yield environment


@pytest.fixture
def in_bucket(server, settings, monkeypatch):
    """Settings with the lake in a bucket, under a prefix of the test's own."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    return settings.model_copy(update={"lake_url": f"s3://{bucket.BUCKET}/{uuid4().hex}"})


def outcomes(settings) -> list[str]:
    table = DeltaTable(store.address(settings, FactKind.OUTCOMES))
    return sorted(table.to_pyarrow_table()["id"].to_pylist())


def read(settings, snapshot) -> int:
    with engine.connection(settings) as opened:
        schema = TABLES[FactKind.OUTCOMES].schema
        engine.register(opened, settings, "facts", snapshot.files(FactKind.OUTCOMES), schema)
        return opened.execute("SELECT count(*) FROM facts").fetchone()[0]


def test_it_is_folded_pinned_compacted_verified_and_vacuumed(in_bucket, database):
    for number in range(FOLDS):
        happened = [
            Happened(f"o{number}-{n}", f"u{n}", "called", START + n % 2 * timedelta(days=1))
            for n in range(10)
        ]
        put(database, FactKind.OUTCOMES, [*happened, Happened("again", "u", "called", START)])
        put(database, FactKind.ASSIGNMENTS, [Assigned("exp_1", f"u{number}", "control", START)])
        facts.fold(in_bucket, database)
    before = facts.pin(in_bucket, database)
    assert read(in_bucket, before) == FOLDS * 10 + 1
    assert [part.value for part in compact(in_bucket, database)] == ["2026-03-01", "2026-03-02"]
    assert len(facts.pin(in_bucket, database).files(FactKind.OUTCOMES)) == 2
    assert vacuum(in_bucket, database).files == 0
    assert read(in_bucket, before) == FOLDS * 10 + 1
    soon = in_bucket.model_copy(update={"snapshots_kept": timedelta(0)})
    assert vacuum(soon, database).files == 2 * FOLDS
    with pytest.raises(engine.SnapshotGone, match=f"{2 * FOLDS} of its files are gone"):
        read(in_bucket, before)
    assert verify(in_bucket, database).differences == ()
    assert {table.kind: table.rows for table in condition(in_bucket, database).tables}["outcomes"] == 31
    assert not in_bucket.lake_dir.exists()


def test_an_id_whose_row_was_retired_counts_no_second_time(in_bucket, database):
    put(database, FactKind.OUTCOMES, [Happened(f"o{n}", "u", "called", START) for n in range(3)])
    facts.fold(in_bucket, database)
    assert retire(in_bucket.model_copy(update={"outcomes_kept": timedelta(days=3)}), database).rows == 3
    put(database, FactKind.OUTCOMES, [Happened(f"o{n}", "u", "called", now()) for n in range(4)])
    facts.fold(in_bucket, database)
    assert outcomes(in_bucket) == ["o3"]
    assert verify(in_bucket, database).differences == ()


def test_a_file_is_put_whole_however_large(in_bucket):
    data = random.Random(1).randbytes(20_000_000)
    store.put(in_bucket, "spent/outcomes/a.arrow", data)
    with spill.folder(in_bucket) as folder:
        (path,) = store.readable(in_bucket, ["spent/outcomes/a.arrow"], folder)
        assert Path(path).read_bytes() == data


def test_a_fold_killed_anywhere_is_finished_by_the_next(in_bucket, database):
    rng, wanted = random.Random(5), {kind: set() for kind in FactKind}
    address = {
        "LEVERBOARD_LAKE_URL": in_bucket.lake_url,
        **{k: v for k, v in os.environ.items() if "AWS" in k},
    }
    for point in ("before appending", "after appending", "before marking"):
        some_batches(database, rng, wanted)
        assert fold_and_die(in_bucket, point, 1, environment=address)
    facts.fold(in_bucket.model_copy(update={"lake_lease": timedelta(milliseconds=1)}), database)
    assert outcomes(in_bucket) == sorted(wanted[FactKind.OUTCOMES])
    assert verify(in_bucket, database).differences == ()


@pytest.mark.parametrize(
    "environment", [{}, {"AWS_CONDITIONAL_PUT": "disabled", "AWS_S3_ALLOW_UNSAFE_RENAME": "true"}]
)
def test_of_two_writers_of_one_turn_the_store_refuses_one_whatever_the_environment_says(
    in_bucket, monkeypatch, environment
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    row = {"day": START.date(), "source": "s", "id": "o", "unit": "u", "event": "e", "time": START}
    rows = pa.Table.from_pylist([row], schema=TABLES[FactKind.OUTCOMES].schema)
    handles = [delta.open_table(in_bucket, FactKind.OUTCOMES) for _ in range(4)]

    def write(handle: DeltaTable) -> bool:
        try:
            delta.append(handle, rows, 1)
        except delta.Overtaken:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, handles)) == 1
    assert outcomes(in_bucket) == ["o"]


def test_what_was_fetched_is_kept_within_its_bound_and_forgotten_when_it_is_gone(in_bucket, database):
    put(database, FactKind.OUTCOMES, [Happened("o", "u", "called", START)])
    snapshot = facts.fold(in_bucket, database)
    (file,) = snapshot.files(FactKind.OUTCOMES)
    cached = in_bucket.lake_cache_dir / file
    assert read(in_bucket, snapshot) == 1
    assert cached.exists()
    none = in_bucket.model_copy(update={"lake_cache": 0})
    assert read(none, snapshot) == 1
    assert not cached.exists()
    assert read(in_bucket, snapshot) == 1
    store.remove(in_bucket, [file])
    cached.touch()
    with pytest.raises(engine.SnapshotGone):
        read(in_bucket, snapshot)


def test_moments_are_those_of_the_same_lake_in_a_folder(in_bucket, settings, database):
    assigned = [Assigned("exp_1", f"u{n}", ("control", "quick")[n % 2], START) for n in range(12)]
    happened = [Happened(f"o{n}", f"u{n % 6}", "called", START + n * timedelta(hours=1)) for n in range(30)]
    called = parsed({"aggregation": "count", "event": {"event": "called"}})
    put(database, FactKind.ASSIGNMENTS, assigned)
    put(database, FactKind.OUTCOMES, happened)
    result = facts.moments(in_bucket, facts.fold(in_bucket, database), asked(called))
    means = {arm: float(found.mean[0]) for (arm, _), found in result.moments.items()}
    assert means == pytest.approx({"control": 15 / 6, "quick": 15 / 6})
