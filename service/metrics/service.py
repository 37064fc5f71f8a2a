"""How are metrics registered, changed, found, and pinned for those who measure them?"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.access.rules import Actor, require_team
from service.kit.clock import now
from service.kit.errors import Invalid, NotFound, Violation, check_version, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, matching, page
from service.metrics import rules
from service.metrics.customer import (
    Better,
    CustomerEvidence,
    Expectation,
    Increment,
    Method,
    MetricState,
    Money,
)
from service.metrics.definitions import Definition
from service.metrics.schemas import Metric, MetricChange, MetricDraft, MetricKind, Warned
from service.metrics.tables import MetricRow, MetricVersionRow
from service.metrics.templates import find_template


class MetricRefused(Invalid):
    slug, title = "metric-refused", "The metric breaks a rule of the registry"


class MetricNotFound(NotFound):
    slug, title = "metric-not-found", "There is no such metric"


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedMetric:
    """One version of a metric, as hypotheses, facts and evidence refer to it."""

    id: str
    version: int
    kind: MetricKind
    name: str
    team: str
    unit_type: str
    state: MetricState | None  # of the metric today, not of the version
    definition: Definition
    increment: Increment | None
    value_of_one_unit: Money | None
    better: Better | None  # of a KPI, where somebody said it
    cost_of_one_increment: Money | None
    expectations: tuple[Expectation, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.id}@{self.version}"

    @property
    def valued(self) -> Increment:
        """The increment that customers value: every CPI is registered with one, a KPI has none."""
        if self.increment is None:
            raise ValueError(f"{self.kind} {self.key} was registered without an increment")
        return self.increment


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    kind: MetricKind | None = None
    team: str | None = None
    state: MetricState | None = None
    unit_type: str | None = None


def create(session: Session, actor: Actor, draft: MetricDraft) -> Metric:
    draft = _with_template_evidence(draft)
    _judge(draft)
    head = MetricRow(
        id=new_id("met"),
        version=0,
        kind=draft.kind,
        unit_type=draft.unit_type,
        state=None,
        team=actor.team,
        owner=actor.owner,
        created_at=now(),
    )
    session.add(head)
    metric = _write_version(session, actor, head, draft)
    return metric.model_copy(update={"warnings": (*metric.warnings, *_twins(session, metric))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """What the registry would say of a draft, were it registered now."""

    refusals: tuple[Violation, ...]
    warnings: tuple[Warned, ...]
    state: MetricState | None


def qualify(draft: MetricDraft) -> Qualification:
    """Judge a draft without keeping it: would it be a CPI, and with which doubts?"""
    draft = _with_template_evidence(draft)
    return Qualification(refusals=_refusals(draft), warnings=rules.warnings(draft), state=rules.state(draft))


def _twins(session: Session, metric: Metric) -> tuple[Warned, ...]:
    """The same outcome under another name: accepted, and said."""
    heads = session.scalars(
        select(MetricRow)
        .where(
            MetricRow.kind == metric.kind, MetricRow.unit_type == metric.unit_type, MetricRow.id != metric.id
        )
        .order_by(MetricRow.id)
    )
    known = (get(session, head.id) for head in heads)
    twin = next((one for one in known if one.definition == metric.definition), None)
    return () if twin is None else (rules.twin(twin),)


def get(session: Session, metric_id: str, version: int | None = None) -> Metric:
    """The latest version, or the one asked for."""
    head = session.get(MetricRow, metric_id)
    if head is None:
        raise MetricNotFound(f"There is no metric {excerpt(metric_id)}.")
    row = session.get(MetricVersionRow, (head.id, version or head.version))
    if row is None:
        raise MetricNotFound(f"Metric {head.id} has no version {version}; the latest is {head.version}.")
    return _as_metric(head, row)


def versions(session: Session, metric_id: str) -> Sequence[Metric]:
    """Oldest first."""
    latest = get(session, metric_id)
    return [get(session, metric_id, version) for version in range(1, latest.version + 1)]


def find(session: Session, wanted: Filter, query: Query) -> Found[Metric]:
    statement = matching(
        select(MetricRow),
        (MetricRow.kind, wanted.kind),
        (MetricRow.team, wanted.team),
        (MetricRow.state, wanted.state),
        (MetricRow.unit_type, wanted.unit_type),
    )
    found = page(session, statement, MetricRow.id, query)
    return Found(items=_latest(session, found.items), next=found.next)


def _latest(session: Session, heads: Sequence[MetricRow]) -> list[Metric]:
    """The latest version of each, in one query."""
    rows = session.scalars(
        select(MetricVersionRow)
        .join(MetricRow, MetricRow.id == MetricVersionRow.metric_id)
        .where(MetricVersionRow.version == MetricRow.version, MetricRow.id.in_([head.id for head in heads]))
    )
    versions = {row.metric_id: row for row in rows}
    return [_as_metric(head, versions[head.id]) for head in heads]


def change(session: Session, actor: Actor, metric_id: str, expected: int, wanted: MetricChange) -> Metric:
    """A new version with the fields that were named; nothing new, no new version."""
    head, current = _for_change(session, actor, metric_id, expected)
    fields = {name: getattr(wanted, name) for name in wanted.model_fields_set}
    return _write_if_new(session, actor, head, current, current.model_copy(update=fields))


def attach_evidence(
    session: Session, actor: Actor, metric_id: str, expected: int, evidence: CustomerEvidence
) -> Metric:
    """A new version with one more piece of evidence; a contextual inquiry qualifies the CPI."""
    head, current = _for_change(session, actor, metric_id, expected)
    more = current.model_copy(update={"evidence": (*current.evidence, evidence)})
    return _write_if_new(session, actor, head, current, more)


def pinned(session: Session, metric_id: str, version: int | None = None) -> PinnedMetric:
    """What a hypothesis, an experiment or an analysis refers to; the latest version unless one is named."""
    return _pin(get(session, metric_id, version))


def pinned_by(session: Session, key: str) -> PinnedMetric:
    """The same by its key, which names the version."""
    metric_id, _, version = key.partition("@")
    return pinned(session, metric_id, int(version))


def pinned_all(
    session: Session, wanted: Collection[tuple[str, int | None]]
) -> Mapping[tuple[str, int | None], PinnedMetric]:
    """The same for many references in two queries, however many they are."""
    ids = {metric_id for metric_id, _ in wanted}
    heads = {row.id: row for row in session.scalars(select(MetricRow).where(MetricRow.id.in_(ids)))}
    rows = session.scalars(select(MetricVersionRow).where(MetricVersionRow.metric_id.in_(ids)))
    kept = {(row.metric_id, row.version): row for row in rows}
    return {
        (metric_id, version): _pin(
            _as_metric(heads[metric_id], kept[metric_id, version or heads[metric_id].version])
        )
        for metric_id, version in wanted
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What changes of a metric: which version is the latest, and whether it has qualified."""

    id: str
    version: int
    state: MetricState | None


