"""What does the API process consist of? Its routers, its checks, its manners: all of it listed here."""

import gc
import json
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from service.access import authenticate
from service.customers.endpoints import customers, readings
from service.evidence.endpoints import evidence
from service.evidence.imported.endpoints import past
from service.evidence.posterior.endpoints import posterior
from service.experiments.endpoints import experiments
from service.explorations.endpoints import explorations
from service.facts.ingest import intake
from service.facts.ingest.endpoints import calls, events, facts
from service.facts.lake.endpoints import erasures, units
from service.facts.sources.endpoints import source_tests
from service.hypotheses.endpoints import hypotheses, mechanisms
from service.kit import health, openapi, problems
from service.kit.database import Database
from service.kit.errors import excerpt
from service.kit.health import Readiness
from service.kit.requests import RequestLog
from service.knowledge.endpoints import knowledge, notes, program
from service.levers.endpoints import levers
from service.levers.next_test import next_tests
from service.metrics.endpoints import metrics
from service.planning.endpoints import planning
from service.reports.endpoints import reports
from service.reports.receiving import report_deliveries, report_receivers, report_schedules
from service.runs.endpoints import experiment_runs, runs
from service.runs.health import worker_heartbeat
from service.settings import Settings
from service.sources.endpoints import sources
from service.studies.endpoints import studies
from service.web.assets import assets
from service.web.board import board
from service.web.chart_files import chart_files
from service.web.customers import customer_pages
from service.web.experiments import experiment_pages
from service.web.explorations import exploration_pages
from service.web.knowledge import knowledge_pages
from service.web.lever_map import lever_map
from service.web.metrics import metric_pages
from service.web.nowhere import nowhere
from service.web.registry.amendments import amendment_forms
from service.web.registry.design import design
from service.web.registry.experiments import experiment_forms
from service.web.registry.hypotheses import hypothesis_forms
from service.web.registry.library import library
from service.web.registry.metrics import metric_forms
from service.web.registry.studies import study_forms
from service.web.relationship import relationship
from service.web.reports import report_pages
from service.web.runs import run_pages
from service.web.sign_in import leaving, opening
from service.web.studies import study_pages

ROUTERS: tuple[APIRouter, ...] = (
    metrics,
    sources,
    source_tests,
    mechanisms,
    hypotheses,
    experiments,
    facts,
    calls,
    events,
    units,
    erasures,
    customers,
    readings,
    experiment_runs,
    runs,
    evidence,
    explorations,
    past,
    posterior,
    studies,
    levers,
    next_tests,
    notes,
    knowledge,
    program,
    planning,
    reports,
    report_schedules,
    report_receivers,
    report_deliveries,
    opening,
    leaving,
    board,
    lever_map,
    relationship,
    metric_forms,
    hypothesis_forms,
    amendment_forms,
    experiment_forms,
    study_forms,
    study_pages,
    library,
    design,
    knowledge_pages,
    customer_pages,
    experiment_pages,
    exploration_pages,
    metric_pages,
    run_pages,
    report_pages,
    chart_files,
)

# What /readyz asks, in this order. A check with ready=None only reports.
CHECKS: tuple[Callable[[Session], Readiness], ...] = (
    health.database_reachable,
    health.schema_current,
    worker_heartbeat,
)

probes = APIRouter(tags=["health"])


@probes.get("/livez", openapi_extra={"security": []})
async def livez() -> dict[str, str]:
    """The process answers. No database is asked."""
    return {"status": "alive"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Whether this process can do its work, and what each check found."""

    ready: bool
    checks: tuple[Readiness, ...]


@probes.get("/readyz", openapi_extra={"security": []}, responses={503: {"model": Report}})
def readyz(request: Request, response: Response) -> Report:
    """Is the database in reach, has it the tables of this release, and when was a worker last seen?"""
    checks = tuple(_checked(request.app.state.database))
    report = Report(ready=all(check.ready is not False for check in checks), checks=checks)
    response.status_code = 200 if report.ready else 503
    return report


def _checked(database: Database) -> list[Readiness]:
    found: list[Readiness] = []
    for check in CHECKS:  # each in a transaction of its own: one that fails spoils none of the others
        try:
            with database.read() as session:
                found.append(check(session))
        except SQLAlchemyError as error:
            found.append(Readiness(name=check.__name__, ready=False, detail=excerpt(error)))
    return found


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings.from_environment()
    app = FastAPI(
        title="Leverboard",
        summary="Proves which customer outcomes grow the business.",
        version="1",
        lifespan=_lifespan,
        docs_url=None,  # FastAPI's pages load their scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,  # a redirect would name whatever Host the client sent
        generate_unique_id_function=lambda route: route.name,  # clients name their methods by it
        separate_input_output_schemas=False,  # one name for one thing, whichever way it travels
    )
    app.state.settings = settings
    app.state.database = Database.open(settings.url)
    app.state.identify = authenticate
    app.add_middleware(RequestLog)
    problems.install(app)
    app.add_exception_handler(404, nowhere)
    for router in (*ROUTERS, assets, probes):
        app.include_router(router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def settle() -> None:
    """What start-up made stays: looking through all of it for garbage, again and again, takes 0.2 s a time.

    For a process that serves one app to its end, when nothing but requests follows.
    """
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    yield
    intake.stop(app)
    app.state.database.close()


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = openapi.complete(FastAPI.openapi(app))
    return app.openapi_schema


def openapi_text() -> str:
    """The committed document: sorted, so that a change of it shows what changed and nothing else."""
    app = create_app(Settings())
    return json.dumps(app.openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(openapi_text())
