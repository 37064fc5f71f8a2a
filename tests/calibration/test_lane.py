"""Does the long lane tell the truth about a row, and does the committed page show every row?"""

from dataclasses import replace
from pathlib import Path

import pytest

from analyses import ConfidenceSet, Shape
from tests.calibration.measure import Rates, holds, measured
from tests.calibration.page import line
from tests.calibration.rows import TABLE_1, TABLE_2, TABLES

PAGE = Path(__file__).parents[2] / "docs" / "calibration.md"
ROW = replace(TABLE_1[0], slope=0.0, covered=True, least=None)


def rates(**shares):
    whole = {"row": ROW, "replications": 1000, "confirmed": 0.03, "rejected": 0.9, "coverage": 0.95}
    return Rates(**(whole | shares))


@pytest.mark.parametrize("table", TABLES)
def test_every_row_stands_on_the_committed_page(table):
    section = PAGE.read_text().partition(f"## {table}\n")[2].partition("\n## ")[0]
    shown = [cells.split(" | ")[0].removeprefix("| ") for cells in section.splitlines()[3:] if cells]
    assert shown == [row.name for row in TABLES[table]]


def test_a_row_within_its_bar_holds_and_one_beyond_it_is_shown_failing():
    assert rates().said == "holds"
    assert rates(confirmed=0.06).misses(2) == ["wrong too often"]
    assert rates(coverage=0.9).misses(2) == ["coverage too low"]
    assert rates(row=replace(ROW, slope=0.2, least=0.85), confirmed=0.7, rejected=0).misses(2) == [
        "confirms too rarely"
    ]
    assert "**fails: wrong too often**" in line(rates(confirmed=0.06))
    assert rates(confirmed=0.045).said == "undecided: wrong too often"


def test_wrong_is_a_confirmation_where_there_is_no_lever_and_a_rejection_where_there_is_one():
    assert rates().wrong == 0.03
    assert rates(row=replace(ROW, slope=0.1)).wrong == 0.9
    assert rates(row=replace(ROW, slope=0.05)).wrong == 0.0


def test_an_untestable_truth_is_shown_and_not_counted():
    misled = rates(row=replace(ROW, untestable=True), confirmed=0.9)
    assert misled.misses(0) == []
    assert "untestable" in line(misled)


@pytest.mark.parametrize("row", [TABLE_1[3], TABLE_2[1]], ids=lambda row: row.name)
def test_a_row_gives_the_same_again_with_its_seed(row):
    assert measured(row, 3, 1) == measured(row, 3, 1)


def test_a_set_in_pieces_holds_what_lies_in_a_piece():
    rays = ConfidenceSet(shape=Shape.RAYS, pieces=((None, 0.1), (0.4, None)))
    assert [holds(rays, slope) for slope in (-5, 0.2, 0.5)] == [True, False, True]
