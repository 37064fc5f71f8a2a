"""A warehouse with tables of its own, and what the lake's own query says of the same facts."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql
from pydantic import TypeAdapter
from sqlalchemy.engine import make_url

from service.facts.query.answer import MomentsResult
from service.facts.query.question import EXPOSURES, MomentsQuery
from service.facts.query.reading import moments_sql
from service.facts.query.rows import result_of
from service.metrics.definitions import Definition
from service.metrics.segments import Segmentation
from service.settings import Settings
from service.sources.schemas import Source, SourceDraft

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TIME = pa.timestamp("us", tz="UTC")
DUCKDB = {"engine": "duckdb", "path": "shop.duckdb"}
KNOWN_AS = "it's checkout-7"
CALLED = {"event": "called"}
PAID = {"event": "ordered", "where": [{"property": "channel", "op": "=", "value": "web"}]}
DEFINITIONS: dict[str, dict[str, Any]] = {
    "mean": {"aggregation": "mean", "event": CALLED, "value_type": "duration"},
    "mean, capped": {"aggregation": "mean", "event": CALLED, "value_type": "money", "cap": {"upper": 2.5}},
    "sum": {"aggregation": "sum", "event": PAID, "value_type": "money"},
    "sum of a property": {
        "aggregation": "sum",
        "event": {"event": "called"},
        "value_property": "a.b/c~d",
        "value_type": "amount",
    },
    "count": {"aggregation": "count", "event": CALLED},
    "count, triggered": {
        "aggregation": "count",
        "event": {"event": "called", "where": [{"property": "it's", "op": "!=", "value": "app"}]},
        "population": {"triggered": {"event": "ordered"}},
    },
    "proportion": {"aggregation": "proportion", "all_of": [CALLED, PAID]},
    "ratio": {
        "aggregation": "ratio",
        "numerator": {"event": {"event": "ordered"}, "value_property": "amount"},
        "denominator": {"event": CALLED, "count": True},
        "value_type": "money",
    },
    "filters": {
        "aggregation": "count",
        "event": {
            "event": "called",
            "where": [
                {"property": "channel", "op": "in", "value": ["web", 5.0, True, "ünï"]},
                {"property": "amount", "op": ">=", "value": 1.0},
            ],
        },
    },
    "retention": {"aggregation": "retention", "event": CALLED, "start": "P2D"},
    "time between": {
        "aggregation": "time_between",
        "start": CALLED,
        "end": {"event": "ordered"},
        "unit": "hour",
    },
    "journey": {
        "aggregation": "journey",
        "steps": [{"event": CALLED}, {"event": {"event": "ordered"}, "within": "P2D", "absent": True}],
    },
    "distinct": {"aggregation": "distinct", "event": CALLED, "property": "channel"},
    "last": {"aggregation": "last", "event": {"event": "ordered"}, "value_type": "money"},
    "quantile": {"aggregation": "quantile", "event": CALLED, "quantile": 0.9, "value_type": "duration"},
}
PARSED = TypeAdapter(Definition)
SEGMENTS = TypeAdapter(tuple[Segmentation, ...]).validate_python(
    (
        "plan",
        {
            "name": "calls before",
            "amount": {"event": CALLED, "count": True},
            "period": "P10D",
            "at_least": (1.0, 3.0),
        },
    )
)


def definition(name: str) -> Definition:
    return PARSED.validate_json(json.dumps({"window": "P5D", "pre_period": "P10D"} | DEFINITIONS[name]))


def question(*names: str, **other: object) -> MomentsQuery:
    fixed = {
        "experiment": "exp_1",
        "arms": ("control", "quick"),
        "phases": (1, 2),
        "as_of": START + 40 * DAY,
        "started_at": START,
        "metrics": tuple((f"met_{place}@1", definition(name)) for place, name in enumerate(names)),
    }
    return MomentsQuery(**{**fixed, **other})


EVERYTHING = question(*DEFINITIONS)
IN_SEGMENTS = question("mean", "ratio", "proportion", segments=SEGMENTS, attributes=("age",))
BY_EXPOSURE = question("sum", "count", exposure=EXPOSURES, stopped_at=START + 25 * DAY)
QUESTIONS = {"every shape": EVERYTHING, "segments": IN_SEGMENTS, "exposures": BY_EXPOSURE}


@dataclass(frozen=True)
class World:
    """The warehouse's tables by their names, and the same facts as the lake has them."""

    theirs: dict[str, pa.Table]
    ours: dict[str, pa.Table]

    def expected(self, query: MomentsQuery, links: Sequence[tuple[str, str]] = ()) -> MomentsResult:
        """The lake's own statements over the same facts; links lead from ids to their units."""
        asked = moments_sql(query, merged=bool(links))
        with duckdb.connect() as opened:
            opened.execute("SET TimeZone = 'UTC'")
            for name, table in self.ours.items():
                opened.from_arrow(table).create(name)
            opened.execute("CREATE TABLE merged_units (id VARCHAR, unit VARCHAR)")
            for link in links:
                opened.execute("INSERT INTO merged_units VALUES (?, ?)", link)
            first, *others = asked.items()
            opened.execute(first[1])
            found = {name: opened.execute(text).to_arrow_table() for name, text in others}
        return result_of(query, found, "")


