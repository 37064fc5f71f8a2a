"""Do files go in once, however often and however far, and come out as they are in the lake?"""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from service.cli import application
from service.cli.transfer.receivers import Store
from service.facts import fold, inbox
from service.facts.ingest import objects
from service.facts.lake.verification import verify
from service.facts.tables import Batch
from tests.serving import a_key, serving

TIME = "2026-03-01T08:30:00Z"


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
