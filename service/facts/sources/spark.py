"""How is Spark started or found, and how does it see the files of a source?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.facts import spill
from service.facts.sources.reach import file_below
from service.facts.sources.relations import view_of
from service.facts.sources.secrets import SourceUnusable
from service.settings import Settings
from service.sources.schemas import FromParquet, SourceDraft

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_ALWAYS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # an experiment's id is text
    "spark.sql.runSQLOnFiles": "false",  # a query names tables, never paths
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_LOCAL = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
}


@contextmanager
def opened(settings: Settings, source: SourceDraft) -> "Iterator[SparkSession]":
    """A session of the configured Spark, in which the source's folders of files are views."""
    with session(settings) as found:
        for _, rows in source.relations:
            if isinstance(rows, FromParquet):
                path = file_below(settings, rows.parquet)
                found.read.parquet(str(path)).createOrReplaceTempView(f"`{view_of(rows)}`")
        yield found


@contextmanager
def session(settings: Settings) -> "Iterator[SparkSession]":
    """Ibis' own settings of a session are made by connecting it."""
    if settings.spark_master is None:
        raise SourceUnusable(
            "No Spark is configured: LEVERBOARD_SPARK_MASTER=local[2], or the address of one."
        )
    import ibis
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra

    options = _ALWAYS | (_LOCAL if settings.spark_master.startswith("local") else {})
    with spill.folder(settings) as folder:
        builder = SparkSession.builder.master(settings.spark_master).appName("leverboard")
        builder = builder.config("spark.sql.warehouse.dir", str(folder))
        for name, value in options.items():
            builder = builder.config(name, value)
        found = builder.getOrCreate()
        ibis.pyspark.connect(found)
        try:
            yield found
        finally:
            found.stop()
