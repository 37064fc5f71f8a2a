"""Do facts leave the lake when their time is over, and stay out, whatever comes in late?"""

from datetime import UTC, datetime, timedelta

import pytest
from deltalake import DeltaTable

from service import facts
from service.facts.lake.retiring import Retired, retire
from service.facts.lake.verification import verify
from service.facts.tables import FactKind
from service.kit.clock import now
from tests.facts.conftest import put
from tests.facts.reference import Assigned, Happened

TODAY = now().astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture
def kept(settings):
    return settings.model_copy(update={"outcomes_kept": 3 * DAY, "assignments_kept": 3 * DAY})


def days(settings, kind: FactKind) -> list[datetime]:
    return sorted(DeltaTable(settings.lake_dir / kind).to_pyarrow_table()["time"].to_pylist())


def fill(database) -> None:
    times = [TODAY - age * DAY for age in range(6)]
    put(database, FactKind.OUTCOMES, [Happened(f"o{n}", "u", "called", at) for n, at in enumerate(times)])
    put(
        database,
        FactKind.ASSIGNMENTS,
        [Assigned("exp_1", f"u{n}", "control", at) for n, at in enumerate(times)],
    )


def test_days_go_whole_and_parts_are_written_again_without_what_is_out_of_date(each_settings, each_database):
    kept = each_settings.model_copy(update={"outcomes_kept": 3 * DAY, "assignments_kept": 3 * DAY})
    fill(each_database)
    facts.fold(kept, each_database)
    assert retire(kept, each_database) == Retired(rows=4, parts=2)
    wanted = [TODAY - age * DAY for age in (3, 2, 1, 0)]
    assert days(kept, FactKind.OUTCOMES) == days(kept, FactKind.ASSIGNMENTS) == wanted
    assert verify(kept, each_database).differences == ()
    assert retire(kept, each_database) == Retired()


def test_what_comes_in_late_of_a_time_that_is_gone_is_left_out(kept, database):
    fill(database)
    facts.fold(kept, database)
    retire(kept, database)
    fill(database)
    put(database, FactKind.OUTCOMES, [Happened("late", "u", "called", TODAY - 9 * DAY)])
    longer = kept.model_copy(update={"outcomes_kept": 99 * DAY, "assignments_kept": None})
    facts.fold(longer, database)
    retire(longer, database)
    assert len(days(kept, FactKind.OUTCOMES)) == len(days(kept, FactKind.ASSIGNMENTS)) == 4
    assert verify(kept, database).differences == ()


def test_without_a_setting_everything_stays_for_good(settings, database):
    fill(database)
    facts.fold(settings, database)
    assert retire(settings, database) == Retired()
    assert len(days(settings, FactKind.OUTCOMES)) == 6