def some_world(seed: int, units: int = 150) -> World:
    rng = random.Random(seed)
    names = [f"u{place}" for place in range(units)] + ["ü/1", 'u"2', "u 3", "顧客", "it's", "x" * 1000]
    theirs: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _COLUMNS}
    for name in names:
        for _ in range(rng.choice([0, 1, 1, 1, 1, 1, 2])):
            arm = rng.choice(["control", "quick"]) if rng.random() < 0.97 else "retired"
            time = START + rng.random() * 33 * DAY
            known = rng.choice([KNOWN_AS] * 5 + ["another"])
            theirs["assigned"].append((known, name, arm, time, rng.choice([1, 1, 2])))
            if rng.random() < 0.8:
                theirs["seen"].append((known, name, time + rng.choice([0, 1, 30]) * DAY / 24))
            if rng.random() < 0.5:  # exactly at an edge
                theirs["events"].append((name, "called", time + rng.choice([0, 5, -10]) * DAY, 1.5, None))
            if rng.random() < 0.7:
                at = time + (rng.random() - 0.9) * DAY
                theirs["traits"].append((name, "plan", rng.choice(["basic", "grün", "it's"]), None, None, at))
                theirs["traits"].append((name, "age", None, float(rng.randrange(18, 90)), None, at))
        for _ in range(rng.randrange(10)):
            time = START + (rng.random() * 60 - 15) * DAY
            value = rng.choice([None, 0.0, rng.gauss(2, 3)])
            theirs["events"].append((name, rng.choice(["called", "ignored"]), time, value, _properties(rng)))
        for _ in range(rng.randrange(4)):
            time = START + (rng.random() * 60 - 15) * DAY
            theirs["orders"].append((name, time, rng.gauss(50, 20), _properties(rng)))
    tables = {
        name: pa.Table.from_arrays(
            [
                pa.array(column, type=kind)
                for column, kind in zip(zip(*theirs[name], strict=True), kinds, strict=True)
            ],
            names=columns,
        )
        for name, (columns, kinds) in _COLUMNS.items()
    }
    return World(theirs=tables, ours=_ours(theirs))


_TEXT, _NUMBER = pa.string(), pa.float64()
_COLUMNS = {
    "assigned": (["test", "Customer Id", "variant", "at", "stage"], [_TEXT, _TEXT, _TEXT, TIME, pa.int32()]),
    "events": (["who", "what", "happened", "amount", "details"], [_TEXT, _TEXT, TIME, _NUMBER, _TEXT]),
    "orders": (["customer", "created", "total", "details"], [_TEXT, TIME, _NUMBER, _TEXT]),
    "seen": (["test", "customer", "at"], [_TEXT, _TEXT, TIME]),
    "traits": (
        ["customer", "trait", "label", "amount", "flag", "since"],
        [_TEXT, _TEXT, _TEXT, _NUMBER, pa.bool_(), TIME],
    ),
}


def _properties(rng: random.Random) -> str | None:
    if rng.random() < 0.1:
        return None
    scalar = lambda: rng.choice(["web", "app", "5", "true", "ünï", 5, 1, 2.5, True, False, None])  # noqa: E731
    keys = ("channel", "amount", "a.b/c~d", "it's", 'quo"te')
    return json.dumps({key: scalar() for key in keys if rng.random() < 0.7})


def _ours(theirs: dict[str, list[tuple[Any, ...]]]) -> dict[str, pa.Table]:
    facts = {
        "assignments": [
            ("exp_1" if test == KNOWN_AS else "exp_2", unit, arm, time, phase)
            for test, unit, arm, time, phase in theirs["assigned"]
        ],
        "outcomes": [
            *theirs["events"],
            *((u, "ordered", at, total, more) for u, at, total, more in theirs["orders"]),
        ],
        "exposures": [
            ("exp_1" if test == KNOWN_AS else "exp_2", unit, at) for test, unit, at in theirs["seen"]
        ],
        "attributes": theirs["traits"],
    }
    columns = {
        "assignments": {"experiment": _TEXT, "unit": _TEXT, "arm": _TEXT, "time": TIME, "phase": pa.int32()},
        "outcomes": {"unit": _TEXT, "event": _TEXT, "time": TIME, "value": _NUMBER, "properties": _TEXT},
        "exposures": {"experiment": _TEXT, "unit": _TEXT, "time": TIME},
        "attributes": {
            "unit": _TEXT,
            "name": _TEXT,
            "text": _TEXT,
            "number": _NUMBER,
            "truth": pa.bool_(),
            "time": TIME,
        },
    }
    return {
        kind: pa.Table.from_pylist(
            [dict(zip(columns[kind], row, strict=True)) for row in rows],
            schema=pa.schema(list(columns[kind].items())),
        )
        for kind, rows in facts.items()
    }


