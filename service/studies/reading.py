"""Which units does a study read, and what of each? From the lake into a sample or a panel."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt

from analyses import Sample
from service.facts import Levels, PopulationQuery, Sampling, Snapshot, UnitRows, unit_rows
from service.facts.query.units import NOT_KNOWN
from service.metrics.service import PinnedMetric
from service.settings import Settings
from service.studies.schemas import (
    CPI,
    KPI,
    Before,
    Calendar,
    Category,
    Covariate,
    GraphStudy,
    KnownAttribute,
    Measured,
    SeriesStudy,
    StudyDraft,
    ThresholdStudy,
)
from service.studies.service import Question

type Floats = npt.NDArray[np.float64]

MOST_LEVELS = 50
PERIODS = {"day": timedelta(days=1), "week": timedelta(days=7)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """The pinned lake, and until when what happened is known."""

    settings: Settings
    snapshot: Snapshot
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read:
    """Units with everything that was asked of them; how many had not, by reason."""

    sample: Sample
    left_out: Mapping[str, int]
    unknown: tuple[str, ...]  # covariates that no unit has
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Averages:
    """CPI and KPI of G groups in T periods (2, G, T), NaN where nobody was; and how many units (G, T)."""

    groups: tuple[str, ...]
    periods: tuple[str, ...]
    starts: tuple[datetime, ...]  # of the periods, at the time of day that they are cut at
    values: Floats
    units: npt.NDArray[np.int64]
    left_out: Mapping[str, int]
    fingerprint: str


@dataclass(slots=True, kw_only=True)
class _Table:
    """Columns as they are gathered, and which units have all of them."""

    rows: UnitRows
    columns: dict[str, Floats] = field(default_factory=dict)
    nodes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    keep: npt.NDArray[np.bool_]
    left_out: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def require(self, name: str, present: npt.NDArray[np.bool_]) -> None:
        """Units without it are left out and counted, those that still were in."""
        lost = int((self.keep & ~present).sum())
        if lost:
            self.left_out[f"without {name}"] = lost
        self.keep &= present

    def add(self, node: str, columns: Mapping[str, Floats]) -> None:
        self.columns |= columns
        self.nodes[node] = tuple(columns)


def read_sample(reader: Reader, question: Question) -> Read:
    """One row a unit: CPI, KPI, and every covariate of the graph."""
    draft = question.draft
    asked = _asked(draft)
    query = population(question, reader.as_of, asked)
    rows = unit_rows(reader.settings, reader.snapshot, query, Sampling(seed=draft.seed, cap=draft.most_units))
    table = _Table(rows=rows, keep=np.ones(rows.n, dtype=np.bool_), left_out=_left_out(rows))
    for end in (CPI, KPI):
        _measured(table, end, question.pins[end])
    for one in asked:
        _covariate(table, one, question.pins)
    names = tuple(table.columns)
    values = np.column_stack([table.columns[name][table.keep] for name in names])
    nodes, kept = _varying(table.nodes, names, values)
    return Read(
        sample=Sample(columns=tuple(names[at] for at in kept), rows=values[:, kept], nodes=nodes),
        left_out=table.left_out,
        unknown=tuple(table.unknown) if table.keep.any() else (),
        fingerprint=rows.fingerprint,
    )


def read_averages(reader: Reader, question: Question, groups: str | None) -> Averages:
    """A query a period: units that came in it, by the group they belong to."""
    draft = question.draft
    if isinstance(draft, GraphStudy | ThresholdStudy):
        raise TypeError(f"a study of design {draft.design} is read unit by unit")
    cells: dict[tuple[str, int], tuple[Floats, int]] = {}
    left_out: dict[str, int] = {}
    fingerprints: list[str] = []
    starts = list(_starts(draft.period.start, draft.period.end, PERIODS[draft.every]))
    for place, (start, end) in enumerate(starts):
        query = population(question, reader.as_of, (), groups=groups, start=start, end=end)
        sampling = Sampling(seed=draft.seed, cap=draft.most_units)
        rows = unit_rows(reader.settings, reader.snapshot, query, sampling)
        fingerprints.append(rows.fingerprint)
        _add(left_out, _left_out(rows))
        for group, found in _cells(rows, question, groups, left_out):
            cells[group, place] = found
    names = tuple(sorted({group for group, _ in cells}))
    values = np.full((2, len(names), len(starts)), np.nan)
    units = np.zeros((len(names), len(starts)), dtype=np.int64)
    for (group, place), (means, n) in cells.items():
        values[:, names.index(group), place], units[names.index(group), place] = means, n
    return Averages(
        groups=names,
        periods=tuple(start.date().isoformat() for start, _ in starts),
        starts=tuple(start for start, _ in starts),
        values=values,
        units=units,
        left_out=left_out,
        fingerprint=" ".join(dict.fromkeys(fingerprints)),
    )


def population(
    question: Question,
    as_of: datetime,
    asked: Sequence[Covariate],
    *,
    groups: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> PopulationQuery:
    """What is asked of the lake: units by their first anchor in the period."""
    draft = question.draft
    metrics = {metric.key: metric.definition for metric in question.pins.values()}
    texts = [one.attribute for one in asked if isinstance(one, Category)] + (
        [] if groups is None else [groups]
    )
    numbers = [one.attribute for one in asked if isinstance(one, KnownAttribute)]
    return PopulationQuery(
        metrics=tuple(metrics.items()),
        as_of=as_of,
        started_at=start or draft.period.start.astimezone(UTC),
        stopped_at=end or draft.period.end.astimezone(UTC),
        segments=tuple(dict.fromkeys(texts)),
        attributes=tuple(dict.fromkeys(numbers)),
        anchor=draft.anchor,
    )


def _asked(draft: StudyDraft) -> tuple[Covariate, ...]:
    if isinstance(draft, GraphStudy):
        return draft.covariates
    return (draft.score,) if isinstance(draft, ThresholdStudy) else ()


def _measured(table: _Table, node: str, metric: PinnedMetric, *, suffix: str = "") -> None:
    """A metric over its window: units that have none are left out."""
    ref = f"{metric.key}{suffix}"
    if f"{ref}/per" in table.rows.columns:
        table.require(node, table.rows.column(f"{ref}/per") > 0)
    table.add(node, {node: table.rows.column(ref)})


def _covariate(table: _Table, one: Covariate, pins: Mapping[str, PinnedMetric]) -> None:
    match one:
        case Measured():
            _measured(table, one.name, pins[one.metric])
        case Before():
            ref = f"{pins[one.metric].key}/pre"
            _with_presence(table, one.name, ref, f"{ref}/per")
        case KnownAttribute():
            ref = f"attribute:{one.attribute}"
            _with_presence(table, one.name, ref, f"{ref}/known")
        case Category():
            levels = table.rows.segments[one.attribute]
            if not levels.names:
                table.unknown.append(one.name)
            table.add(one.name, _dummies(one.name, levels))
        case Calendar():
            table.add(one.name, _dummies(one.name, _calendar(table.rows, one)))


def _with_presence(table: _Table, node: str, ref: str, present: str) -> None:
    """The number, 0 where there is none, and whether there is one: both are held fixed."""
    columns = {node: table.rows.column(ref)}
    if present in table.rows.columns:
        columns[f"{node}: known"] = (table.rows.column(present) > 0).astype(np.float64)
        if not columns[f"{node}: known"][table.keep].any():
            table.unknown.append(node)
    table.add(node, columns)


def _dummies(node: str, levels: Levels) -> dict[str, Floats]:
    """A column a value but the most frequent one; what is rare, or not known, is together."""
    counts = np.bincount(levels.codes[levels.codes >= 0], minlength=len(levels.names))
    order = np.argsort(-counts, kind="stable")
    told = [int(at) for at in order[1 : MOST_LEVELS - 1] if counts[at]]
    first = order[:1]
    columns = {f"{node}: {levels.names[at]}": (levels.codes == at).astype(np.float64) for at in told}
    rest = ~np.isin(levels.codes, [*first, *told])
    if rest.any():
        columns[f"{node}: other"] = rest.astype(np.float64)
    return columns or {node: np.zeros(len(levels.codes))}


def _calendar(rows: UnitRows, one: Calendar) -> Levels:
    days = [rows.day(place) for place in range(rows.n)]
    texts = [_named(day, one.by) for day in days]
    names = tuple(sorted(set(texts)))
    return Levels(names=names, codes=np.array([names.index(text) for text in texts], dtype=np.int32))


def _named(day: date, by: Literal["weekday", "week", "month"]) -> str:
    year, week, weekday = day.isocalendar()
    match by:
        case "weekday":
            return str(weekday)
        case "week":
            return f"{year:04d}-W{week:02d}"
        case "month":
            return f"{day:%Y-%m}"


def _varying(
    nodes: Mapping[str, tuple[str, ...]], names: tuple[str, ...], values: Floats
) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], list[int]]:
    """Columns of a node of several that are constant say nothing; a node keeps at least one."""
    constant = {name for at, name in enumerate(names) if not len(values) or np.ptp(values[:, at]) == 0}
    kept = {
        node: tuple(column for column in columns if column not in constant) or columns[:1]
        for node, columns in nodes.items()
    }
    wanted = {column for columns in kept.values() for column in columns}
    return tuple(kept.items()), [at for at, name in enumerate(names) if name in wanted]


def _cells(
    rows: UnitRows, question: Question, groups: str | None, left_out: dict[str, int]
) -> Iterator[tuple[str, tuple[Floats, int]]]:
    """By group: the means of CPI and KPI, and of how many units."""
    table = _Table(rows=rows, keep=np.ones(rows.n, dtype=np.bool_))
    for end in (CPI, KPI):
        _measured(table, end, question.pins[end])
    if groups is not None:
        table.require(groups, rows.segments[groups].codes != NOT_KNOWN)
    _add(left_out, table.left_out)
    values = np.column_stack([table.columns[CPI], table.columns[KPI]])
    if groups is None:
        if table.keep.any():
            yield "all", (values[table.keep].mean(axis=0), int(table.keep.sum()))
        return
    levels = rows.segments[groups]
    for at, name in enumerate(levels.names):
        here = table.keep & (levels.codes == at)
        if here.any():
            yield name, (values[here].mean(axis=0), int(here.sum()))


def _starts(first: datetime, last: datetime, step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Whole periods alone: a short last one would be no average of the same thing."""
    start = first.astimezone(UTC)
    while start + step <= last:
        yield start, start + step
        start += step


def _left_out(rows: UnitRows) -> dict[str, int]:
    found = {state.value: n for state, n in rows.left_out.items() if n}
    if rows.analysed > rows.n:
        found["not sampled"] = rows.analysed - rows.n
    return found


def _add(into: dict[str, int], more: Mapping[str, int]) -> None:
    for reason, n in more.items():
        into[reason] = into.get(reason, 0) + n


def groups_of(draft: StudyDraft) -> str | None:
    """The attribute that names a unit's group."""
    return None if isinstance(draft, GraphStudy | ThresholdStudy | SeriesStudy) else draft.groups
