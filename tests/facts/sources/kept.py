"""The SQL of engines that no test runs: `python -m tests.facts.sources.kept` writes it again."""

from difflib import unified_diff
from pathlib import Path

import sqlglot

from service.facts.query.summaries import units_table
from service.facts.query.units import Sampling, statements
from service.facts.sources.reading import UNITS, asked_of, questions, wanted_by
from service.sources.schemas import Engine, SourceDraft
from tests.facts.sources.world import KNOWN_AS, SEGMENTS, draft, question

FOLDER = Path(__file__).parent / "golden"
CONNECTIONS = {
    Engine.TRINO: {"host": "trino.example.com", "catalog": "shop", "user": "reader"},
    Engine.BIGQUERY: {"project": "shop", "dataset": "facts"},
    Engine.SNOWFLAKE: {
        "account": "shop-1",
        "user": "reader",
        "password": {"file": "snowflake"},
        "database": "SHOP",
        "warehouse": "SMALL",
    },
    Engine.DATABRICKS: {
        "host": "dbc.example.com",
        "http_path": "/sql/1.0/warehouses/abc",
        "token": {"file": "databricks"},
        "catalog": "shop",
    },
    Engine.CLICKHOUSE: {"host": "clickhouse.example.com", "database": "shop", "user": "reader"},
}
ASKED = question("filters", segments=SEGMENTS[:1])


def written(engine: Engine) -> str:
    """Every statement of one question, as it would be sent; what all begin with stands in the first alone."""
    source = SourceDraft.model_validate(draft({"engine": engine.value} | CONNECTIONS[engine]))
    wanted = wanted_by(ASKED, KNOWN_AS)
    sample = statements(units_table(ASKED, UNITS, named=True), ASKED, Sampling(seed=1))
    texts = questions(source, wanted, ASKED).texts | asked_of(source, wanted, ASKED, sample, named=True).texts
    shown: dict[str, list[str]] = {}
    found = (f"-- {name}\n{_new(text, engine, shown)};\n" for name, text in texts.items())
    return "\n".join(found)


def _new(text: str, engine: Engine, shown: dict[str, list[str]]) -> str:
    """The statement without the named queries that were shown; of one that has changed, what differs."""
    tree, changed = sqlglot.parse_one(text, dialect=engine.value), ""
    for one in list(tree.ctes):
        lines = one.sql(dialect=engine.value, pretty=True).splitlines()
        earlier, shown[one.alias] = shown.get(one.alias), lines
        if earlier is None:
            continue
        one.pop()
        if differs := list(unified_diff(earlier, lines, lineterm="", n=0))[2:]:
            changed += "\n".join([f"/* {one.alias}, where it differs:", *differs, "*/\n"])
    if not tree.ctes:
        tree.set("with_", None)
    return changed + tree.sql(dialect=engine.value, pretty=True)


if __name__ == "__main__":
    for engine in CONNECTIONS:
        (FOLDER / f"{engine.value}.sql").write_text(written(engine))