def heads_of(session: Session, metric_ids: Collection[str]) -> Mapping[str, Head]:
    """Of those that there are."""
    rows = session.execute(
        select(MetricRow.id, MetricRow.version, MetricRow.state).where(MetricRow.id.in_(metric_ids))
    )
    return {key: Head(id=key, version=version, state=state) for key, version, state in rows}


def look_up(session: Session, metric_id: str, version: int | None = None) -> PinnedMetric | None:
    """The same for a reference inside a document, which its reader refuses in its own words."""
    try:
        return pinned(session, metric_id, version)
    except MetricNotFound:
        return None


def active_cpis(session: Session, unit_type: str, at: datetime) -> tuple[PinnedMetric, ...]:
    """Every CPI of the unit type as it was at that moment: each may deserve the credit, and none retires.

    What was registered or changed later is none of them, or anybody could undo a verdict by registering.
    """
    latest = (
        select(MetricVersionRow.metric_id, func.max(MetricVersionRow.version))
        .join(MetricRow, MetricRow.id == MetricVersionRow.metric_id)
        .where(
            MetricRow.kind == MetricKind.CPI,
            MetricRow.unit_type == unit_type,
            MetricVersionRow.created_at <= at,
        )
        .group_by(MetricVersionRow.metric_id)
        .order_by(MetricVersionRow.metric_id)
    )
    wanted = [(metric_id, version) for metric_id, version in session.execute(latest)]
    return tuple(pinned_all(session, wanted).values())


