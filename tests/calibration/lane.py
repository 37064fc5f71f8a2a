"""What is there to count, and how is one row of it counted? Rows of every kind, each by its name."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.calibration.claims.all import CLAIMS
from tests.calibration.claims.claim import tried
from tests.calibration.measure import measured
from tests.calibration.programme import RULES, TRUTHS, discoveries
from tests.calibration.ranks import METHODS, MOST, ranked
from tests.calibration.records import Found
from tests.calibration.tables import TABLES

PROGRAMME = "200 hypotheses at once: what share of the signals is false?"
CLAIMED = "Beyond the rule: promises of the other estimators"
RANKED = "Samplers of the posterior: ranks of truths drawn from the prior"
APART = " | "  # between the parts of a name that has several


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A row by its name: functions made for a row do not travel between processes."""

    section: str
    name: str
    replications: int


def tasks(replications: int) -> Iterator[Task]:
    """Every row in the order of the page, with as many replications as it takes of those asked for."""
    for table, rows in TABLES.items():
        for row in rows:
            yield Task(section=table, name=row.name, replications=replications * row.times)
    for truth in TRUTHS:
        for rule in RULES:
            yield Task(section=PROGRAMME, name=APART.join((truth, rule)), replications=replications)
    for claim in CLAIMS:
        count = min(replications, claim.most or replications)
        yield Task(section=CLAIMED, name=APART.join((claim.family, claim.name)), replications=count)
    for method in METHODS:
        count = min(replications, MOST.get(method, replications))
        yield Task(section=RANKED, name=method, replications=count)


def counted(task: Task, seed: int) -> Found:
    """The row through today's code."""
    if task.section == PROGRAMME:
        truth, rule = task.name.split(APART)
        of = discoveries(truth, rule, task.replications, seed)
        return {"false_share": of.false_share, "error": of.error, "found": of.found}
    if task.section == CLAIMED:
        [claim] = [one for one in CLAIMS if APART.join((one.family, one.name)) == task.name]
        kept = tried(claim, task.replications, seed)
        return {"held": kept.held, "answered": kept.answered}
    if task.section == RANKED:
        return {"counts": ranked(task.name, task.replications, seed).counts}
    [row] = [one for one in TABLES[task.section] if one.name == task.name]
    rates = measured(row, task.replications, seed)
    return {"confirmed": rates.confirmed, "rejected": rates.rejected, "coverage": rates.coverage}
