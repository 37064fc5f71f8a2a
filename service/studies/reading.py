"""Which units does a study read, and what of each? From the lake or a warehouse into a sample or a panel."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt

from analyses import Sample
from service.facts import Levels, PopulationQuery, Sampling, UnitRows, UnitState
from service.facts.asking import Units
from service.facts.query.units import NOT_KNOWN, Keys
from service.metrics.definitions import RatioDefinition
from service.metrics.service import PinnedMetric
from service.studies.rules import PERIODS, covariates_of, groups_of
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
EVERYBODY, COMPARISON = "all", "comparison"
"""The one group of a series, and those whom its change never reached."""
NOT_SAMPLED = "not sampled"
WITHOUT_ANCHOR = "without the anchor in the period"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whoever is asked for the units, and until when what happened is known."""

    units: Units
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
    """CPI and KPI of G groups in T periods (2, G, T), NaN where nobody was; and how many units (G, T).

    Whoever came in several periods is one of ``analysed``; ``left_out`` are those who are in none, each once.
    """

    groups: tuple[str, ...]
    periods: tuple[str, ...]
    starts: tuple[datetime, ...]  # of the periods, at the time of day that they are cut at
    values: Floats
    units: npt.NDArray[np.int64]
    analysed: int
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
    lost: dict[str, Keys] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def require(self, name: str, present: npt.NDArray[np.bool_]) -> None:
        """Units without it are left out and counted, those that still were in."""
        lost = self.keep & ~present
        if lost.any():
            self.left_out[f"without {name}"] = int(lost.sum())
            self.lost[f"without {name}"] = self.rows.keys[lost]
        self.keep &= present

    def add(self, node: str, columns: Mapping[str, Floats]) -> None:
        self.columns |= columns
        self.nodes[node] = tuple(columns)


def read_sample(reader: Reader, question: Question) -> Read:
    """One row a unit: CPI, KPI, and every covariate of the graph."""
    draft = question.draft
    asked = covariates_of(draft)
    query = population(question, reader.as_of, asked)
    rows = reader.units.read(query, Sampling(seed=draft.seed, cap=draft.most_units))
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


def read_averages(reader: Reader, question: Question) -> Averages:
    """A query a period: units that came in it, by the group they belong to."""
    draft = question.draft
    if isinstance(draft, GraphStudy | ThresholdStudy):
        raise TypeError(f"a study of design {draft.design} is read unit by unit")
    groups = groups_of(draft)
    cells: dict[tuple[str, int], tuple[Floats, int]] = {}
    met = _Met()
    starts = list(_starts(draft.period.start, draft.period.end, PERIODS[draft.every]))
    for place, (start, end) in enumerate(starts):
        query = population(question, reader.as_of, (), groups=groups, start=start, end=end)
        rows = reader.units.read(query, Sampling(seed=draft.seed, cap=draft.most_units))
        for group, found in _cells(rows, question, groups, met):
            cells[group, place] = found
    names = tuple(sorted({group for group, _ in cells}))
    values = np.full((2, len(names), len(starts)), np.nan)
    units = np.zeros((len(names), len(starts)), dtype=np.int64)
    for (group, place), (means, n) in cells.items():
        values[:, names.index(group), place], units[names.index(group), place] = means, n
    whole = population(question, reader.as_of, (), groups=groups, start=starts[0][0], end=starts[-1][1])
    everybody = reader.units.read(whole, Sampling(seed=draft.seed, cap=1))
    return Averages(
        groups=names,
        periods=tuple(start.date().isoformat() for start, _ in starts),
        starts=tuple(start for start, _ in starts),
        values=values,
        units=units,
        analysed=len(met.used),
        left_out=met.left_out(everybody),
        fingerprint=" ".join(dict.fromkeys(met.fingerprints)),
    )


@dataclass(slots=True, kw_only=True)
class _Met:
    """Who was met in any period: each unit is told once, however often it came."""

    used: Keys = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    lost: dict[str, Keys] = field(default_factory=dict)
    fingerprints: list[str] = field(default_factory=list)

    def add(self, table: _Table) -> None:
        """The units of one period."""
        self.used = np.union1d(self.used, table.rows.keys[table.keep])
        for reason, keys in table.lost.items():
            self.lost[reason] = np.union1d(self.lost.get(reason, keys), keys)
        self.fingerprints.append(table.rows.fingerprint)

    def left_out(self, everybody: UnitRows) -> dict[str, int]:
        """Units that are in no period, by the first reason; ``everybody`` were asked about all of them."""
        found, told = _states(everybody), self.used
        for reason, keys in self.lost.items():
            if fresh := len(np.setdiff1d(keys, told)):
                found[reason] = fresh
            told = np.union1d(told, keys)
        if everybody.analysed > len(told):
            found[NOT_SAMPLED] = everybody.analysed - len(told)
        return found


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
    rows: UnitRows, question: Question, groups: str | None, met: _Met
) -> Iterator[tuple[str, tuple[Floats, int]]]:
    """By group: the averages of CPI and KPI, and of how many units."""
    table = _Table(rows=rows, keep=np.ones(rows.n, dtype=np.bool_))
    weights = [_weight(table, end, question.pins[end]) for end in (CPI, KPI)]
    if groups is not None:
        table.require(groups, rows.segments[groups].codes != NOT_KNOWN)
    met.add(table)
    values = [rows.column(question.pins[end].key) for end in (CPI, KPI)]
    for name, member in _members(rows, question.draft, groups):
        here = table.keep & member
        totals = np.array([weight[here].sum() for weight in weights])
        if here.any() and (totals != 0).all():
            sums = np.array([value[here].sum() for value in values])
            yield name, (sums / totals, int(here.sum()))


def _weight(table: _Table, end: str, metric: PinnedMetric) -> Floats:
    """What a unit counts in the average: itself, or what a ratio divides by."""
    per = f"{metric.key}/per"
    if isinstance(metric.definition, RatioDefinition):
        return table.rows.column(per)
    if per in table.rows.columns:
        table.require(end, table.rows.column(per) > 0)
    return np.ones(table.rows.n)


def _members(
    rows: UnitRows, draft: StudyDraft, groups: str | None
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Each group's name and who is in it; a series compares whoever met the change with whoever did not."""
    if groups is None:
        yield EVERYBODY, np.ones(rows.n, dtype=np.bool_)
        return
    levels = rows.segments[groups]
    if isinstance(draft, SeriesStudy) and draft.comparison is not None:
        places = [at for at, name in enumerate(levels.names) if name in draft.comparison.values]
        untouched = np.isin(levels.codes, places)
        yield EVERYBODY, ~untouched
        yield COMPARISON, untouched
        return
    for at, name in enumerate(levels.names):
        yield name, levels.codes == at


def _starts(first: datetime, last: datetime, step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Whole periods alone: a short last one would be no average of the same thing."""
    start = first.astimezone(UTC)
    while start + step <= last:
        yield start, start + step
        start += step


def _left_out(rows: UnitRows) -> dict[str, int]:
    found = _states(rows)
    if rows.analysed > rows.n:
        found[NOT_SAMPLED] = rows.analysed - rows.n
    return found


def _states(rows: UnitRows) -> dict[str, int]:
    """Of a population nobody was assigned: who is in no arm had outcomes, and no anchor in the period."""
    return {
        WITHOUT_ANCHOR if state is UnitState.UNASSIGNED else state.value: n
        for state, n in rows.left_out.items()
        if n
    }
