"""How do a warehouse's own tables become the facts that the query reads? By one SELECT each, put before it.

Every name is quoted, every query is written anew from what was parsed, times without an offset are UTC, and
what is outside the experiment's time is left out. Whether the engine skips a table's other partitions is its
own affair: the condition is on the time column cast to UTC, which not every engine prunes by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlglot import exp, parse_one
from sqlglot.expressions import Expr, Query, Select

from service.facts.tables import FactKind
from service.sources.schemas import (
    Always,
    Attributes,
    Column,
    Engine,
    Exposures,
    FromParquet,
    FromQuery,
    FromTable,
    Identities,
    Outcomes,
    Rows,
    SourceDraft,
)

PREFIX = "leverboard_"  # no name of the warehouse's own hides behind ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of the warehouse's facts: one experiment's, by the name it has there, and outcomes of a time."""

    experiment: str
    known_as: str
    since: datetime | None
    until: datetime


def relations(source: SourceDraft, wanted: Wanted) -> Mapping[FactKind, Query]:
    """One SELECT for each kind of facts that the source holds, by the columns of query/expression.py."""
    found = {
        FactKind.ASSIGNMENTS: [_assignments(source, wanted)],
        FactKind.OUTCOMES: [_outcomes(source, one, wanted) for one in source.outcomes],
        FactKind.EXPOSURES: [_exposures(source, one, wanted) for one in source.exposures],
        FactKind.ATTRIBUTES: [_attributes(source, one, wanted) for one in source.attributes],
    }
    if source.identities is not None:
        found[FactKind.IDENTITIES] = [_identities(source, source.identities, wanted)]
    return {kind: _all_of(selects) for kind, selects in found.items() if selects}


def looks(source: SourceDraft) -> Mapping[str, Select]:
    """Each table or query by its field, with the columns that it is mapped to, whatever the experiment."""
    any_time = Wanted(experiment="", known_as="", since=None, until=datetime.now(UTC))
    selects = [
        _assignments(source, any_time),
        *(_outcomes(source, one, any_time) for one in source.outcomes),
        *(_exposures(source, one, any_time) for one in source.exposures),
        *(_attributes(source, one, any_time) for one in source.attributes),
        *((_identities(source, source.identities, any_time),) if source.identities else ()),
    ]
    for select in selects:
        select.set("where", None)
    return {field: select for (field, _), select in zip(source.relations, selects, strict=True)}


def name_of(kind: FactKind) -> str:
    return f"{PREFIX}{kind.value}"


