"""Does Spark say what the lake says of the same facts? One machine, two cores, one Java for all of it."""

import shutil

import pytest

from service.facts.sources.reading import source_moments
from tests.facts.sources.world import (
    IN_SEGMENTS,
    KNOWN_AS,
    assert_same,
    question,
    some_world,
    source,
    write_parquet,
)

pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="wants openjdk-17-jre-headless"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # py4j leaves sockets open
]
pytest.importorskip("pyspark", reason="the extra leverboard[spark]")


@pytest.fixture(scope="module", autouse=True)
def _interpreted(tmp_path_factory):
    """Compiling wide queries costs more than they take on a few rows."""
    folder = tmp_path_factory.mktemp("spark")
    (folder / "spark-defaults.conf").write_text(
        "spark.sql.codegen.wholeStage false\nspark.sql.codegen.factoryMode NO_CODEGEN\n"
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SPARK_CONF_DIR", str(folder))
        yield


@pytest.fixture
def reaching(reaching):
    return reaching.model_copy(update={"spark_master": "local[2]"})


SHAPES = ("ratio", "filters", "journey", "distinct", "quantile")
ASKED = {"shapes": question(*SHAPES), "segments": IN_SEGMENTS}


@pytest.mark.parametrize("name", ASKED)
def test_spark_says_what_the_lake_says(reaching, name):
    world = some_world(7, units=40)
    write_parquet(world, reaching.source_files)
    found, _ = source_moments(reaching, source({"engine": "spark"}), KNOWN_AS, ASKED[name])
    assert_same(found, world.expected(ASKED[name]))
