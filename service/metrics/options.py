"""Which metrics are there to choose from? As little of each as a list of names takes, in one query."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.kit.paging import matching
from service.metrics.schemas import MetricKind
from service.metrics.tables import MetricRow, MetricVersionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricOption:
    """A metric as it is called today."""

    id: str
    name: str
    kind: MetricKind
    unit_type: str
    template: str | None


def options(
    session: Session, *, kind: MetricKind | None = None, unit_type: str | None = None
) -> Sequence[MetricOption]:
    """All of the kind and of the unit type, in the order of their names; None leaves a question open."""
    document = MetricVersionRow.document
    statement = (
        select(
            MetricRow.id,
            document["name"].as_string(),
            MetricRow.kind,
            MetricRow.unit_type,
            document["template"].as_string(),
        )
        .join(
            MetricVersionRow,
            (MetricVersionRow.metric_id == MetricRow.id) & (MetricVersionRow.version == MetricRow.version),
        )
        .order_by(MetricRow.id)
    )
    rows = session.execute(matching(statement, (MetricRow.kind, kind), (MetricRow.unit_type, unit_type)))
    found = [
        MetricOption(id=key, name=name, kind=of, unit_type=per, template=template)
        for key, name, of, per, template in rows
    ]
    return sorted(found, key=lambda one: one.name.casefold())
