"""Metrics: what customers said they value, how it is measured, and which levers it is part of."""

from typing import Annotated

from fastapi import Query, Request, Response

from service.charts.drawing import pictured
from service.hypotheses import service as hypotheses
from service.kit import paging
from service.kit.http import ReadSession
from service.metrics import service as metrics
from service.metrics.schemas import MetricKind
from service.web import metric_shown
from service.web.noted import noted
from service.web.rendering import page, words_of
from service.web.rights import may_change, may_edit
from service.web.route import pages

metric_pages = pages()


@metric_pages.get("/metrics")
def metrics_page(
    request: Request,
    session: ReadSession,
    kind: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Response:
    known = MetricKind(kind) if kind in list(MetricKind) else None
    found = metrics.find(session, metrics.Filter(kind=known), paging.Query(cursor=cursor))
    return page(
        request,
        "metrics.html",
        metrics=found.items,
        kinds=tuple(MetricKind),
        kind=kind,
        following=found.next,
        may_edit=may_edit(request),
    )


@metric_pages.get("/metrics/{metric_id}")
def metric_page(metric_id: str, request: Request, session: ReadSession) -> Response:
    metric = metrics.get(session, metric_id)
    several = paging.Query(limit=paging.LARGEST_LIMIT)
    wanted = (
        hypotheses.Filter(cpi=metric.id)
        if metric.kind is MetricKind.CPI
        else hypotheses.Filter(kpi=metric.id)
    )
    found = hypotheses.find(session, wanted, several)
    standing = metric_shown.standing(words_of(request), session, metric)
    return page(
        request,
        "metric.html",
        metric=metric,
        standing=standing,
        brought=metric_shown.brought(session, found.items) if metric.kind is MetricKind.CPI else [],
        charts=pictured(request.app.state.database, session, standing.charts),
        hypotheses=found.items,
        more=found.next is not None,
        noted=noted(request, session, metric.id),
        may_change=may_change(request, metric.team),
    )
