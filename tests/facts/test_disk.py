"""A full disk, a torn file: a clear error, the service stays up, nothing that was acknowledged is lost."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from service import facts
from service.access.service import Role, create_key
from service.app import create_app
from service.facts.lake import tombstones
from service.facts.lake.compaction import compact, parts
from service.facts.lake.erasure import erase
from service.facts.lake.verification import verify
from service.facts.tables import FactKind
from tests.facts.conftest import put
from tests.facts.reference import Happened

ROOT = Path(__file__).parents[2]
START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def outcomes(first: int, count: int) -> list[Happened]:
    """Values that do not compress."""
    return [
        Happened(f"{n}-{os.urandom(200).hex()}", f"u{n}", "called", START)
        for n in range(first, first + count)
    ]


def no_room() -> None:
    """Files may not grow beyond 64 KiB: what a disk does that is full, as far as writers can tell."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))


def test_a_fold_without_room_says_so_and_the_next_one_ends_it(settings, database):
    put(database, FactKind.OUTCOMES, outcomes(0, 2_000))
    environment = {"PATH": os.environ["PATH"], "LEVERBOARD_DATA_DIR": str(settings.data_dir)}
    command = [sys.executable, "-m", "service.cli", "lake", "fold"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, preexec_fn=no_room, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "disk I/O error" in ended.stderr or os.strerror(errno.EFBIG) in ended.stderr
    assert verify(settings, database).differences == ()
    facts.fold(settings.model_copy(update={"lake_lease": timedelta(milliseconds=1)}), database)
    (table,) = (one for one in verify(settings, database).tables if one.kind is FactKind.OUTCOMES)
    assert (table.in_lake, table.pending, table.differences) == (2_000, 0, ())


def test_a_fold_onto_a_disk_that_is_full_says_so_and_the_next_one_ends_it(settings, database):
    """A tmpfs of a mebibyte, seen by that process alone."""
    put(database, FactKind.OUTCOMES, outcomes(0, 20_000))  # eight mebibytes of what does not compress
    settings.lake_dir.mkdir(parents=True)
    mounted = ["unshare", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=1m tmpfs '{settings.lake_dir}'"
    if shutil.which("unshare") is None or subprocess.run([*mounted, mount], check=False).returncode:
        pytest.skip("mounting a tmpfs wants unshare and root")
    environment = {"PATH": os.environ["PATH"], "LEVERBOARD_DATA_DIR": str(settings.data_dir)}
    fold = f"{mount} && '{sys.executable}' -m service.cli lake fold"
    ended = subprocess.run(
        [*mounted, fold], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1, ended.stderr
    assert os.strerror(errno.ENOSPC) in ended.stderr
    assert not list(settings.lake_dir.rglob("*"))
    facts.fold(settings.model_copy(update={"lake_lease": timedelta(milliseconds=1)}), database)
    (table,) = (one for one in verify(settings, database).tables if one.kind is FactKind.OUTCOMES)
    assert (table.in_lake, table.pending, table.differences) == (20_000, 0, ())


def test_ingest_without_room_answers_503_and_goes_on_when_there_is_room(settings, database):
    with database.write() as session:
        _, key = create_key(session, owner="ada@example.com", team="growth", role=Role.editor)
    app = create_app(settings)
    room = ["PRAGMA max_page_count=1"]  # no less than there are: SQLite says that the disk is full
    event.listen(app.state.database.engine, "checkout", lambda opened, *_: opened.execute(room[0]).close())
    rows = [
        {"id": one.id, "unit": one.unit, "event": one.event, "time": START.isoformat()}
        for one in outcomes(0, 99)
    ]
    with TestClient(app, headers={"Authorization": f"Bearer {key}"}) as client:
        refused = client.post("/v1/outcomes", json=rows)
        assert refused.status_code == 503, refused.text
        assert client.get("/livez").status_code == 200
        room[0] = "PRAGMA max_page_count=1073741823"
        assert client.post("/v1/outcomes", json=rows).json()["accepted"] == 99
    facts.fold(settings, database)
    assert sum(part.rows for part in parts(settings, FactKind.OUTCOMES)) == 99


def test_a_torn_file_that_nobody_names_disturbs_nothing_and_an_erasure_removes_it(settings, database):
    put(database, FactKind.OUTCOMES, outcomes(0, 3))
    facts.fold(settings, database)
    torn = settings.lake_dir / "outcomes" / "day=2026-03-01" / "part-torn.parquet"
    torn.write_bytes(b"PAR1 u0 and then the power went")
    put(database, FactKind.OUTCOMES, outcomes(3, 3))
    facts.fold(settings, database)
    compact(settings, database)
    assert verify(settings, database).differences == ()
    with database.write() as session:
        tombstones.entomb(session, "u0", requested_by="ada@example.com")
    erase(settings, database)
    assert not torn.exists()
    assert verify(settings, database).differences == ()


def test_a_torn_log_is_an_error_and_what_waits_goes_on_waiting(settings, database):
    put(database, FactKind.OUTCOMES, outcomes(0, 3))
    facts.fold(settings, database)
    log, whole = torn_log(settings, 20)
    put(database, FactKind.OUTCOMES, outcomes(3, 3))
    with pytest.raises(Exception, match=r"(?i)log|json|version"):
        facts.fold(settings, database)
    log.write_bytes(whole)  # as a restored copy has it
    facts.fold(settings.model_copy(update={"lake_lease": timedelta(milliseconds=1)}), database)
    assert sum(part.rows for part in parts(settings, FactKind.OUTCOMES)) == 6
    assert verify(settings, database).differences == ()


def test_an_empty_log_entry_which_delta_takes_for_a_change_of_nothing_is_told_by_verify(settings, database):
    put(database, FactKind.OUTCOMES, outcomes(0, 3))
    facts.fold(settings, database)
    torn_log(settings, 0)
    assert "3 acknowledged rows are not in the lake" in verify(settings, database).differences[0]


def torn_log(settings, left: int) -> tuple[Path, bytes]:
    """The last entry, of which so many bytes are left, and what it was."""
    log = max((settings.lake_dir / "outcomes" / "_delta_log").glob("*.json"))
    whole = log.read_bytes()
    log.write_bytes(whole[:left])
    return log, whole


def test_many_hostile_days_are_compacted_together(settings, database):
    for fold in range(2):
        days = [Happened(f"o{fold}-{day}", "u", "called", START - day * DAY) for day in range(40)]
        put(database, FactKind.OUTCOMES, days)
        last = facts.fold(settings, database).fold
    done = compact(settings, database)
    assert (len(done), facts.pin(settings, database).fold) == (40, last + 1)  # one turn for all
    assert {len(part.files) for part in parts(settings, FactKind.OUTCOMES)} == {1}
