"""Does the long lane tell the truth about a row, and does the committed page show every row?"""

from dataclasses import replace
from pathlib import Path

import pytest

from analyses import ConfidenceSet, Shape
from tests.calibration.__main__ import rates_of
from tests.calibration.claims.__main__ import TITLE
from tests.calibration.claims.all import CLAIMS
from tests.calibration.kept import Kept
from tests.calibration.measure import Rates, measured
from tests.calibration.page import line, programme_line
from tests.calibration.programme import RULES, TRUTHS, UNCORRECTED, discoveries
from tests.calibration.rows import TABLE_1, TABLE_2
from tests.calibration.sets import holds
from tests.calibration.stopping import IN_TURN, STOPPED
from tests.calibration.table_3 import MORE
from tests.calibration.tables import TABLES
from tests.calibration.unit_rows import EVERY_DAY, FROM_UNITS

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


def test_every_correction_over_the_programme_stands_on_the_committed_page():
    section = PAGE.read_text().partition("## 200 hypotheses at once")[2]
    for truth in TRUTHS:
        for rule in RULES:
            assert f"| {truth} | {rule} | " in section


def test_every_promise_stands_on_the_committed_page():
    section = PAGE.read_text().partition(TITLE)[2]
    rows = [f"| {one.family} | {one.name} | " for one in CLAIMS]
    assert [row for row in rows if row not in section] == []


class InThisProcess:
    """A pool that notes which rows it was given."""

    def __init__(self):
        self.given = []

    def imap(self, ask, rows):
        self.given += [row.name for row in rows]
        return map(ask, rows)


def test_a_lane_that_was_stopped_measures_the_rows_that_are_left(tmp_path):
    kept = Kept(tmp_path / "build" / "kept.jsonl", replications=20, seed=7, code="one")
    rows = TABLE_1[:3]
    [*first], again = rates_of("one", rows[:2], InThisProcess(), kept), InThisProcess()
    assert [*rates_of("one", rows, again, kept)] == [*first, measured(rows[2], 20, 7)]
    assert again.given == [rows[2].name]
    for own in ({"seed": 8, "code": "one"}, {"seed": 7, "code": "two"}):
        other = Kept(tmp_path / "build" / "kept.jsonl", replications=20, **own)
        assert other.there("one", rows) == kept.there("another table", rows) == {}
    kept.forget()
    assert kept.there("one", rows) == {}


def test_names_are_told_apart_since_they_are_seeds():
    for rows in TABLES.values():
        assert len({row.name for row in rows}) == len(rows)


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


@pytest.mark.parametrize(
    "row",
    [TABLE_1[3], TABLE_2[1], FROM_UNITS[0], EVERY_DAY[0], STOPPED[1], IN_TURN[0], MORE[6]],
    ids=lambda row: row.name,
)
def test_a_row_gives_the_same_again_with_its_seed(row):
    assert measured(row, 3, 1) == measured(row, 3, 1)


def test_a_set_in_pieces_holds_what_lies_in_a_piece():
    rays = ConfidenceSet(shape=Shape.RAYS, pieces=((None, 0.1), (0.4, None)))
    assert [holds(rays, slope) for slope in (-5, 0.2, 0.5)] == [True, False, True]


# A short version of the lane: gross errors alone show at so few replications.
SHORT = [row for row in FROM_UNITS if "two mechanisms" not in row.name]


@pytest.mark.parametrize("row", SHORT, ids=lambda row: row.name)
def test_units_of_every_kind_are_rarely_judged_wrong(row):
    assert measured(row, 40, 1).misses(4) == []


@pytest.mark.parametrize("row", EVERY_DAY[:3], ids=lambda row: row.name)
def test_who_looks_every_day_is_rarely_ever_wrong(row):
    assert measured(row, 6, 1).misses(4) == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != UNCORRECTED])
def test_false_discoveries_stay_within_their_share_of_a_programme(rule):
    found = discoveries("20 of 200 true, z = 4", rule, 60, 1)
    assert found.false_share < 0.05 + 4 * found.error
    assert found.found > 0.3
    assert "| 20 of 200 true" in programme_line(found)


def test_without_a_correction_false_discoveries_are_many():
    assert discoveries("20 of 200 true, z = 4", UNCORRECTED, 20, 1).false_share > 0.15
