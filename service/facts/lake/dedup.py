"""Which of these rows does the lake not have yet?

An outcome is known by its id within its source, for ever: what comes first, counts. An assignment is known by
its content. The ids of the whole table are read (two columns), and only those that the batch has as well are
kept in memory: the cost grows with the lake, the memory does not.
"""

from collections.abc import Sequence

import pyarrow as pa

from service.facts import engine
from service.facts.lake import delta
from service.facts.tables import FactKind
from service.settings import Settings

_OUTCOMES = """
WITH once AS (
    SELECT * FROM batch QUALIFY row_number() OVER (PARTITION BY source, id ORDER BY place) = 1
), seen AS (
    SELECT source, id FROM outcomes SEMI JOIN once USING (source, id)
)
SELECT time::DATE AS day, source, id, unit, event, time, value, properties
FROM once ANTI JOIN seen USING (source, id)
ORDER BY day, event, unit, time, id
"""
_ASSIGNMENTS = """
WITH once AS (
    SELECT DISTINCT experiment, unit, arm, time, phase FROM batch
), seen AS (
    SELECT experiment, unit, arm, time, phase FROM assignments SEMI JOIN once
    USING (experiment, unit, arm, time, phase)
)
SELECT experiment, unit, arm, time, phase
FROM once ANTI JOIN seen USING (experiment, unit, arm, time, phase)
ORDER BY experiment, unit, time, arm, phase
"""
_NEW = {FactKind.OUTCOMES: _OUTCOMES, FactKind.ASSIGNMENTS: _ASSIGNMENTS}


def unseen(settings: Settings, kind: FactKind, files: Sequence[str], rows: pa.Table) -> pa.Table:
    """The new rows, in the order in which the lake keeps them."""
    if not rows.num_rows:
        return delta.SCHEMAS[kind].empty_table()
    with engine.connection(settings) as opened:
        engine.register(opened, settings, kind, files, delta.SCHEMAS[kind])
        opened.register("arrived", rows)
        # A copy: DuckDB would push the joins' filters into Arrow, and for zoned times asks pytz to do so.
        opened.execute("CREATE TABLE batch AS FROM arrived")
        found = opened.execute(_NEW[kind]).to_arrow_table()
    return found.cast(delta.SCHEMAS[kind])
