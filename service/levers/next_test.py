"""The door to what should be tested next."""

from typing import Annotated

from fastapi import Query

from service.access import CurrentActor
from service.kit.http import ReadSession, router
from service.levers import worth
from service.levers.worth import NextTests, Program

next_tests = router("/v1/program", ["levers"])


@next_tests.get("/next")
def list_next_tests(
    *,
    session: ReadSession,
    _: CurrentActor,
    volume: Annotated[
        float | None,
        Query(ge=0, le=1e15, allow_inf_nan=False, description="Customers a year: ranks by money."),
    ] = None,
    increments: Annotated[
        float,
        Query(gt=0, le=1e9, allow_inf_nan=False, description="How far the CPI would improve for each."),
    ] = 1.0,
    cost_per_unit: Annotated[
        float, Query(ge=0, le=1e12, allow_inf_nan=False, description="Of one unit in a study.")
    ] = 0.0,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> NextTests:
    """Claims by the expected value of the experiment that would decide them, the most worthwhile first."""
    return worth.ranked(
        session, Program(volume=volume, increments=increments, cost_per_unit=cost_per_unit), limit
    )
