"""What do a warehouse's facts say of each arm? The lake's own expression, in the warehouse's SQL."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import structlog
from sqlglot import exp
from sqlglot.expressions import Query

from service.facts.query.answer import MomentsResult
from service.facts.query.expression import tables_of, units_expression
from service.facts.query.identities import MERGED
from service.facts.query.question import MomentsQuery, PerUnit
from service.facts.query.reading import statements
from service.facts.query.rows import result_of
from service.facts.query.summaries import units_table
from service.facts.sources import links
from service.facts.sources.apart import Apart, ValuesUnreadable, apart
from service.facts.sources.bodies import EngineCannot
from service.facts.sources.engines import Row, Warehouse, opened
from service.facts.sources.portable import text_of, tree_of
from service.facts.sources.relations import PREFIX, Wanted, name_of, relations, with_tables
from service.facts.sources.secrets import SourceUnusable, secrets_of, without_secrets
from service.facts.tables import FactKind
from service.kit.canonical import canonical_json, sha256_hex
from service.runs.task import Unanswerable
from service.settings import Settings
from service.sources.schemas import Engine, Source, SourceDraft

if TYPE_CHECKING:
    from ibis.expr.types import Table

log = structlog.get_logger(__name__)

UNITS = f"{PREFIX}units"
_OF_NAMES = frozenset({"BinderException", "UndefinedColumn"})  # raised before a row is read: names, no values
_OF_VALUES = _OF_NAMES | {"ConversionException", "InvalidInputException", "OutOfRangeException"}  # DuckDB's
_STATES_OF_VALUES = frozenset({"22", "42"})  # SQL's classes: data; names, functions
_NO_RIGHT = "42501"
_KEEPS = frozenset({Engine.DUCKDB, Engine.SPARK})  # tables of the session's own, without a right to write
_TYPES = {"string": (pa.string(), str), "int32": (pa.int64(), int), "int64": (pa.int64(), int)}
TIME_TRAVEL = frozenset({Engine.BIGQUERY, Engine.SNOWFLAKE, Engine.DATABRICKS})


class NotMapped(SourceUnusable, Unanswerable):
    """What is asked lies in no table of the source's version that the plan has pinned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is sent to an engine: the table of units, where it keeps one, then each question by its name."""

    units: str | None
    texts: Mapping[str, str]
    questions: "Mapping[str, Table]"
    refused: Mapping[str, str]  # what the engine has no words for, and why: not answered, the rest is

    @property
    def sha256(self) -> str:
        return sha256_hex("\n".join([self.units or "", *self.texts.values()]))


def source_moments(
    settings: Settings, source: Source, known_as: str, query: MomentsQuery
) -> tuple[MomentsResult, str]:
    """The moments, and as JSON what was read of which source when; SourceUnusable, EngineCannot."""
    wanted = wanted_by(query, known_as)
    said = apart(query, partial(questions, source, wanted), EngineCannot)
    found = apart(said.query, partial(_answers, settings, source, wanted, said), ValuesUnreadable)
    asked, tables = found.answer
    unanswered = said.refused | found.refused
    snapshot = snapshot_of(source, known_as, query.as_of, asked, unanswered=unanswered)
    result = result_of(found.query, tables, sha256_hex(f"{snapshot}\n{_digest(tables)}"))
    return replace(result, unanswered=unanswered | quantiles_refused(asked.refused)), snapshot


def _answers(
    settings: Settings, source: Source, wanted: Wanted, said: Apart[Asked], query: MomentsQuery
) -> tuple[Asked, dict[str, pa.Table]]:
    """What was asked and every table of the answer; ValuesUnreadable where a value stands in the way."""
    asked = said.answer if query is said.query else questions(source, wanted, query)
    with speaking(settings, source) as warehouse:
        make_ready(source, wanted, warehouse, asked)
        answers = {
            name: table_of(asked.questions[name], warehouse.ask(sql)) for name, sql in asked.texts.items()
        }
    return asked, answers | {name: table_of(asked.questions[name], []) for name in asked.refused}


