"""Clients of Segment and RudderStack, as their makers publish them, against a real server."""

import os
import shutil
import subprocess
from pathlib import Path

import httpx2
import pytest

from service import facts
from service.facts import inbox
from service.facts.tables import Batch, FactKind
from service.kit.database import Database
from service.settings import Settings
from tests.experiments.drafts import ground, plan
from tests.hypotheses.drafts import created
from tests.serving import a_key, serving

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".venv" / "clients" / "bin" / "python"


def from_python(client: str) -> list[str]:
    if not PYTHON.exists():
        pytest.skip("the clients' environment is not set up: `make test` does it")
    return [str(PYTHON), str(HERE / "segment_speaks.py"), client]


def from_node() -> list[str]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    asked = [node, "-e", "require.resolve('@segment/analytics-node')"]
    if subprocess.run(asked, check=False, capture_output=True, cwd=HERE).returncode:
        pytest.skip("@segment/analytics-node is not installed: `make test` does it where there is npm")
    return [node, str(HERE / "segment_speaks.cjs")]


def rows(database: Database, kind: FactKind) -> list[dict]:
    with database.read() as session:
        batches = session.query(Batch).filter(Batch.kind == kind).order_by(Batch.id).all()
        return [row for batch in batches for row in inbox.unpacked(batch.rows).to_pylist()]


@pytest.mark.parametrize("name", ["segment-analytics-python", "rudder-sdk-python", "@segment/analytics-node"])
def test_a_client_as_published_is_understood_and_its_repeats_count_once(tmp_path, name):
    command = from_node() if name.startswith("@") else from_python(name.partition("-")[0])
    with serving(tmp_path, "--no-worker") as (_, address, log):
        key = a_key(tmp_path)
        with httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}) as client:
            experiment = created(client, "/v1/experiments", plan(ground(client)))["id"]
        spoken = subprocess.run(
            [*command, address, key, experiment],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )
        assert spoken.returncode == 0, spoken.stdout + spoken.stderr
        assert "request_failed" not in log.read_text()
    settings = Settings(data_dir=tmp_path / "data")
    database = Database.open(settings.url)
    sent = rows(database, FactKind.OUTCOMES)
    assert sorted(row["id"] for row in sent) == ["m1", "m1", "m2", "m2", "m3", "m3"]
    order = next(row for row in sent if row["id"] == "m1")
    assert (order["unit"], order["event"], order["value"]) == ("u1", "Order Completed", 25.0)
    assert order["time"].isoformat() == "2026-03-01T08:30:00+00:00"
    assert order["properties"] == '{"revenue":25}'
    assert {row["unit"] for row in sent} == {"u1", "a1"}
    assert {(row["experiment"], row["arm"]) for row in rows(database, FactKind.ASSIGNMENTS)} == {
        (experiment, "prefilled")
    }
    snapshot = facts.fold(settings, database)
    database.close()
    lake = pytest.importorskip("deltalake")
    assert snapshot.tables[FactKind.OUTCOMES].version >= 0
    folded = {kind: lake.DeltaTable(settings.lake_dir / kind).to_pyarrow_table() for kind in FactKind}
    assert sorted(folded[FactKind.OUTCOMES]["id"].to_pylist()) == ["m1", "m2", "m3"]
    assert folded[FactKind.ASSIGNMENTS].num_rows == 1
    assert folded[FactKind.EXPOSURES]["id"].to_pylist() == ["m2"]
    traits = zip(*(folded[FactKind.ATTRIBUTES][name].to_pylist() for name in ("unit", "name")), strict=True)
    assert set(traits) == {("u1", "plan"), ("u1", "group.id"), ("u1", "group.size")}
    assert ("unit", "a1", "u1") in {
        (row["namespace"], row["id"], row["unit"]) for row in folded[FactKind.IDENTITIES].to_pylist()
    }
