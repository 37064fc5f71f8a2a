"""Does an id count once for ever, although retention or erasure took its row out of the lake?"""

import os
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from deltalake import DeltaTable

from service import facts
from service.facts import store
from service.facts.lake import spent
from service.facts.lake.condition import condition
from service.facts.lake.erasure import erase
from service.facts.lake.retiring import retire
from service.facts.lake.vacuum import vacuum
from service.facts.lake.verification import verify
from service.facts.tables import FactKind
from service.kit.clock import now
from tests.facts.conftest import put
from tests.facts.fold_and_die import RETIREMENT_POINTS
from tests.facts.reference import Exposed, Happened
from tests.facts.test_crash import fold_and_die
from tests.facts.test_erasure import GONE, files_with, hide

TODAY = now().astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture
def kept(settings):
    kept = {"outcomes_kept": 3 * DAY, "exposures_kept": 3 * DAY, "snapshots_kept": timedelta(0)}
    return settings.model_copy(update=kept)


def happened(*ids: str, unit: str = "u", time: datetime = TODAY) -> list[Happened]:
    return [Happened(one, unit, "called", time) for one in ids]


def exposed(*ids: str, time: datetime = TODAY) -> list[Exposed]:
    return [Exposed("exp_1", one, "u", time) for one in ids]


def ids(settings, kind: FactKind = FactKind.OUTCOMES) -> list[tuple[str, str]]:
    table = DeltaTable(store.address(settings, kind)).to_pyarrow_table()
    return sorted(zip(table["source"].to_pylist(), table["id"].to_pylist(), strict=True))


def test_an_id_that_was_retired_counts_no_second_time_whatever_time_it_names(kept, database):
    """Of outcomes a day goes whole; exposures of an experiment are written again without some."""
    put(database, FactKind.OUTCOMES, happened("o1", "o2", time=TODAY - 9 * DAY))
    put(database, FactKind.EXPOSURES, exposed("e1", time=TODAY - 9 * DAY) + exposed("e2"))
    facts.fold(kept, database)
    assert retire(kept, database).rows == 3
    put(database, FactKind.OUTCOMES, happened("o1", "o2", "o3"))
    put(database, FactKind.OUTCOMES, happened("o1"), source="another")
    put(database, FactKind.EXPOSURES, exposed("e1", "e2", "e3"))
    facts.fold(kept, database)
    vacuum(kept, database)
    put(database, FactKind.OUTCOMES, happened("o1", "o2", "o3"))
    facts.fold(kept, database)
    assert ids(kept) == [("another", "o1"), ("api", "o3")]
    assert ids(kept, FactKind.EXPOSURES) == [("api", "e2"), ("api", "e3")]
    assert verify(kept, database).differences == ()
    told = {table.kind: table.spent for table in condition(kept, database).tables}
    assert told == {**dict.fromkeys(FactKind, 0), FactKind.OUTCOMES: 2, FactKind.EXPOSURES: 1}


def test_an_id_of_an_erased_unit_comes_back_for_nobody_and_is_legible_nowhere(kept, database):
    put(database, FactKind.OUTCOMES, happened("o1", f"signed up: {GONE}", unit=GONE))
    put(database, FactKind.OUTCOMES, happened("o2"))
    facts.fold(kept, database)
    hide(database)
    assert erase(kept, database).units == 1
    assert files_with(kept, GONE) == []
    put(database, FactKind.OUTCOMES, happened("o1", "o2", f"signed up: {GONE}", "o3", unit="somebody else"))
    facts.fold(kept, database)
    assert ids(kept) == [("api", "o2"), ("api", "o3")]
    assert verify(kept, database).differences == ()


@pytest.mark.parametrize("point", [*RETIREMENT_POINTS, "before marking"])
def test_a_retirement_killed_at_this_point_lets_nothing_count_twice(kept, database, point):
    quick = kept.model_copy(update={"lake_lease": timedelta(milliseconds=1)})
    put(database, FactKind.OUTCOMES, happened("o1", time=TODAY - 9 * DAY) + happened("o2"))
    facts.fold(quick, database)
    assert fold_and_die(quick, point, 1, "retire", {"LEVERBOARD_OUTCOMES_KEPT": "P3D"})
    for _ in range(2):
        put(database, FactKind.OUTCOMES, happened("o1", "o2", "o3"))
        facts.fold(quick, database)
        assert verify(quick, database).differences == ()
        retire(quick, database)
    assert [one for _, one in ids(quick)] == ["o2", "o3"]


def test_an_id_of_a_unit_that_is_hidden_and_still_lies_in_files_is_not_missed(kept, database):
    put(database, FactKind.OUTCOMES, happened("o1", unit=GONE))
    facts.fold(kept, database)
    hide(database)
    put(database, FactKind.OUTCOMES, happened("o1", unit="somebody else"))
    facts.fold(kept, database)
    assert verify(kept, database).differences == ()


def test_files_of_many_nights_become_few_and_forget_nothing(settings, database, monkeypatch):
    monkeypatch.setattr(spent, "_LARGEST", 50)
    monkeypatch.setattr(spent, "_CROWD", 2)
    sent = [f"o{n}" for n in range(120)]
    for age in range(1, 13):
        some = happened(*sent[10 * age - 10 : 10 * age], time=TODAY - age * DAY)
        put(database, FactKind.OUTCOMES, some)
    facts.fold(settings, database)
    for night in range(12):
        nightly = settings.model_copy(update={"outcomes_kept": (11 - night) * DAY})
        assert retire(nightly, database).rows == 10
    names = sorted(path.stem.partition("-")[2] for path in (settings.lake_dir / "spent").rglob("*.arrow"))
    assert names == ["10", "10", "50", "50"]
    put(database, FactKind.OUTCOMES, happened(*sent, "new"))
    facts.fold(settings, database)
    assert ids(settings) == [("api", "new")]


def test_a_file_that_a_killed_writer_left_unfinished_is_no_file_and_is_swept_in_time(settings):
    store.put(settings, "spent/outcomes/a-1.arrow", b"whole")
    folder = settings.lake_dir / "spent" / "outcomes"
    left = [folder / ".unfinished-old", folder / ".unfinished-new"]
    for path in left:
        path.write_bytes(b"half")
    os.utime(left[0], (0, 0))
    store.put(settings, "spent/outcomes/b-1.arrow", b"whole")
    assert {path.name for path in folder.iterdir()} == {"a-1.arrow", "b-1.arrow", ".unfinished-new"}
    assert set(store.data_files(settings, "spent")) == {
        "spent/outcomes/a-1.arrow",
        "spent/outcomes/b-1.arrow",
    }


def test_ids_whose_first_bytes_are_the_same_by_chance_are_told_apart_by_the_rest():
    rng = np.random.default_rng(1)
    known, asked = (rng.integers(0, 40, (500, 2)).astype(np.uint64) for _ in range(2))
    file = spent.Digests.together([spent.Digests(heads=known[:, 0], tails=known[:, 1])])
    found = spent.Digests(heads=asked[:, 0], tails=asked[:, 1]).among(file)
    there = set(map(tuple, known.tolist()))
    assert len(file) == len(there)
    assert found.tolist() == [tuple(one) in there for one in asked.tolist()]
    assert 0 < found.sum() < len(found)
