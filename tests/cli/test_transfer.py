"""Do files go in once, however often and however far, and come out as they are in the lake?"""

import http.client
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from service.cli import application
from service.cli.transfer import receivers
from service.cli.transfer.pieces import pieces
from service.cli.transfer.receivers import Service, Store
from service.facts import fold, inbox
from service.facts.ingest import checks as rows_checks
from service.facts.ingest import objects
from service.facts.ingest.rows import Rejection
from service.facts.lake.verification import verify
from service.facts.tables import Batch, FactKind
from service.kit.errors import Invalid, Unavailable
from tests.serving import a_key, serving

TIME = "2026-03-01T08:30:00Z"
NDJSON = {"content-type": "application/x-ndjson"}


def run(settings, *arguments: object, **environment: str):
    variables = {"LEVERBOARD_DATA_DIR": str(settings.data_dir), **environment}
    return CliRunner().invoke(
        application([str(arguments[0])]), [str(one) for one in arguments], env=variables
    )


def lines(folder: Path, count: int, name: str = "facts.ndjson") -> Path:
    path = folder / name
    rows = ({"id": f"o{n}", "unit": f"u{n}", "event": "called", "time": TIME} for n in range(count))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def kept(database) -> list[dict]:
    with database.read() as session:
        batches = session.query(Batch).order_by(Batch.id).all()
        return [row for batch in batches for row in inbox.unpacked(batch.rows).to_pylist()]


def test_an_import_that_broke_off_goes_on_where_it_ended(settings, database, tmp_path, monkeypatch):
    monkeypatch.setattr(objects, "BLOCK", 1_000)
    path, take, left = lines(tmp_path, 100), Store.take, [3]

    def breaking(self, kind, piece):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return take(self, kind, piece)

    monkeypatch.setattr(Store, "take", breaking)
    run(settings, "import", path)
    there = len(kept(database))
    assert 0 < there < 100
    monkeypatch.setattr(Store, "take", take)
    for _ in range(2):
        done = run(settings, "import", path)
        assert done.exit_code == 0, done.output
    assert sorted(row["id"] for row in kept(database)) == sorted(f"o{n}" for n in range(100))


def test_rows_of_a_table_are_named_by_their_numbers_and_bad_ones_are_told(settings, database, tmp_path):
    path = tmp_path / "facts.csv"
    path.write_text(f"unit,event,time\nu1,called,{TIME}\nu2,called,yesterday\nu3,called\n")
    done = run(settings, "import", path, "--id", "row")
    assert done.exit_code == 1
    assert "facts.csv, row 2, time: expected ISO 8601" in done.stdout
    assert "facts.csv, row 3, the row: expected 3 cells, got 2" in done.stdout
    (row,) = kept(database)
    assert row["id"].endswith(":1")


def test_a_file_cut_elsewhere_and_a_rejected_one_with_a_zone_go_in_whole(
    settings, database, tmp_path, monkeypatch
):
    path = lines(tmp_path, 100)
    monkeypatch.setattr(objects, "BLOCK", 1_000)
    take, left = Store.take, [3]

    def breaking(self, kind, piece):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return take(self, kind, piece)

    monkeypatch.setattr(Store, "take", breaking)
    run(settings, "import", path)
    monkeypatch.setattr(Store, "take", take)
    monkeypatch.setattr(objects, "BLOCK", 3_000)
    assert run(settings, "import", path).exit_code == 0
    assert {row["id"] for row in kept(database)} == {f"o{n}" for n in range(100)}
    late = tmp_path / "local.ndjson"
    row = {"id": "late", "unit": "u", "event": "called", "time": "2026-03-01T08:30:00"}
    late.write_text(json.dumps(row) + "\n")
    assert run(settings, "import", late).exit_code == 1
    assert run(settings, "import", late, "--zone", "Europe/Berlin").exit_code == 0
    assert "late" in {row["id"] for row in kept(database)}


@pytest.mark.parametrize("suffix", ["arrows", "parquet"])
def test_an_empty_file_is_told_without_a_trace(settings, tmp_path, suffix):
    path = tmp_path / f"none.{suffix}"
    path.touch()
    done = run(settings, "import", path)
    assert done.exit_code == 1
    assert not isinstance(done.exception, ValueError)


def test_a_name_that_says_no_format_is_refused(settings, tmp_path):
    path = tmp_path / "facts.xlsx"
    path.write_text("x")
    assert run(settings, "import", path).exit_code == 1


def test_attributes_of_several_types_go_into_a_running_service_once(settings, tmp_path):
    path = tmp_path / "traits.ndjson"
    values = ["gold", 41, True, "", "silver"]
    rows = ({"unit": f"u{n}", "name": "x", "value": value, "time": TIME} for n, value in enumerate(values))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving(tmp_path, "--no-worker") as (_, address, _log):
        for _ in range(2):
            done = run(
                settings, "import", path, "--kind", "attributes", "--url", address, API_KEY=a_key(tmp_path)
            )
            assert done.exit_code == 1
            assert "row 4, value: is missing" in done.stdout, done.output


