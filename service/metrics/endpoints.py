"""How is the metric registry reached over HTTP?"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query, Response

from service.access.endpoints import CurrentActor, Editor
from service.kit.errors import PreconditionFailed, PreconditionRequired
from service.kit.http import IfMatch, Page, PageQuery, ReadSession, WriteSession, etag, router
from service.kit.problems import problems
from service.metrics import service
from service.metrics.customer import CustomerEvidence, MetricState
from service.metrics.schemas import Metric, MetricChange, MetricDraft, MetricKind, Template
from service.metrics.service import Filter, MetricNotFound, MetricRefused
from service.metrics.templates import templates

metrics = router("/v1/metrics", ["metrics"])

_REFUSED = problems(MetricRefused)
_CHANGING = problems(MetricNotFound, MetricRefused, PreconditionRequired, PreconditionFailed)
_MISSING = problems(MetricNotFound)


@metrics.post("", status_code=201, responses=_REFUSED)
def register_metric(draft: MetricDraft, actor: Editor, session: WriteSession, response: Response) -> Metric:
    """Register a CPI, a KPI or a count to watch. A refusal names the rule and how to satisfy it."""
    metric = service.create(session, actor, draft)
    response.headers["Location"] = f"/v1/metrics/{metric.id}"
    return _tagged(response, metric)


@metrics.get("")
def list_metrics(
    *,
    _: CurrentActor,
    session: ReadSession,
    pages: PageQuery,
    kind: MetricKind | None = None,
    team: Annotated[str | None, Query(max_length=200)] = None,
    state: MetricState | None = None,
    unit_type: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[Metric]:
    """The latest version of each metric, oldest metric first."""
    wanted = Filter(kind=kind, team=team, state=state, unit_type=unit_type)
    found = service.find(session, wanted, pages)
    return pages.answer(found.items, found.next)


@metrics.get("/templates")
def list_templates(_: CurrentActor) -> Sequence[Template]:
    """Metrics that other companies found worth having; post a template's `metric` to register it."""
    return templates()


@metrics.get("/{metric_id}", responses=_MISSING)
def get_metric(metric_id: str, _: CurrentActor, session: ReadSession, response: Response) -> Metric:
    """The latest version."""
    return _tagged(response, service.get(session, metric_id))


@metrics.get("/{metric_id}/versions", responses=_MISSING)
def list_metric_versions(metric_id: str, _: CurrentActor, session: ReadSession) -> Sequence[Metric]:
    """Every version, oldest first."""
    return service.versions(session, metric_id)


@metrics.get("/{metric_id}/versions/{version}", responses=_MISSING)
def get_metric_version(
    metric_id: str,
    version: Annotated[int, Path(ge=1, le=2**31 - 1)],
    _: CurrentActor,
    session: ReadSession,
) -> Metric:
    """One version, as a hypothesis pinned it."""
    return service.get(session, metric_id, version)


@metrics.patch("/{metric_id}", responses=_CHANGING)
def change_metric(
    *,
    metric_id: str,
    change: MetricChange,
    expected: IfMatch,
    actor: Editor,
    session: WriteSession,
    response: Response,
) -> Metric:
    """Make a new version with the fields that are given. Hypotheses keep the version that they pinned."""
    return _tagged(response, service.change(session, actor, metric_id, expected, change))


@metrics.post("/{metric_id}/evidence", responses=_CHANGING)
def attach_evidence(
    *,
    metric_id: str,
    evidence: CustomerEvidence,
    expected: IfMatch,
    actor: Editor,
    session: WriteSession,
    response: Response,
) -> Metric:
    """Attach evidence; a contextual inquiry with place, researcher and journey point qualifies a CPI."""
    return _tagged(response, service.attach_evidence(session, actor, metric_id, expected, evidence))


def _tagged(response: Response, metric: Metric) -> Metric:
    response.headers["ETag"] = etag(metric.version)
    return metric