def _judge(draft: MetricDraft) -> None:
    if broken := _refusals(draft):
        raise MetricRefused(errors=broken)


def _refusals(draft: MetricDraft) -> tuple[Violation, ...]:
    """Every rule that the draft breaks; an unknown template hides none of the others."""
    template = find_template(draft.template) if draft.template else None
    broken = rules.refusals(draft, template=template, today=now().date())
    if template is not None or not draft.template:
        return broken
    unknown = Violation(
        field="template",
        rule="known_template",
        message=f'There is no template "{draft.template}".',
        how="Leave it out, or name one of GET /v1/metrics/templates.",
    )
    return (unknown, *broken)


def _with_template_evidence(draft: MetricDraft) -> MetricDraft:
    """What another company found worth having is weak evidence, and is written down as just that."""
    template = find_template(draft.template) if draft.template else None
    if template is None or draft.kind is not MetricKind.CPI or template.metric.kind is not MetricKind.CPI:
        return draft
    borrowed = CustomerEvidence(
        method=Method.ANOTHER_COMPANY,
        summary=f'Taken from the template "{template.metric.name}": {template.reason}',
        date=now().date(),
    )
    return draft.model_copy(update={"evidence": (borrowed, *draft.evidence)})


def _for_change(
    session: Session, actor: Actor, metric_id: str, expected: int
) -> tuple[MetricRow, MetricDraft]:
    head = session.get(MetricRow, metric_id, with_for_update=True)
    if head is None:
        raise MetricNotFound(f"There is no metric {excerpt(metric_id)}.")
    require_team(actor, head.team)
    check_version(current=head.version, expected=expected)
    row = session.get_one(MetricVersionRow, (head.id, head.version))
    return head, MetricDraft.model_validate(row.document)


def _write_if_new(
    session: Session, actor: Actor, head: MetricRow, current: MetricDraft, wanted: MetricDraft
) -> Metric:
    if wanted == current:
        return get(session, head.id)
    _judge(wanted)
    return _write_version(session, actor, head, wanted)


def _write_version(session: Session, actor: Actor, head: MetricRow, draft: MetricDraft) -> Metric:
    head.version += 1
    head.state = rules.state(draft)
    session.flush()
    row = MetricVersionRow(
        metric_id=head.id,
        version=head.version,
        document=draft.model_dump(mode="json"),
        author=actor.owner,
        created_at=now(),
    )
    session.add(row)
    session.flush()
    return _as_metric(head, row)


def _as_metric(head: MetricRow, row: MetricVersionRow) -> Metric:
    draft = MetricDraft.model_validate(row.document)
    return Metric(
        **{name: getattr(draft, name) for name in MetricDraft.model_fields},
        id=head.id,
        version=row.version,
        state=head.state,
        warnings=rules.warnings(draft),
        team=head.team,
        owner=head.owner,
        author=row.author,
        created_at=head.created_at,
        updated_at=row.created_at,
    )


def _pin(metric: Metric) -> PinnedMetric:
    return PinnedMetric(
        id=metric.id,
        version=metric.version,
        kind=metric.kind,
        name=metric.name,
        team=metric.team,
        unit_type=metric.unit_type,
        state=metric.state,
        definition=metric.definition,
        increment=metric.increment,
        value_of_one_unit=metric.value_of_one_unit,
        better=metric.better,
        cost_of_one_increment=metric.cost_of_one_increment,
        expectations=metric.expectations,
    )