def with_tables(tree: Query, before: Mapping[str, Query]) -> Query:
    """The query with these named queries before it, as far as it reads them; in their order."""
    wanted: set[str] = set()
    for reading in (tree, *before.values()):
        wanted |= {table.name for table in reading.find_all(exp.Table) if not table.db}
    own = [
        exp.CTE(this=query.copy(), alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
        for name, query in before.items()
        if name in wanted
    ]
    if own:
        tree.set("with_", exp.With(expressions=[*own, *tree.ctes]))
    return tree


def _all_of(selects: Sequence[Select]) -> Query:
    first: Query
    first, *others = selects
    for other in others:
        first = exp.union(first, other, distinct=False, copy=False)
    return first


def _assignments(source: SourceDraft, wanted: Wanted) -> Select:
    mapping, engine = source.assignments, source.engine
    phase = exp.Literal.number(1) if mapping.phase is None else _column(mapping.phase)
    return _select(
        source,
        mapping.rows,
        {
            "experiment": _text(exp.Literal.string(wanted.experiment)),
            "unit": _text(_column(mapping.unit)),
            "arm": _text(_column(mapping.arm)),
            "time": _time(_column(mapping.time), engine),
            "phase": exp.cast(phase, "INT"),
        },
        [_is(mapping.experiment, wanted.known_as), *_there(mapping.unit, mapping.arm, mapping.time)],
    )


def _outcomes(source: SourceDraft, mapping: Outcomes, wanted: Wanted) -> Select:
    engine, time = source.engine, _time(_column(mapping.time), source.engine)
    value = exp.Null() if mapping.value is None else _column(mapping.value)
    properties = exp.Null() if mapping.properties is None else _column(mapping.properties)
    bounds: list[Expr] = [time.copy() < _moment(wanted.until, engine)]
    if wanted.since is not None:
        bounds.append(time.copy() >= _moment(wanted.since, engine))
    return _select(
        source,
        mapping.rows,
        {
            "unit": _text(_column(mapping.unit)),
            "event": _text(_named(mapping.event)),
            "time": time,
            "value": exp.cast(value, "DOUBLE"),
            "properties": _text(properties),
        },
        [*_there(mapping.unit, mapping.time), *bounds],
    )


def _exposures(source: SourceDraft, mapping: Exposures, wanted: Wanted) -> Select:
    return _select(
        source,
        mapping.rows,
        {
            "experiment": _text(exp.Literal.string(wanted.experiment)),
            "unit": _text(_column(mapping.unit)),
            "time": _time(_column(mapping.time), source.engine),
        },
        [_is(mapping.experiment, wanted.known_as), *_there(mapping.unit, mapping.time)],
    )


def _attributes(source: SourceDraft, mapping: Attributes, _: Wanted) -> Select:
    def found(name: str | None) -> Expr:
        return exp.Null() if name is None else _column(name)

    return _select(
        source,
        mapping.rows,
        {
            "unit": _text(_column(mapping.unit)),
            "name": _text(_named(mapping.name)),
            "text": _text(found(mapping.text)),
            "number": exp.cast(found(mapping.number), "DOUBLE"),
            "truth": exp.cast(found(mapping.truth), "BOOLEAN"),
            "time": _time(_column(mapping.time), source.engine),
        },
        _there(mapping.unit, mapping.time),
    )


def _identities(source: SourceDraft, mapping: Identities, wanted: Wanted) -> Select:
    conditions = _there(mapping.id, mapping.unit)
    if mapping.time is not None:
        known = _time(_column(mapping.time), source.engine)
        conditions.append(known < _moment(wanted.until, source.engine))
    columns = {"id": _text(_column(mapping.id)), "unit": _text(_column(mapping.unit))}
    return _select(source, mapping.rows, columns, conditions)


def _select(
    source: SourceDraft, rows: Rows, columns: Mapping[str, Expr], conditions: "Sequence[Expr]"
) -> Select:
    named = [exp.alias_(value, name, quoted=True) for name, value in columns.items()]
    return exp.select(*named).from_(_relation(source, rows)).where(*conditions)


def _relation(source: SourceDraft, rows: Rows) -> Expr:
    """A table by its quoted name; a query as it was parsed, in brackets."""
    if isinstance(rows, FromQuery):
        parsed = parse_one(rows.query, dialect=source.engine.value)
        return exp.Subquery(this=parsed, alias=exp.TableAlias(this=exp.to_identifier("r", quoted=True)))
    parts = rows.table if isinstance(rows, FromTable) else (view_of(rows),)
    name, *above = [exp.to_identifier(part, quoted=True) for part in reversed(parts)]
    table = exp.Table(this=name, db=above[0] if above else None, catalog=above[1] if len(above) > 1 else None)
    return exp.alias_(table, "r", quoted=True, table=True)


def view_of(rows: FromParquet) -> str:
    """The name by which Spark knows a folder of files."""
    return f"{PREFIX}files_{rows.parquet}"


def _column(name: str) -> Expr:
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier("r", quoted=True))


def _named(given: Column | Always) -> Expr:
    return exp.Literal.string(given.always) if isinstance(given, Always) else _column(given.column)


def _is(given: Column | Always, wanted: str) -> Expr:
    return _text(_named(given)).eq(exp.Literal.string(wanted))


def _there(*names: str) -> list[Expr]:
    return [exp.Not(this=exp.Is(this=_column(name), expression=exp.Null())) for name in names]


def _text(value: Expr) -> Expr:
    return exp.cast(value, "TEXT")


def _time(value: Expr, engine: Engine) -> Expr:
    """To the microsecond, in UTC where the column does not say."""
    if engine is Engine.CLICKHOUSE:
        arguments = [value, exp.Literal.number(6), exp.Literal.string("UTC")]
        return exp.Anonymous(this="toDateTime64", expressions=arguments)
    if engine is Engine.TRINO:
        return exp.cast(value, exp.DataType.build("TIMESTAMP(6) WITH TIME ZONE", dialect="trino"))
    return exp.cast(value, "TIMESTAMPTZ")


def _moment(moment: datetime, engine: Engine) -> Expr:
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    offset = {Engine.CLICKHOUSE: "", Engine.TRINO: " UTC"}.get(engine, "+00:00")
    return _time(exp.Literal.string(f"{text}{offset}"), engine)
