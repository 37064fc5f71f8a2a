"""Does the long lane tell the truth about a row, and does the committed page show every row?"""

from dataclasses import replace

import pytest

from analyses import ConfidenceSet, Shape
from analyses.posterior.prior import NAMES
from tests.calibration.__main__ import COUNTED, PAGE, count, stale
from tests.calibration.lane import CLAIMED, PROGRAMME, RANKED, counted, tasks
from tests.calibration.many_rows import SEVERAL_ARMS, TABLE_2
from tests.calibration.measure import Rates, measured
from tests.calibration.page import Usual, lines, page
from tests.calibration.ranks import BINS, Ranked
from tests.calibration.records import Record, Records
from tests.calibration.rows import TABLE_1
from tests.calibration.sets import holds
from tests.calibration.stopping import IN_TURN, STOPPED
from tests.calibration.table_3 import MORE
from tests.calibration.tables import TABLES
from tests.calibration.unit_rows import EVERY_DAY, FROM_UNITS

ROW = replace(TABLE_1[0], slope=0.0, covered=True, least=None)


def rates(**shares):
    whole = {"row": ROW, "replications": 1000, "confirmed": 0.03, "rejected": 0.9, "coverage": 0.95}
    return Rates(**(whole | shares))


def test_the_committed_page_says_what_was_counted():
    assert page(Records(COUNTED)) == PAGE.read_text()


def test_a_row_that_was_not_counted_is_on_the_page_and_not_left_out(tmp_path):
    records = Records(tmp_path / "one.jsonl")
    records.keep(record(TABLE_1[0]))
    shown = page(records)
    for task in tasks(1):
        assert f"| {task.name} | " in shown
    assert (
        "| strong, b = .2 | 0.2 | 0 | 1.000 | 0.000 | 0.000 ± 0.000 | 0.950 ± 0.007 | 1/0 .952 | holds |"
        in shown
    )
    assert "| b = d | – | – | – | – | – | – | – | **not counted yet** |" in shown
    assert "| NUTS | – | – | – | – | **not counted yet** |" in shown


def record(row, **changed):
    whole = {"section": "One experiment (Table 1)", "name": row.name, "replications": 1000, "seed": 7}
    whole |= {"code": "one", "version": "1", "day": "2026-11-23"}
    return Record(**(whole | {"found": {"confirmed": 1.0, "rejected": 0.0, "coverage": 0.95}} | changed))


def test_a_row_of_another_commit_or_number_of_replications_says_so():
    usual = Usual(replications=1000, code="one")
    told = [
        str(*lines(record(TABLE_1[0], **changed), usual)).rpartition(" | ")[2]
        for changed in ({}, {"code": "two"}, {"replications": 4000, "code": "two+"})
    ]
    assert told == ["holds |", "holds (commit two) |", "holds (R = 4,000, commit two+) |"]


class InThisProcess:
    """A pool that notes which rows it was given."""

    def __init__(self):
        self.given = []

    def imap(self, ask, rows):
        self.given += [row.name for row in rows]
        return map(ask, rows)


def test_a_lane_that_was_stopped_counts_the_rows_that_are_left(tmp_path):
    path, wanted = tmp_path / "counted.jsonl", [*tasks(20)][:3]
    [*first] = count(wanted[:2], Records(path), InThisProcess(), seed=7, code="one")
    again, records = InThisProcess(), Records(path)
    assert [*count(stale(wanted, records, seed=7, code="one"), records, again, seed=7, code="one")]
    assert again.given == [wanted[2].name]
    assert [*Records(path)][:2] == first
    rates = measured(TABLE_1[2], 20, 7)
    assert records.get(wanted[2].section, wanted[2].name).found["confirmed"] == rates.confirmed
    for own in ({"seed": 8, "code": "one"}, {"seed": 7, "code": "two"}):
        assert stale(wanted, records, **own) == wanted
    oftener = [replace(one, replications=21) for one in wanted]
    assert stale(oftener, records, seed=7, code="one") == oftener


def test_changes_that_are_not_committed_are_counted_again(tmp_path):
    wanted, records = [*tasks(20)][:1], Records(tmp_path / "counted.jsonl")
    [*_] = count(wanted, records, InThisProcess(), seed=7, code="one+")
    assert stale(wanted, records, seed=7, code="one+") == wanted


def test_a_row_near_its_bar_has_replications_of_its_own():
    many = {one.name: one.replications for one in tasks(100) if one.section in TABLES}
    assert many["strong, b = .2"] == 100
    assert many[SEVERAL_ARMS[0].name] == 100 * SEVERAL_ARMS[0].times > 100


def test_rows_of_other_kinds_are_counted_by_their_names_too():
    of = {(one.section, one.name): one for one in tasks(2)}
    assert counted(of[PROGRAMME, "none of 200 true | BH"], 1)["found"] is None
    claim = counted(of[CLAIMED, "regression discontinuity | slope covered, 500 units"], 1)
    assert claim["answered"] == 2
    ranks = counted(of[RANKED, "importance sampling"], 1)["counts"]
    assert [sum(each) for each in ranks] == [2] * len(NAMES)


def test_names_are_told_apart_since_they_are_seeds():
    every = [(one.section, one.name) for one in tasks(1)]
    assert len(set(every)) == len(every)


def test_a_row_within_its_bar_holds_and_one_beyond_it_is_shown_failing():
    assert rates().said == "holds"
    assert rates(confirmed=0.06).misses(2) == ["wrong too often"]
    assert rates(coverage=0.9).misses(2) == ["coverage too low"]
    assert rates(row=replace(ROW, slope=0.2, least=0.85), confirmed=0.7, rejected=0).misses(2) == [
        "confirms too rarely"
    ]
    assert "**fails: wrong too often**" in rates(confirmed=0.06).said
    assert rates(confirmed=0.045).said == "undecided: wrong too often"


def test_wrong_is_a_confirmation_where_there_is_no_lever_and_a_rejection_where_there_is_one():
    assert rates().wrong == 0.03
    assert rates(row=replace(ROW, slope=0.1)).wrong == 0.9
    assert rates(row=replace(ROW, slope=0.05)).wrong == 0.0


def test_an_untestable_truth_is_shown_and_not_counted():
    misled = rates(row=replace(ROW, untestable=True), confirmed=0.9)
    assert misled.misses(0) == []
    assert misled.said == "untestable"


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


def test_ranks_that_crowd_or_shun_the_middle_are_seen():
    even = [50] * BINS
    crowded = [20] * 5 + [80] * 10 + [20] * 5
    of = Ranked(
        method="one", counts=[even, crowded, [5] * 5 + [95] * 10 + [5] * 5, even, even, even], tries=1000
    )
    assert [of.said(name)[:5] for name in NAMES[:3]] == ["holds", "**fai", "**fai"]
    assert (of.inside("beta"), of.inside("mu_g"), of.answered) == (0.5, 0.8, 1000)