def test_an_export_is_the_lake_and_goes_on_with_the_same_snapshot(settings, database, tmp_path):
    run(settings, "import", lines(tmp_path, 50))
    folder = tmp_path / "out"
    done = run(settings, "export", folder)
    assert done.exit_code == 0, done.output
    (file,) = (folder / "outcomes").iterdir()
    whole = parquet.read_table(file, partitioning=None)
    assert (file.name, whole.num_rows, whole.schema.field("time").type) == (
        "2026-03-01.parquet",
        50,
        pa.timestamp("us", "UTC"),
    )
    file.unlink()
    run(settings, "import", lines(tmp_path, 60, "more.ndjson"))
    fold(settings, database)
    assert run(settings, "export", folder).exit_code == 0
    assert parquet.read_table(file, partitioning=None).equals(whole)
    assert verify(settings, database).differences == ()
    assert run(settings, "export", tmp_path).exit_code == 1


@pytest.mark.parametrize("name", ["import", "export"])
def test_each_command_explains_itself(settings, name):
    assert "again after an interruption" in " ".join(run(settings, name, "--help").stdout.split())


class Broken:
    """A connection whose answer ends in the middle."""

    def __init__(self) -> None:
        self.asked = ""

    def request(self, _method, target, *_rest) -> None:
        self.asked = target

    def getresponse(self):
        raise http.client.IncompleteRead(b"{")


def test_a_torn_answer_is_told_and_the_path_of_the_address_is_kept(tmp_path):
    broken = Broken()
    service = Service(
        address="http://example.com/leverboard/", key="k", source="s", zone=None, connection=broken
    )
    (piece,) = pieces(FactKind.OUTCOMES, lines(tmp_path, 1), numbered=False, zone=None)
    with pytest.raises(Unavailable, match="same command again"):
        service.take(FactKind.OUTCOMES, piece)
    assert broken.asked.startswith("/leverboard/v1/outcomes?")


class Idled:
    """A connection that the service closed while nothing was asked, as often as said."""

    status = 201

    def __init__(self, receipt: bytes, closed: int) -> None:
        self.receipt, self.closed, self.keys = receipt, closed, []

    def request(self, _method, _target, _body, headers) -> None:
        self.keys.append(headers["Idempotency-Key"])
        if self.closed:
            raise BrokenPipeError("Broken pipe")

    def close(self) -> None:
        self.closed -= 1

    def getresponse(self):
        return self

    def read(self) -> bytes:
        return self.receipt


def test_a_piece_is_sent_once_more_over_a_new_connection_under_the_same_key(client, tmp_path):
    receipt = client.post("/v1/outcomes", content=lines(tmp_path, 1).read_bytes(), headers=NDJSON).content
    (piece,) = pieces(FactKind.OUTCOMES, lines(tmp_path, 1), numbered=False, zone=None)
    there = {"address": "http://example.com", "key": "k", "source": "s", "zone": None}
    idled = Idled(receipt, 1)
    assert Service(**there, connection=idled).take(FactKind.OUTCOMES, piece).accepted == 1
    assert idled.keys == [f"{piece.key}:0"] * 2
    with pytest.raises(Unavailable, match="Broken pipe"):
        Service(**there, connection=Idled(receipt, 2)).take(FactKind.OUTCOMES, piece)


class Told:
    """A connection over which one answer comes."""

    def __init__(self, answer) -> None:
        self.status, self.text = answer.status_code, answer.content

    def request(self, *_) -> None:
        """Whatever is asked."""

    def getresponse(self):
        return self

    def read(self) -> bytes:
        return self.text


def test_a_service_that_keeps_no_row_of_a_piece_tells_of_each_and_other_refusals_end_the_import(
    client, tmp_path
):
    row = {"id": "o0", "unit": "u0", "event": "called", "time": "yesterday"}
    refused = client.post("/v1/outcomes", json=[row])
    empty = client.post("/v1/outcomes", json=[])
    assert (refused.status_code, empty.status_code) == (422, 422)
    (piece,) = pieces(FactKind.OUTCOMES, lines(tmp_path, 1), numbered=False, zone=None)
    there = {"address": "http://example.com", "key": "k", "source": "s", "zone": None}
    taken = Service(**there, connection=Told(refused)).take(FactKind.OUTCOMES, piece)
    assert (taken.accepted, taken.rejected, [one.field for one in taken.rejections]) == (0, 1, ["time"])
    with pytest.raises(Invalid, match="answered 422"):
        Service(**there, connection=Told(empty)).take(FactKind.OUTCOMES, piece)


def test_a_rejected_piece_is_checked_again(settings, database, tmp_path, monkeypatch):
    path = lines(tmp_path, 1)
    with monkeypatch.context() as patched:
        patched.setattr(receivers, "checked", refusing)
        assert run(settings, "import", path).exit_code == 1
    for _ in range(2):
        assert run(settings, "import", path).exit_code == 0
    assert [row["id"] for row in kept(database)] == ["o0"]


def refusing(kind, parsed, reading):
    good = rows_checks.checked(kind, parsed, reading)
    told = [Rejection(row=1, field=None, reason="not yet")]
    return replace(good, rows=good.rows.slice(0, 0), rejections=told)
