"""What may a forkserver have loaded when it forks?"""

import json
import subprocess
import sys
from pathlib import Path

from service.runs.origins import PRELOAD

ROOT = Path(__file__).parents[2]


def test_nothing_that_a_fork_breaks_is_loaded_before_the_fork() -> None:
    """Their threads do not survive it: a child would hang or panic on first use."""
    script = (
        "import importlib, json, sys\n"
        f"for name in {PRELOAD!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    command = [sys.executable, "-c", script]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    loaded = set(json.loads(answer.stdout))
    assert {"scipy.stats", "ibis", "service.evidence.job"} <= loaded
    assert not loaded & {"deltalake", "duckdb", "pymc", "dowhy", "econml"}
