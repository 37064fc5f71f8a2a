"""The board: which customer outcomes grow the business, how much, how sure, and who carries them?"""

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from service.evidence.documents import SlopeDocument, Unanswered
from service.kit import paging
from service.kit.http import ReadSession
from service.levers import service as levers
from service.levers.discoveries import FalseDiscoveryView
from service.levers.schemas import LeverState, LeverView, Sorting
from service.levers.value import Asked, LeverDetail, LeverValue, value_of
from service.web.downloads import csv_file, json_file
from service.web.lines import lines
from service.web.numbers_typed import customers_in, steps_in
from service.web.rendering import page
from service.web.route import pages

board = pages()
Search = Annotated[str, Query(max_length=200)]
Team = Annotated[str, Query(max_length=200)]
State = Annotated[str, Query(max_length=20)]
Typed = Annotated[str, Query(max_length=20)]
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
    volume: Typed = "",
    increments: Typed = "",
    cursor: Cursor = None,
) -> Response:
    wanted, asked = _filter(q, team, state), _asked(volume, increments)
    found = levers.find(session, wanted, sort, paging.Query(cursor=cursor))
    return page(
        request,
        "board.html",
        lines=lines(request, "board_line.html", found.items, asked),
        standings=levers.standings(session),
        states=tuple(LeverState),
        sortings=tuple(Sorting),
        teams=levers.teams(session),
        asked={"q": q, "team": team, "state": state, "sort": sort.value},
        volume=volume,
        increments=increments or "1",
        year=[] if asked is None else [("volume", volume), ("increments", increments)],
        tested=_farthest(found.items),
        following=found.next,
    )


@board.get("/board.json")
def board_json(
    *,
    session: ReadSession,
    q: Search = "",
    team: Team = "",
    state: State = "",
    volume: Typed = "",
    increments: Typed = "",
) -> Response:
    """Each lever as the API gives it, with its value of a year where a volume was asked about."""
    asked = _asked(volume, increments)
    rows = [
        LeverDetail.model_validate({**dict(one), "value": None if asked is None else value_of(one, asked)})
        for one in _everything(session, _filter(q, team, state))
    ]
    text = ",".join(row.model_dump_json() for row in rows)
    return json_file(f"[{text}]\n", "levers")


@board.get("/board.csv")
def board_csv(
    *,
    session: ReadSession,
    q: Search = "",
    team: Team = "",
    state: State = "",
    volume: Typed = "",
    increments: Typed = "",
) -> Response:
    asked = _asked(volume, increments)
    records = (_record(one, asked) for one in _everything(session, _filter(q, team, state)))
    return csv_file(records, "levers")


def _filter(q: str, team: str, state: str) -> levers.Filter:
    """An address typed by hand with a state that does not exist asks for all of them."""
    known = LeverState(state) if state in list(LeverState) else None
    return levers.Filter(state=known, team=team or None, search=q.strip() or None)


def _asked(volume: str, increments: str) -> Asked | None:
    """How many customers a year and how far for each of them; what is no such number asks for nothing."""
    customers, steps = customers_in(volume), steps_in(increments)
    if customers is None:
        return None
    return Asked(volume=customers, increments=1.0 if steps is None else steps, value_per_kpi_unit=None)


def _farthest(shown: Sequence[LeverView]) -> float:
    """The largest improvement that was tested for any of these: the end of the slider, in increments."""
    return max((one.verdict.tested_up_to for one in shown if one.verdict is not None), default=0.0)


def _everything(session: ReadSession, wanted: levers.Filter) -> Iterator[LeverView]:
    return paging.everything(lambda query: levers.find(session, wanted, Sorting.STATE, query))


def _record(lever: LeverView, asked: Asked | None) -> dict[str, object]:
    """One line of the table: the numbers as the API gives them."""
    return {**_claim(lever), **_answer(lever), **_chance(lever), **_worth(lever, asked), **_customers(lever)}


def _claim(lever: LeverView) -> dict[str, object]:
    return {
        "hypothesis_id": lever.hypothesis_id,
        "statement": lever.statement,
        "cpi": lever.cpi.name,
        "kpi": lever.kpi.name,
        "increment": lever.increment,
        "provisional": lever.provisional,
        "direction": lever.direction.value,
        "smallest_slope": lever.smallest_slope,
        "team": lever.team,
        "owner": lever.owner,
    }


def _answer(lever: LeverView) -> dict[str, object]:
    verdict = lever.verdict
    low, high, estimate = _slope(None if verdict is None else verdict.slope)
    past = lever.retrospective
    return {
        "state": lever.state.value,
        "label": verdict and verdict.label,
        "proven": verdict and verdict.proven,
        "slope": estimate,
        "low": low,
        "high": high,
        "coverage": verdict and verdict.coverage,
        "rung": lever.standing.rung,
        "at_half": verdict and verdict.at_half and verdict.at_half.value,
        "at_double": verdict and verdict.at_double and verdict.at_double.value,
        "holds_for": None if verdict is None else _segments(lever, holds=True),
        "fails_for": None if verdict is None else _segments(lever, holds=False),
        "experiments": verdict and verdict.experiments,
        "mechanisms": verdict and verdict.mechanisms,
        "judged_at": verdict and verdict.at.isoformat(),
        "sentence": verdict and verdict.sentence,
        "retrospective": past and past.grade.value,
    }


def _chance(lever: LeverView) -> dict[str, object]:
    """Beside the verdict: empty where nothing was claimed, or the verdict is older than these numbers."""
    found = lever.false_discovery
    known = found if isinstance(found, FalseDiscoveryView) else None
    return {
        "p_value": known and known.p_value,
        "false_share": known and known.share,
        "false_share_positive": known and known.share_positive,
        "false_share_anytime": known and known.share_anytime,
        "false_among": known and known.hypotheses,
    }


def _slope(slope: SlopeDocument | Unanswered | None) -> tuple[float | None, float | None, float | None]:
    """Its ends, then its estimate."""
    return (*slope.interval, slope.estimate) if isinstance(slope, SlopeDocument) else (None, None, None)


def _segments(lever: LeverView, *, holds: bool) -> str:
    found = [] if lever.verdict is None else lever.verdict.segments
    return "; ".join(f"{one.segmentation} {one.segment}" for one in found if one.holds is holds)


def _worth(lever: LeverView, asked: Asked | None) -> dict[str, object]:
    found = None if asked is None else value_of(lever, asked)
    value, earning = found if isinstance(found, LeverValue) else None, lever.earning
    low, high = (None, None) if value is None else value.interval
    return {
        "tested_up_to": lever.verdict and lever.verdict.tested_up_to,
        "value_of_a_year": value and value.estimate,
        "value_low": low,
        "value_high": high,
        "value_currency": value and value.currency,
        "cost_of_one_increment": earning and earning.cost,
        "return": earning and earning.estimate,
    }


def _customers(lever: LeverView) -> dict[str, object]:
    current, carried = lever.cpi.current, lever.carried_by
    return {
        "current_level": current and current.level,
        "level_before": current and current.before,
        "level_on": current and current.day.isoformat(),
        "expected": "; ".join(f"{one.segment} {one.level:g}" for one in lever.cpi.expectations),
        "carried_by": carried and carried.team,
        "person": carried and carried.person,
        "target": carried and carried.target,
        "target_by": carried and carried.by and carried.by.isoformat(),
    }