def make_ready(source: Source, wanted: Wanted, warehouse: Warehouse, asked: Asked) -> None:
    """The source's limits hold, and its units are kept where that spares asking for them again."""
    _check_size(source, wanted, warehouse)
    links.check_links(source, wanted, warehouse)
    if asked.units is not None and warehouse.keep is not None:
        warehouse.keep(UNITS, asked.units)


def wanted_by(query: PerUnit, known_as: str) -> Wanted:
    """Which facts are asked about; ``known_as`` is what the experiment is called there, if it is of one."""
    experiment = query.experiment if isinstance(query, MomentsQuery) else ""
    return Wanted(
        experiment=experiment, known_as=known_as, since=query.outcomes_since, until=query.outcomes_until
    )


@contextmanager
def speaking(settings: Settings, source: SourceDraft) -> Iterator[Warehouse]:
    """The opened source; what goes wrong is told without its secrets, and without what its rows hold."""
    secrets, asking = secrets_of(settings, source), False
    try:
        with opened(settings, source) as warehouse:
            asking = True
            yield warehouse
    except (SourceUnusable, EngineCannot):
        raise
    except Exception as error:  # noqa: BLE001 - drivers have exceptions of their own
        said = without_secrets(f"{type(error).__name__}: {error}", secrets)
        log.warning("source_failed", engine=source.engine.value, error=said)
        told = _kind_of(error) if asking and type(error).__name__ not in _OF_NAMES else said
        unusable = ValuesUnreadable if asking and _of_values(error) else SourceUnusable
    else:
        return
    raise unusable(f"{source.engine} did not answer: {told}")  # outside, so that no cause is kept


def _of_values(error: Exception) -> bool:
    """Whether a value or a name of what was asked is at fault, and not the connection, a right or a limit."""
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return state[:2] in _STATES_OF_VALUES and state != _NO_RIGHT
    return type(error).__name__ in _OF_VALUES


def _kind_of(error: Exception) -> str:
    """A driver's text repeats the value that did not fit, and who reads runs may not read the warehouse."""
    state = getattr(error, "sqlstate", None)
    code = f", SQLSTATE {state}" if isinstance(state, str) else ""
    return f"{type(error).__name__}{code}. What the driver says of it stands in the worker's log."


def questions(source: SourceDraft, wanted: Wanted, query: MomentsQuery) -> Asked:
    """Every statement in the engine's SQL; the same for the same question, whatever the data."""
    return asked_of(source, wanted, query, statements(units_table(query, UNITS), query))


def asked_of(
    source: SourceDraft,
    wanted: Wanted,
    query: PerUnit,
    asked: "Mapping[str, Table]",
    *,
    named: bool = False,
) -> Asked:
    """Whatever is asked of a table of units called UNITS; ``named`` as in ``units_expression``."""
    facts = relations(source, wanted)
    lacking = [kind for kind in tables_of(query) if kind not in facts]
    if lacking:
        raise NotMapped(f"The plan asks for {lacking[0].value}, which the source does not map.")
    before: dict[str, Query] = {name_of(kind): select for kind, select in facts.items()}
    linked = source.identities is not None
    if linked:
        before[links.MERGED] = links.merged()
    units = over(tree_of(units_expression(query, merged=linked, named=named), source.engine), facts)
    trees, refused = trees_of(asked, source.engine)
    keeps = source.engine in _KEEPS
    if not keeps:
        before[UNITS] = units
        trees = {name: with_tables(tree, before) for name, tree in trees.items()}
    return Asked(
        units=text_of(with_tables(units, before), source.engine) if keeps else None,
        texts={name: text_of(tree, source.engine) for name, tree in trees.items()},
        questions=asked,
        refused=refused,
    )


