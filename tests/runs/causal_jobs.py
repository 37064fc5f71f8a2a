"""Jobs for the tests of the origin that has loaded EconML: an exploration, and one without an end."""

import os
import sys
import time

from analyses import Explored, explore
from service.kit.database import Database
from service.runs.rules import RunType
from service.runs.task import Outcome, ReportStage, Task
from service.settings import Settings
from tests.analyses.heterogeneity.planted import QUESTION, World

HEAVY = ("dowhy", "econml", "joblib", "matplotlib", "numba", "pandas", "scipy", "sklearn", "statsmodels")
FORK_BREAKS = ("deltalake", "duckdb")
SMALL = World(n=3_000, others=1)


def loaded() -> set[str]:
    return {name for name in sys.modules if name.partition(".")[0] in (*HEAVY, *FORK_BREAKS)}


def look(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    """A whole exploration, and which heavy modules it found and had to load."""
    before, began = loaded(), time.process_time()
    found = explore(SMALL.draw(1), QUESTION)
    if not isinstance(found, Explored):
        raise TypeError(found.detail)
    return Outcome(
        type=RunType.EXPLORATORY,
        result={
            "found": sorted({name.partition(".")[0] for name in before}),
            "loaded": sorted(loaded() - before),
            "seconds": time.process_time() - began,
            "models": [one.method for one in found.models],
        },
        provenance={},
    )


def look_for_ever(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    trial = SMALL.draw(1)
    report(f"sleeping in {os.getpid()}", 0.1)
    while True:
        explore(trial, QUESTION)


def nothing(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    return Outcome(type=task.type, result={}, provenance={})
