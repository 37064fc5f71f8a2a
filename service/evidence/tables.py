"""What has each experiment said about each hypothesis, and what was concluded from it, when?"""

from datetime import date, datetime

from pydantic import JsonValue
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.evidence.documents import LookState, VerdictState
from service.evidence.imported.documents import PastGrade
from service.kit.database import Base, JsonDocument


class Evidence(Base):
    """What one final run says about one hypothesis; the latest of an experiment counts, all are kept."""

    __tablename__ = "evidence"
    __table_args__ = (
        Index("ix_evidence_hypothesis_id", "hypothesis_id", "experiment_id", "id"),
        Index("uq_evidence_run_id", "run_id", "hypothesis_id", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    hypothesis_id: Mapped[str]
    experiment_id: Mapped[str]
    run_id: Mapped[str]
    named: Mapped[bool]  # whether the experiment's plan names the hypothesis
    cpi: Mapped[str]  # the pinned versions that were measured
    kpi: Mapped[str]
    contrasts: Mapped[dict[str, JsonValue] | None] = mapped_column(JsonDocument)
    not_estimable: Mapped[dict[str, JsonValue] | None] = mapped_column(JsonDocument)
    unmeasured: Mapped[list[JsonValue]] = mapped_column(JsonDocument)  # rivals
    plan_hash: Mapped[str]
    fingerprint: Mapped[str]
    as_of: Mapped[datetime]
    created_at: Mapped[datetime]


class Verdict(Base):
    """One conclusion, never changed: a later one stands beside it."""

    __tablename__ = "verdicts"
    __table_args__ = (Index("ix_verdicts_hypothesis_id", "hypothesis_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    hypothesis_id: Mapped[str]
    state: Mapped[VerdictState]
    label: Mapped[str | None]
    relationship: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)
    verdict: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)
    rule: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)  # as registered or amended
    hypothesis_version: Mapped[int]
    hypothesis_hash: Mapped[str]
    experiments: Mapped[list[JsonValue]] = mapped_column(JsonDocument)  # id and counting run of each
    missing: Mapped[list[JsonValue]] = mapped_column(JsonDocument)  # experiments that never reported
    run_id: Mapped[str]  # the run whose evidence led to this verdict
    p_value: Mapped[float | None]  # of no lever; None where nothing was claimed, and before it was kept
    log_e_value: Mapped[float | None]
    created_at: Mapped[datetime]


class VerdictLook(Base):
    """A look at all evidence on a hypothesis: the verdict it gave at which error rate, if one was due."""

    __tablename__ = "verdict_looks"
    __table_args__ = (Index("ix_verdict_looks_hypothesis_id", "hypothesis_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    hypothesis_id: Mapped[str]
    run_id: Mapped[str]
    verdict_id: Mapped[str | None]  # None where no verdict was due
    state: Mapped[LookState]
    number: Mapped[int]
    alpha: Mapped[float]
    information: Mapped[float]  # 1 / SE^2 of the slope per raw CPI unit
    due_at: Mapped[float]  # the information at which the next verdict is due
    created_at: Mapped[datetime]


class EvidenceImport(Base):
    """One import of experiments that were run elsewhere: who brought what, when; never changed."""

    __tablename__ = "evidence_imports"

    id: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]  # of the canonical JSON of what was imported
    experiments: Mapped[int]
    units_per_day: Mapped[float | None]  # what a next experiment would get, as the importer says
    imported_by: Mapped[str]
    team: Mapped[str]
    created_at: Mapped[datetime]


class ImportedExperiment(Base):
    """What an experiment that was run elsewhere says about one hypothesis; a correction stands beside it."""

    __tablename__ = "imported_experiments"
    __table_args__ = (
        Index("ix_imported_experiments_hypothesis_id", "hypothesis_id", "id"),
        Index("ix_imported_experiments_import_id", "import_id", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    import_id: Mapped[str] = mapped_column(ForeignKey("evidence_imports.id"))
    hypothesis_id: Mapped[str]
    origin: Mapped[str]
    key: Mapped[str]  # its own name for itself, once within its origin
    name: Mapped[str]
    corrects: Mapped[str | None] = mapped_column(index=True)  # the row that was wrong
    cpi: Mapped[str]  # the pinned versions that it is said to have measured
    kpi: Mapped[str]
    document: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)  # as it came in
    contrasts: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)
    sha256: Mapped[str]  # of the document
    created_at: Mapped[datetime]


class RetrospectiveGrade(Base):
    """What all imported experiments say of a hypothesis, and what to run next: no verdict, and never one."""

    __tablename__ = "retrospective_grades"
    __table_args__ = (Index("ix_retrospective_grades_hypothesis_id", "hypothesis_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    hypothesis_id: Mapped[str]
    grade: Mapped[PastGrade]
    document: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)
    basis: Mapped[str]  # changes whenever the grade might
    hypothesis_version: Mapped[int]
    hypothesis_hash: Mapped[str]
    run_id: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime]


class Posterior(Base):
    """What the evidence of one verdict says in probabilities; a later one stands beside it."""

    __tablename__ = "posteriors"
    __table_args__ = (Index("ix_posteriors_hypothesis_id", "hypothesis_id", "audit", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    hypothesis_id: Mapped[str]
    verdict_id: Mapped[str] = mapped_column(ForeignKey("verdicts.id"))
    audit: Mapped[bool]  # by NUTS
    document: Mapped[dict[str, JsonValue]] = mapped_column(JsonDocument)
    run_id: Mapped[str]
    created_at: Mapped[datetime]


class PublishedEffect(Base):
    """What a final run found an arm to do to a metric: what a later experiment may believe beforehand."""

    __tablename__ = "published_effects"
    __table_args__ = (Index("ix_published_effects_metric", "metric", "experiment_id"),)

    run_id: Mapped[str] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)  # the pinned version
    arm: Mapped[str] = mapped_column(primary_key=True)
    experiment_id: Mapped[str]
    position: Mapped[int]  # among the treatments of the plan
    placebo: Mapped[bool]
    estimate: Mapped[float]
    std_error: Mapped[float]
    created_at: Mapped[datetime]


class TakenLook(Base):
    """A planned look that was taken: alpha is spent once, whatever later runs see."""

    __tablename__ = "taken_looks"

    experiment_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fraction: Mapped[float]  # of the planned size
    run_id: Mapped[str]
    created_at: Mapped[datetime]


class MetricDay(Base):
    """What those for whom nothing was changed had of a metric, by the day they came, as one experiment saw.

    A later run of the experiment takes the place of an earlier one: this is read off runs, and no evidence.
    """

    __tablename__ = "metric_days"

    metric: Mapped[str] = mapped_column(primary_key=True)  # the pinned version
    day: Mapped[date] = mapped_column(primary_key=True)
    experiment_id: Mapped[str] = mapped_column(primary_key=True, index=True)
    units: Mapped[int]
    total: Mapped[float]  # total / count is the level
    count: Mapped[float]
    run_id: Mapped[str]
    as_of: Mapped[datetime]


class MetricLevel(Base):
    """The level of a metric in the latest four weeks, and in the four before: one row for the board."""

    __tablename__ = "metric_levels"

    metric: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date]  # the latest one
    units: Mapped[int]
    level: Mapped[float]
    before: Mapped[float | None]
