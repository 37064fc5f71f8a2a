"""Which ids are one customer? The links that were sent, followed as far as they lead.

A fact's unit is a text: a plain unit id, or `namespace:id`. A link says that `namespace:id` (in the namespace
`unit`, the plain id itself) is its unit. All texts that links connect, over however many steps, are one unit.
It goes by the first text, in the order of bytes, that one of its links names as a unit: the order in which
links came changes nothing. See docs/adr/0010-one-text-names-a-unit.md.
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from service.facts import engine
from service.facts.query.answer import UnitState
from service.facts.tables import PLAIN

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from ibis.expr.types import BooleanValue, Table

MERGED = "merged_units"
COLUMNS = {"id": "string", "unit": "string"}
_NO = False
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LINKS = f"""
CREATE TEMP TABLE links AS
SELECT unit AS a, CASE namespace WHEN '{PLAIN}' THEN id ELSE namespace || ':' || id END AS b
FROM {{table}} WHERE epoch_us(time) < {{as_of}} AND a <> b
"""  # noqa: S608 - both are ours
# Most ids are leaves: of one unit, and no unit themselves. They connect nothing, so that only the others, the
# core, need to be followed.
_ENDS = "CREATE TEMP TABLE ends AS SELECT b, min(a) AS a, min(a) = max(a) AS alone FROM links GROUP BY b"
_KNOTS = "CREATE TEMP TABLE knots AS SELECT b FROM ends WHERE NOT alone OR b IN (SELECT a FROM links)"
_CORE = "CREATE TEMP TABLE core AS SELECT DISTINCT a, b FROM links SEMI JOIN knots USING (b)"
_NODES = "CREATE TEMP TABLE nodes AS SELECT a AS id FROM core UNION SELECT b FROM core"
_EDGES = """
SELECT x.rowid AS x, y.rowid AS y FROM core JOIN nodes x ON x.id = core.a JOIN nodes y ON y.id = core.b
"""
_FOLLOWED = """
CREATE TEMP TABLE followed AS
WITH labelled AS (SELECT id, label FROM nodes JOIN labels ON labels.node = nodes.rowid),
firsts AS (
    SELECT label, min(id) AS unit FROM labelled SEMI JOIN links ON links.a = labelled.id GROUP BY label
)
SELECT id, unit FROM labelled JOIN firsts USING (label)
"""
_MERGED = f"""
CREATE TEMP TABLE {MERGED} AS
SELECT id, unit FROM followed WHERE id <> unit
UNION ALL
SELECT b AS id, coalesce(followed.unit, a) AS unit FROM ends ANTI JOIN knots USING (b)
LEFT JOIN followed ON followed.id = ends.a
"""  # noqa: S608 - the name is ours
_SPENT = ("links", "ends", "knots", "core", "nodes", "followed")


def merge(opened: "DuckDBPyConnection", table: str, as_of: datetime) -> bool:
    """Make the table of ids that go by another's name, by the links known by then; false if none do."""
    moment = (as_of - _EPOCH) // _MICROSECOND
    opened.execute(_LINKS.format(table=table, as_of=moment))
    found = engine.number(opened, "SELECT count(*) FROM links") > 0
    if found:
        for statement in (_ENDS, _KNOTS, _CORE, _NODES):
            opened.execute(statement)
        edges = opened.execute(_EDGES).to_arrow_table()
        count = engine.number(opened, "SELECT count(*) FROM nodes")
        labels = components(edges["x"].to_numpy(), edges["y"].to_numpy(), count)
        opened.register("labels", pa.table({"node": np.arange(count), "label": labels}))
        opened.execute(_FOLLOWED)
        opened.execute(_MERGED)
        opened.unregister("labels")
    for spent in _SPENT:
        opened.execute(f"DROP TABLE IF EXISTS {spent}")
    return found


def components(x: "np.typing.NDArray[np.int64]", y: "np.typing.NDArray[np.int64]", nodes: int) -> pa.Array:
    """Which connected component each node is in, in time that grows with links and nodes alone."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(x), dtype=np.int8), (x, y)), shape=(nodes, nodes))
    _, labels = connected_components(links, directed=False)
    return pa.array(labels, pa.int32())


def resolved(facts: "Table", merged: "Table") -> "Table":
    """The facts by the units that their ids are; `member` keeps the id that each named."""
    import ibis

    joined = facts.left_join(merged, facts.unit == merged.id)
    others = [name for name in facts.columns if name != "unit"]
    return joined.select(
        *(facts[name] for name in others),
        unit=ibis.coalesce(merged.unit, facts.unit),
        member=facts.unit,
    )


def gathered(members: "Table") -> "Table":
    """One row per unit, of one per id of it; `wandered` if any id alone was in several arms."""
    return members.group_by("unit").aggregate(
        arm=members.arm.min(),
        last_arm=members.last_arm.max(),
        phase=members.phase.min(),
        assigned_at=members.assigned_at.min(),
        wandered=(members.arm != members.last_arm).any(),
    )


def across_arms(units: "Table") -> "list[tuple[BooleanValue, str]]":
    """Units in several arms: by themselves, or because their ids turned out to be one customer."""
    several = units.arm != units.last_arm
    if "wandered" not in units.columns:
        return [(several, UnitState.MULTIPLE_ARMS.value)]
    return [
        (units.wandered.fill_null(_NO), UnitState.MULTIPLE_ARMS.value),
        (several, UnitState.MERGED_ACROSS_ARMS.value),
    ]
