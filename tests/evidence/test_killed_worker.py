"""A worker is killed in the middle of an analysis: the run ends all the same, with the same numbers."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings
from tests.evidence.company import TWO_MECHANISMS, Company

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "service.cli", "worker", "--json"]


def estimates(run: dict[str, Any]) -> list[float]:
    return [effect["estimate"] for effect in run["result"]["effects"]]


def killed_after(company: Company, run_url: str, delay: float) -> None:
    """Start a worker, wait until it computes, and kill it without a word."""
    environment = os.environ | {
        "LEVERBOARD_DATA_DIR": str(company.settings.data_dir),
        "LEVERBOARD_LEASE": "PT1S",
    }
    worker = subprocess.Popen(
        COMMAND, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(400):
            if company.client.get(run_url).json()["state"] != "queued":
                break
            time.sleep(0.05)
        time.sleep(delay)
    finally:
        worker.kill()
        worker.wait(10)


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3])
def test_a_killed_analysis_is_taken_over_and_gives_the_same_numbers(
    client, settings: Settings, delay: float
) -> None:
    quick = {"lease": timedelta(seconds=1), "heartbeat": timedelta(seconds=0.3)}
    company = Company(client=client, settings=settings.model_copy(update=quick))
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS, n=300)
    company.stop(experiment)
    asked = client.post(f"/v1/experiments/{experiment}/runs").headers["Location"]
    killed_after(company, asked, delay)
    unbroken = company.run(experiment)  # drains the queue: first the run that lost its worker
    broken: dict[str, Any] = client.get(asked).json()
    assert (broken["state"], unbroken["state"]) == ("succeeded", "succeeded")
    # The engine adds up in several threads: the last digits of a sum depend on their order.
    assert estimates(broken) == pytest.approx(estimates(unbroken), rel=1e-9)
    first, second = (verdict["slope"]["interval"] for verdict in company.verdict(hypothesis)["history"])
    assert first == pytest.approx(second, rel=1e-6)
