"""The board: which customer outcomes grow the business, how much, how sure, and who carries them?"""

import csv
from io import StringIO
from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from service.evidence.documents import SlopeDocument
from service.kit import paging
from service.kit.http import ReadSession
from service.levers import service as levers
from service.levers.schemas import LeverState, LeverView, Sorting
from service.web.lever_words import told
from service.web.rendering import page
from service.web.route import pages
from service.web.strip import strip

board = pages()
MOST = 5000  # levers in one download
Search = Annotated[str, Query(max_length=200)]
Team = Annotated[str, Query(max_length=200)]
State = Annotated[str, Query(max_length=20)]
Cursor = Annotated[str | None, Query(max_length=512)]


@board.get("/")
def home() -> Response:
    return RedirectResponse("/board", status_code=303)


@board.get("/board")
def board_page(
    *,
    request: Request,
    session: ReadSession,
    q: Search = "",
    team: Team = "",
    state: State = "",
    sort: Sorting = Sorting.STATE,
    cursor: Cursor = None,
) -> Response:
    wanted = _filter(q, team, state)
    found = levers.find(session, wanted, sort, paging.Query(cursor=cursor))
    rows = [(one, strip(one)) for one in map(told, found.items)]
    return page(
        request,
        "board.html",
        rows=rows,
        standings=levers.standings(session),
        states=tuple(LeverState),
        sortings=tuple(Sorting),
        teams=levers.teams(session),
        asked={"q": q, "team": team, "state": state, "sort": sort.value},
        following=found.next,
    )


@board.get("/board.json")
def board_json(session: ReadSession, q: Search = "", team: Team = "", state: State = "") -> Response:
    rows = [lever.model_dump_json() for lever in _everything(session, _filter(q, team, state))]
    return _download(f"[{','.join(rows)}]\n", "application/json", "levers.json")


@board.get("/board.csv")
def board_csv(session: ReadSession, q: Search = "", team: Team = "", state: State = "") -> Response:
    text, records = StringIO(), map(_record, _everything(session, _filter(q, team, state)))
    written: csv.DictWriter[str] | None = None
    for record in records:
        if written is None:
            written = csv.DictWriter(text, record)
            written.writeheader()
        written.writerow({name: _cell(value) for name, value in record.items()})
    return _download(text.getvalue(), "text/csv; charset=utf-8", "levers.csv")


def _filter(q: str, team: str, state: str) -> levers.Filter:
    """An address typed by hand with a state that does not exist asks for all of them."""
    known = LeverState(state) if state in list(LeverState) else None
    return levers.Filter(state=known, team=team or None, search=q.strip() or None)


def _everything(session: ReadSession, wanted: levers.Filter) -> list[LeverView]:
    found: list[LeverView] = []
    cursor = None
    while len(found) < MOST:
        part = levers.find(
            session, wanted, Sorting.STATE, paging.Query(limit=paging.LARGEST_LIMIT, cursor=cursor)
        )
        found += part.items
        cursor = part.next
        if cursor is None:
            break
    return found


def _record(lever: LeverView) -> dict[str, object]:
    """One line of the table: the numbers as the API gives them."""
    verdict = lever.verdict
    slope = verdict.slope if verdict is not None and isinstance(verdict.slope, SlopeDocument) else None
    low, high = (None, None) if slope is None else slope.interval
    return {
        "hypothesis_id": lever.hypothesis_id,
        "statement": lever.statement,
        "cpi": lever.cpi.name,
        "kpi": lever.kpi.name,
        "increment": lever.increment,
        "state": lever.state.value,
        "label": None if verdict is None else verdict.label,
        "proven": None if verdict is None else verdict.proven,
        "slope": None if slope is None else slope.estimate,
        "low": low,
        "high": high,
        "smallest_slope": lever.smallest_slope,
        "experiments": None if verdict is None else verdict.experiments,
        "mechanisms": None if verdict is None else verdict.mechanisms,
        "team": lever.team,
        "owner": lever.owner,
        "judged_at": None if verdict is None else verdict.at.isoformat(),
        "sentence": None if verdict is None else verdict.sentence,
    }


def _cell(value: object) -> object:
    """A text that a spreadsheet would run as a formula gets a quote before it."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value


def _download(text: str, kind: str, name: str) -> Response:
    return Response(text, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
