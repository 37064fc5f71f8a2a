"""Does Spark say what DuckDB says of the same facts? Two cores, one Java and one session for all."""

import shutil

import pyarrow as pa
import pytest

from service import facts
from service.facts import inbox
from service.facts.asking import moments, units_of
from service.facts.lake import tombstones
from service.facts.query.answer import UnitState
from service.facts.query.question import EXPOSURES
from service.facts.query.units import Sampling
from service.facts.sources.reading import source_moments
from service.facts.tables import Batch, FactKind
from service.kit.clock import now
from service.kit.ids import new_id
from tests.facts.conftest import put
from tests.facts.sources.test_source_units import assert_same as assert_same_units
from tests.facts.sources.test_source_units import of_lake
from tests.facts.sources.world import (
    KNOWN_AS,
    SEGMENTS,
    START,
    assert_same,
    question,
    some_world,
    source,
    write_parquet,
)
from tests.facts.test_kinds import Known

pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="wants openjdk-17-jre-headless"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # py4j leaves sockets open
]
pyspark = pytest.importorskip("pyspark", reason="the extra leverboard[spark]")


@pytest.fixture(scope="module", autouse=True)
def _one_session(tmp_path_factory):
    """Kept from test to test; and compiling wide queries costs more than they take on a few rows."""
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    (folder / "spark-defaults.conf").write_text(
        "spark.sql.codegen.wholeStage false\nspark.sql.codegen.factoryMode NO_CODEGEN\n"
        "spark.sql.adaptive.enabled false\nspark.ui.enabled false\n"
    )
    stop = SparkSession.stop
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SPARK_CONF_DIR", str(folder))
        patched.setattr(SparkSession, "stop", lambda _: None)
        yield
    if (left := SparkSession.getActiveSession()) is not None:
        stop(left)


@pytest.fixture
def reaching(reaching):
    return reaching.model_copy(update={"spark_master": "local[2]"})


SHAPES = question("ratio", "filters", "journey", "distinct", "quantile")


def test_a_source_of_sparks_says_what_the_lake_says(reaching):
    world = some_world(7, units=40)
    write_parquet(world, reaching.source_files)
    found, _ = source_moments(reaching, source({"engine": "spark"}), KNOWN_AS, SHAPES)
    assert_same(found, world.expected(SHAPES))


def into_the_lake(database, world) -> None:
    for kind in (FactKind.ASSIGNMENTS, FactKind.OUTCOMES, FactKind.EXPOSURES, FactKind.ATTRIBUTES):
        rows = world.ours[kind]
        if "id" in inbox.ROWS[kind].names:
            rows = rows.append_column("id", pa.array([f"{kind}-{place}" for place in range(rows.num_rows)]))
        rows = rows.select(inbox.ROWS[kind].names)
        with database.write() as session:
            session.add(
                Batch(
                    id=new_id("bat"),
                    kind=kind,
                    source="shop",
                    request_sha256="",
                    accepted=rows.num_rows,
                    rejected=0,
                    rows=inbox.packed(rows),
                    rejections=b"",
                    received_by="ada@example.com",
                    team="growth",
                    received_at=now(),
                )
            )


def test_the_managed_lake_is_read_by_spark_as_by_duckdb(reaching, database):
    """Several folds, links between ids, and a unit that was erased and lies in the files still."""
    into_the_lake(database, some_world(9, units=40))
    facts.fold(reaching, database)
    put(database, FactKind.IDENTITIES, [Known("unit", f"u{n}", f"u{n + 1}", START) for n in range(0, 40, 2)])
    facts.fold(reaching, database)
    with database.write() as session:
        tombstones.entomb(session, "it's", requested_by="ada@example.com")
    snapshot = facts.pin(reaching, database)
    assert snapshot.erased
    on_spark = reaching.model_copy(update={"lake_engine": "spark"})
    asked = question("sum", "last", segments=SEGMENTS, attributes=("age",), exposure=EXPOSURES)
    wanted = facts.moments(reaching, snapshot, asked)
    assert wanted.n(UnitState.MERGED_ACROSS_ARMS) > 0
    assert_same(moments(on_spark, snapshot, asked), wanted)


def test_spark_deals_out_the_lakes_units(reaching, files):
    world, asked = some_world(8, units=40), question("mean", segments=SEGMENTS[:1])
    write_parquet(world, files)
    with units_of(reaching, source({"engine": "spark"}), KNOWN_AS) as units:
        found = units.read(asked, Sampling(seed=1, cap=20))
    assert found.n == 20
    assert_same_units(found, of_lake(world, asked, Sampling(seed=1, cap=20)))
