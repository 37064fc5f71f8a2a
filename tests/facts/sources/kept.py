"""The SQL of engines that no test runs: `python -m tests.facts.sources.kept` writes it again."""

from pathlib import Path

import sqlglot

from service.facts.query.summaries import units_table
from service.facts.query.units import Sampling, statements
from service.facts.sources.reading import UNITS, asked_of, questions
from service.facts.sources.relations import Wanted
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
    wanted = Wanted(
        experiment=ASKED.experiment, known_as=KNOWN_AS, since=ASKED.outcomes_since, until=ASKED.as_of
    )
    sample = statements(units_table(ASKED, UNITS, named=True), ASKED, Sampling(seed=1))
    texts = questions(source, wanted, ASKED).texts | asked_of(source, wanted, ASKED, sample, named=True).texts
    trees = {name: sqlglot.parse_one(text, dialect=engine.value) for name, text in texts.items()}
    shared: set[str] = set()
    for tree in trees.values():
        for one in list(tree.ctes):
            if one.sql() in shared:
                one.pop()
            shared.add(one.sql())
        if not tree.ctes:
            tree.set("with_", None)
    pretty = {name: tree.sql(dialect=engine.value, pretty=True) for name, tree in trees.items()}
    return "\n\n".join(f"-- {name}\n{text};" for name, text in pretty.items()) + "\n"


if __name__ == "__main__":
    for engine in CONNECTIONS:
        (FOLDER / f"{engine.value}.sql").write_text(written(engine))
