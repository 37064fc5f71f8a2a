"""The connection test: can the source be reached, and do its columns give what they are mapped to?

A run as any other, since the drivers are the worker's. It looks at a thousand rows of each table at most, and
tells how many have each column, never what they hold.
"""

from collections.abc import Mapping

from pydantic import JsonValue
from sqlalchemy.orm import Session
from sqlglot import exp
from sqlglot.expressions import Select

from service.facts.sources.bodies import EngineCannot
from service.facts.sources.engines import Warehouse
from service.facts.sources.portable import text_of
from service.facts.sources.reading import speaking
from service.facts.sources.relations import looks
from service.facts.sources.secrets import SourceUnusable
from service.kit.database import Database
from service.runs.task import Outcome, ReportStage, Task
from service.settings import Settings
from service.sources import service as sources
from service.sources.schemas import Engine, Source

MOST_ROWS = 1_000


def compute(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    """A source that cannot be used is a finding, not a failure that would be tried again."""
    with database.read() as session:
        source = sources.get(session, task.about)
    report("connecting", 0.1)
    return Outcome(
        type=task.type,
        result=tried(settings, source),
        provenance={
            "method": "source test",
            "source": source.id,
            "version": source.version,
            "sha256": source.sha256,
        },
    )


def tried(settings: Settings, source: Source) -> dict[str, JsonValue]:
    """Whether it can be read, why not and of which field, and how many of the first rows have each column."""
    tables: list[Mapping[str, JsonValue]] = []
    where = ""
    try:
        with speaking(settings, source) as warehouse:
            for field, select in looks(source).items():
                where = f"{field}: "
                tables.append(_looked(warehouse, source.engine, field, select))
    except (SourceUnusable, EngineCannot) as error:
        return {"usable": False, "problem": f"{where}{error}", "tables": []}
    empty = [str(table["field"]) for table in tables if table["rows"] == 0]
    problem = f"There are no rows in {', '.join(empty)}." if empty else None
    return {"usable": True, "problem": problem, "tables": [dict(table) for table in tables]}


def _looked(warehouse: Warehouse, engine: Engine, field: str, select: Select) -> Mapping[str, JsonValue]:
    """Every row of the sample is cast as an analysis would cast it, so that a wrong type shows now."""
    names = [one.alias for one in select.expressions]
    columns = [exp.column(exp.to_identifier(name, quoted=True)) for name in names]
    counts = [exp.Count(this=exp.Star()), *(exp.Count(this=column) for column in columns)]
    sample = select.limit(MOST_ROWS).subquery("s")
    [(rows, *filled)] = warehouse.ask(text_of(exp.select(*counts).from_(sample), engine))
    return {"field": field, "rows": int(rows), "filled": dict(zip(names, map(int, filled), strict=True))}


def record(session: Session, task: Task, outcome: Outcome) -> None:
    """The run itself is all that is kept."""