def draft(connection: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The mapping of the warehouse's tables, some by name and some by query."""
    spark = connection["engine"] == "spark"

    def table(name: str) -> dict[str, Any]:
        return {"parquet": name} if spark else {"table": [name]}

    orders = {"query": "SELECT customer, created, total, details FROM orders WHERE total IS NOT NULL"}
    return {
        "name": "The shop",
        "connection": connection,
        "assignments": {
            "rows": table("assigned"),
            "experiment": {"column": "test"},
            "unit": "Customer Id",
            "arm": "variant",
            "time": "at",
            "phase": "stage",
        },
        "outcomes": [
            {
                "rows": table("events"),
                "unit": "who",
                "event": {"column": "what"},
                "time": "happened",
                "value": "amount",
                "properties": "details",
            },
            {
                "rows": table("orders") if spark else orders,
                "unit": "customer",
                "event": {"always": "ordered"},
                "time": "created",
                "value": "total",
                "properties": "details",
            },
        ],
        "exposures": [
            {"rows": table("seen"), "experiment": {"column": "test"}, "unit": "customer", "time": "at"}
        ],
        "attributes": [
            {
                "rows": table("traits"),
                "unit": "customer",
                "name": {"column": "trait"},
                "time": "since",
                "text": "label",
                "number": "amount",
                "truth": "flag",
            }
        ],
    } | changes


def source(connection: dict[str, Any], **changes: Any) -> Source:
    """As the registry would hand it over."""
    given = SourceDraft.model_validate(draft(connection, **changes))
    now = START
    return Source(
        **{name: getattr(given, name) for name in SourceDraft.model_fields},
        id="src_1",
        version=3,
        sha256="0" * 64,
        team="growth",
        owner="ada@example.com",
        author="ada@example.com",
        created_at=now,
        updated_at=now,
    )


def write_duckdb(world: World, path: Path) -> None:
    with duckdb.connect(path) as opened:
        opened.execute("SET TimeZone = 'UTC'")
        for name, table in world.theirs.items():
            opened.register("given", table)
            opened.execute(f'CREATE TABLE "{name}" AS SELECT * FROM given')
            opened.unregister("given")


def write_parquet(world: World, folder: Path) -> None:
    for name, table in world.theirs.items():
        (folder / name).mkdir()
        pq.write_table(table, folder / name / "part.parquet")


_POSTGRES = {_TEXT: "text", _NUMBER: "float8", TIME: "timestamptz", pa.int32(): "int", pa.bool_(): "bool"}


def write_postgres(world: World, url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as opened:
        for name, table in world.theirs.items():
            columns = [
                sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(_POSTGRES[field.type]))
                for field in table.schema
            ]
            opened.execute(
                sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(name), sql.SQL(", ").join(columns))
            )
            with opened.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as copy:
                for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
                    copy.write_row(row)


def assert_same(found: MomentsResult, wanted: MomentsResult) -> None:
    """Every number to 1e-9, and the same of everything else."""
    assert found.columns == wanted.columns
    assert set(found.counts) == set(wanted.counts)
    assert set(found.by_day) == set(wanted.by_day)
    for mine, theirs in (
        (found.moments, wanted.moments),
        (found.days, wanted.days),
        *((found.segments[name], wanted.segments[name]) for name in wanted.segments),
    ):
        assert set(mine) == set(theirs)
        for cell, moments in theirs.items():
            assert mine[cell].n == moments.n
            np.testing.assert_allclose(mine[cell].mean, moments.mean, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(mine[cell].scatter, moments.scatter, rtol=1e-9, atol=1e-9)
    assert set(found.segments) == set(wanted.segments)
    _assert_close(found.quantiles, wanted.quantiles, ("n", "value", "lower", "upper", "probability"))
    _assert_close(found.largest, wanted.largest, ("n", "threshold", "total"))


def _assert_close(found: Any, wanted: Any, fields: tuple[str, ...]) -> None:
    assert set(found) == set(wanted)
    for key, one in wanted.items():
        for name in fields:
            mine, theirs = getattr(found[key], name), getattr(one, name)
            assert (mine is None) == (theirs is None), (key, name)
            if theirs is not None:
                np.testing.assert_allclose(mine, float(theirs), rtol=1e-9, atol=1e-9, err_msg=f"{key} {name}")


def on_postgres(settings: Settings, url: str) -> tuple[Settings, dict[str, Any]]:
    """Settings that allow this server, and the connection that names it."""
    given = make_url(url)
    folder = str(given.query["host"])
    connection = {"engine": "postgres", "host": folder, "database": given.database, "user": given.username}
    grants = tuple(f"{secret}={folder}" for secret in ("LEVERBOARD_SOURCE_SECRET_SHOP", "shop"))
    return settings.model_copy(update={"source_hosts": (folder,), "source_grants": grants}), connection