def trees_of(asked: "Mapping[str, Table]", engine: Engine) -> tuple[dict[str, Query], dict[str, str]]:
    """Moments every engine must give; quantiles and the largest units are left out where it cannot."""
    trees: dict[str, Query] = {}
    refused: dict[str, str] = {}
    for name, expression in asked.items():
        try:
            trees[name] = tree_of(expression, engine)
        except EngineCannot as error:
            if name != "largest" and not name.startswith("quantile "):
                raise
            refused[name] = str(error)
    return trees, refused


def quantiles_refused(refused: Mapping[str, str]) -> dict[str, str]:
    """By metric, why it has no order statistics: nothing else stands for a quantile."""
    return {name.removeprefix("quantile "): why for name, why in refused.items() if name != "largest"}


def over(tree: Query, facts: Mapping[FactKind, Query]) -> Query:
    """Read from the named queries instead of from the lake's tables."""
    for table in tree.find_all(exp.Table):
        if table.name == MERGED:
            table.set("this", exp.to_identifier(links.MERGED, quoted=True))
        elif table.name in facts:
            table.set("this", exp.to_identifier(name_of(FactKind(table.name)), quoted=True))
    return tree


def _check_size(source: SourceDraft, wanted: Wanted, warehouse: Warehouse) -> None:
    """The limit of rows, for engines that would read on: counted first, and never further than it."""
    outcomes = relations(source, wanted)[FactKind.OUTCOMES]
    some = exp.select("1").from_(outcomes.subquery("o")).limit(source.limits.rows + 1)
    [(found,)] = warehouse.ask(text_of(exp.select("COUNT(*)").from_(some.subquery("n")), source.engine))
    if found > source.limits.rows:
        raise SourceUnusable(
            f"More than {source.limits.rows:,} outcomes lie in the time that is asked about, which is the "
            "source's limit. Narrow the tables by a view, or raise limits.rows."
        )


def table_of(question: "Table", rows: Sequence[Row]) -> pa.Table:
    """Drivers give decimals, other widths and rows of their own: each becomes what Ibis promised."""
    columns = {}
    for place, (name, kind) in enumerate(question.schema().items()):
        arrow, made = _TYPES.get(str(kind.copy(nullable=True)), (pa.float64(), _finite))
        values = [None if row[place] is None else made(row[place]) for row in rows]
        columns[name] = pa.array(values, type=arrow)
    return pa.table(columns)


def _finite(value: Any) -> float | None:
    """A covariance of one unit is NaN to some engines and null to others; an infinite value is nobody's."""
    number = float(value)
    if math.isinf(number):
        raise ValuesUnreadable("Some values are infinite, and have no mean; leave them out by a view.")
    return None if math.isnan(number) else number


def _digest(tables: Mapping[str, pa.Table]) -> str:
    """What was found: a warehouse cannot be read again as it was, two readings of it can be compared."""
    found = {
        name: sorted(map(repr, zip(*(column.to_pylist() for column in table.columns), strict=True)))
        for name, table in tables.items()
    }
    return sha256_hex(canonical_json(found))


def snapshot_of(
    source: Source, known_as: str, as_of: datetime, *asked: Asked, unanswered: Mapping[str, str] | None = None
) -> str:
    """A warehouse is not pinned: what was asked can be asked again, of rows that may have changed."""
    travel = (
        "a view of the past exists there, and is not used"
        if source.engine in TIME_TRAVEL
        else "no time travel"
    )
    sums = [one.sha256 for one in asked]
    return canonical_json(
        {
            "source": source.id,
            "version": source.version,
            "source_sha256": source.sha256,
            "engine": source.engine.value,
            "experiment": known_as or None,
            "as_of": as_of.isoformat(),
            "query_sha256": sums[0] if len(sums) == 1 else sha256_hex(" ".join(sums)),
            "not_computed": {name: why for one in asked for name, why in one.refused.items()}
            | dict(unanswered or {}),
            "pinned": False,
            "why_not_pinned": f"{source.engine.value}: {travel}, and its rows may change",
        }
    )
