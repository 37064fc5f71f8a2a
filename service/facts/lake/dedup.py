"""Which of these rows does the lake not have yet?

An outcome or an exposure is known by its id within its source, for ever: what comes first, counts. Others are
known by what they say. These columns of the whole table are read, and only those rows that the batch has as
well are kept in memory: the cost grows with the lake, the memory does not. Ids of rows that left the lake:
`spent.py`.
"""

from collections.abc import Sequence

import pyarrow as pa

from service.facts import engine
from service.facts.lake.layout import TABLES, Layout
from service.facts.tables import FactKind
from service.settings import Settings

_NEW = """
WITH once AS (
    SELECT * FROM batch QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY place) = 1
), seen AS (
    SELECT {key} FROM lake SEMI JOIN once USING ({key})
)
SELECT {columns} FROM once ANTI JOIN seen USING ({key}) ORDER BY {partition}, {order}
"""


def unseen(settings: Settings, kind: FactKind, files: Sequence[str], rows: pa.Table) -> pa.Table:
    """The new rows, in the order in which the lake keeps them."""
    schema = TABLES[kind].schema
    if not rows.num_rows:
        return schema.empty_table()
    with engine.connection(settings) as opened:
        engine.register(opened, settings, "lake", files, schema)
        opened.register("arrived", rows)
        # A copy: DuckDB would push the joins' filters into Arrow, and for zoned times asks pytz to do so.
        opened.execute("CREATE TABLE batch AS FROM arrived")
        found = opened.execute(_new(TABLES[kind])).to_arrow_table()
    return found.cast(schema)


def _new(table: Layout) -> str:
    columns = [f"{table.part} AS {name}" if name == table.partition else name for name in table.schema.names]
    return _NEW.format(
        key=table.key, columns=", ".join(columns), partition=table.partition, order=table.order
    )
