"""What does a warehouse hold of an experiment that was run elsewhere: which arms, in which phases, when?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from service.facts.query.expression import TABLES
from service.facts.query.functions import microseconds
from service.facts.sources.portable import text_of, tree_of
from service.facts.sources.reading import over, speaking, table_of
from service.facts.sources.relations import Wanted, name_of, relations, with_tables
from service.facts.tables import FactKind
from service.settings import Settings
from service.sources.schemas import SourceDraft

if TYPE_CHECKING:
    from ibis.expr.types import Table

MOST_CELLS = 1_000  # arms times phases: more are no arms, but something else that the column holds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedCell:
    """The assignments of one arm in one phase."""

    arm: str
    phase: int
    rows: int
    first: datetime
    last: datetime


def assigned_cells(settings: Settings, source: SourceDraft, known_as: str) -> Sequence[AssignedCell]:
    """By arm and phase, in their order; none where the source knows no such experiment."""
    wanted = Wanted(experiment=known_as, known_as=known_as, since=None, until=datetime.now(UTC))
    facts, question = relations(source, wanted), _cells()
    before = {name_of(kind): select for kind, select in facts.items()}
    asked = with_tables(over(tree_of(question, source.engine), facts), before)
    with speaking(settings, source) as warehouse:
        found = table_of(question, warehouse.ask(text_of(asked, source.engine)))
    cells = [
        AssignedCell(
            arm=row["arm"],
            phase=row["phase"],
            rows=row["n"],
            first=_EPOCH + row["first"] * _MICROSECOND,
            last=_EPOCH + row["last"] * _MICROSECOND,
        )
        for row in found.to_pylist()
    ]
    return sorted(cells, key=lambda cell: (cell.arm, cell.phase))


def _cells() -> "Table":
    import ibis

    assigned = ibis.table(TABLES[FactKind.ASSIGNMENTS], name=FactKind.ASSIGNMENTS.value)
    timed = assigned.select("arm", "phase", at=microseconds(assigned.time))
    cells = timed.group_by(["arm", "phase"]).aggregate(
        n=timed.count(), first=timed["at"].min(), last=timed["at"].max()
    )
    return cells.limit(MOST_CELLS)


def span(cells: Sequence[AssignedCell]) -> tuple[datetime, datetime]:
    """From the first assignment until right after the last."""
    return min(cell.first for cell in cells), max(cell.last for cell in cells) + _MICROSECOND
