"""A job that samples without an end: what a real posterior does, only longer."""

import os

from pydantic import JsonValue

from analyses import NotEstimable, Rule, as_json, audited_posterior
from analyses.posterior import nuts
from analyses.posterior.blocks import Evidence, evidence_of
from analyses.posterior.prior import SlopePrior
from service.kit.database import Database
from service.runs.rules import RunType
from service.runs.task import Outcome, ReportStage, Task
from service.settings import Settings
from tests.analyses.posterior.cases import PAIR, TWELVE, drawn
from tests.analyses.relationship.draws import D

ENDLESS = nuts.Effort(tune=500, draws=10**6, target_accept=0.95)  # hours


def evidence() -> Evidence:
    return evidence_of(Rule(smallest_slope=D), drawn(PAIR), SlopePrior())


def sample(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    """Both methods on the same evidence: one integrates shifts out, the other samples them."""
    told: dict[str, JsonValue] = {}
    for name, design in (("pair", PAIR), ("twelve", TWELVE)):
        found = audited_posterior(Rule(smallest_slope=D), drawn(design), seed=1)
        if isinstance(found, NotEstimable):
            raise TypeError(found.detail)
        told[name] = as_json(found)
    told["compiled_before"] = nuts.compiled.cache_info().misses == 1
    return Outcome(type=RunType.EXPLORATORY, result=told, provenance={})


def sample_for_ever(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    report(f"sleeping in {os.getpid()}", 0.1)
    nuts.sampled(evidence(), 1, efforts=(ENDLESS,))
    raise AssertionError("it ended")
