"""The map: which customer outcomes lead to which results of the company, and what is known of each way."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request, Response

from service.kit import paging
from service.kit.http import ReadSession
from service.levers import service as levers
from service.levers.schemas import LeverView, Sorting
from service.web.lever_words import Told, told
from service.web.lines import lines
from service.web.rendering import page
from service.web.route import pages

lever_map = pages()
MOST = paging.LARGEST_LIMIT  # more ways than this nobody sees apart; the board lists them all
STEP, TOP = 44, 30  # pixels between two names, and above the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    id: str
    name: str
    y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One lever from its CPI, on the left, to its KPI, on the right."""

    told: Told
    start: int
    end: int
    thick: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    cpis: Sequence[Node]
    kpis: Sequence[Node]
    ways: Sequence[Way]
    height: int


@lever_map.get("/map")
def map_page(request: Request, session: ReadSession) -> Response:
    found = levers.find(session, levers.Filter(), Sorting.STATE, paging.Query(limit=MOST))
    return page(
        request,
        "map.html",
        drawn=drawn(found.items),
        lines=lines(request, "map_line.html", found.items),
        more=found.next is not None,
    )


def drawn(views: Sequence[LeverView]) -> Drawn:
    """CPIs and KPIs in the order in which the ways name them, proven ones first."""
    ways = [told(view) for view in views]
    cpis = _column({way.lever.cpi.id: way.lever.cpi.name for way in ways})
    kpis = _column({way.lever.kpi.id: way.lever.kpi.name for way in ways})
    left, right = {node.id: node.y for node in cpis}, {node.id: node.y for node in kpis}
    return Drawn(
        cpis=cpis,
        kpis=kpis,
        ways=[
            Way(told=way, start=left[way.lever.cpi.id], end=right[way.lever.kpi.id], thick=_thick(way))
            for way in ways
        ],
        height=TOP + STEP * max(len(cpis), len(kpis), 1),
    )


def _column(names: dict[str, str]) -> list[Node]:
    return [Node(id=key, name=name, y=TOP + STEP * n) for n, (key, name) in enumerate(names.items())]


def _thick(way: Told) -> float:
    """From 1.5 to 8: the size in smallest slopes of interest, where one is known."""
    return 1.5 if way.estimate is None else round(min(1.5 + abs(way.estimate / way.smallest), 8.0), 2)
