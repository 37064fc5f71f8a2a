"""Whatever is sent to whichever address: no 500, and nothing that the OpenAPI document does not declare."""

import os
import subprocess
import sys
from pathlib import Path

from tests.serving import a_key, serving

ROOT = Path(__file__).parents[1]
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)


def test_no_request_breaks_the_service_or_its_document(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-worker") as (_, address, log):
        fuzzer = [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json"]
        flags = ["--header", f"Authorization: Bearer {a_key(tmp_path)}", "--checks", CHECKS, "--seed", "1"]
        effort = ["--phases", "examples,coverage", "--no-color"]
        hooks = os.environ | {"SCHEMATHESIS_HOOKS": "tests.fuzz_hooks", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [*fuzzer, *flags, *effort], cwd=tmp_path, env=hooks, capture_output=True, text=True, check=False
        )
    assert "Tested: " in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout
    assert "request_failed" not in log.read_text()
