"""The API process stays small: what is heavy is a worker's to load, found out in a fresh process."""

import json
import subprocess
import sys
from pathlib import Path

import httpx2

from tests.serving import a_key, serving

HEAVY = (
    "pymc",
    "pytensor",
    "nutpie",
    "arviz",
    "dowhy",
    "econml",
    "pandas",
    "sklearn",
    "scipy",
    "statsmodels",
    "deltalake",
    "ibis",
    "duckdb",
)
STORY = """
import json, sys, tempfile
from pathlib import Path
from service.app import create_app
from service.settings import Settings
app = create_app(Settings(data_dir=Path(tempfile.mkdtemp())))
app.openapi()
import service.cli
service.cli.application()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_neither_the_app_nor_the_command_line_loads_a_heavy_library() -> None:
    told = subprocess.run([sys.executable, "-c", STORY], check=True, capture_output=True, text=True)
    loaded = json.loads(told.stdout)
    assert "fastapi" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_the_door_of_analyses_opens_without_them_too() -> None:
    story = "import sys, analyses; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", story], check=True, capture_output=True, text=True)
    assert "analyses" in told.stdout.split()
    assert [name for name in HEAVY if name in told.stdout.split()] == []


def test_a_server_that_took_facts_in_has_not_loaded_one(tmp_path) -> None:
    """Arrow would import pandas at its first array: what is loaded is seen from outside, by its files."""
    with serving(tmp_path, "--no-worker") as (process, address, _):
        row = {"id": "1", "unit": "u", "event": "called", "time": "2026-03-01T00:00:00Z"}
        headers = {"Authorization": f"Bearer {a_key(tmp_path)}"}
        answer = httpx2.post(f"{address}/v1/outcomes", json=[row], headers=headers, timeout=60)
        assert answer.status_code == 201, answer.text
        mapped = Path(f"/proc/{process.pid}/maps").read_text()
    assert "/pyarrow/" in mapped
    assert [name for name in HEAVY if f"/{name}/" in mapped] == []
