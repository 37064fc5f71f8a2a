"""How does a study come about, and what was found of it?"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue, TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.access import Actor, require_team
from service.evidence import service as evidence
from service.evidence.documents import SlopeDocument, VerdictDocument
from service.hypotheses import registered as hypotheses
from service.kit.canonical import canonical_json, sha256_hex
from service.kit.clock import now
from service.kit.errors import Invalid, NotFound, excerpt
from service.kit.ids import new_id
from service.kit.paging import Found, Query, matching, page
from service.metrics import service as metrics
from service.metrics.schemas import MetricKind
from service.metrics.service import PinnedMetric
from service.runs import service as runs
from service.runs.rules import RunKind
from service.runs.tables import Run
from service.sources import service as sources
from service.sources.schemas import Source
from service.studies import rules
from service.studies.schemas import (
    CPI,
    KPI,
    Design,
    GraphStudy,
    GraphTemplate,
    StudyDraft,
    StudyFinding,
)
from service.studies.tables import Study, StudyResult
from service.studies.templates import template_of

_DRAFT: TypeAdapter[StudyDraft] = TypeAdapter(StudyDraft)
_SOURCE = TypeAdapter(tuple[str, int])


class StudyNotFound(NotFound):
    slug, title = "study-not-found", "There is no such study"


class StudyRefused(Invalid):
    slug, title = "study-refused", "The question breaks a rule; nothing was asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A study with its metrics as they were pinned, and what experiments say meanwhile."""

    id: str
    draft: StudyDraft
    pins: Mapping[str, PinnedMetric]  # by the name in the draft; the ends as cpi and kpi
    template: GraphTemplate | None
    sha256: str
    randomised: tuple[float, float, float] | None  # slope and interval per increment of improvement
    source: Source | None  # None: the managed lake

    @property
    def step(self) -> float:
        """One increment of improvement of the CPI, in raw units."""
        return self.pins[CPI].valued.step


def ask(session: Session, actor: Actor, draft: StudyDraft) -> tuple[Study, Run]:
    """Keep the question with its metrics and its source pinned now, and put its run into the queue."""
    pins, team = _pinned(session, actor, draft)
    source = _readable(session, actor, draft)
    template = _template(draft)
    if broken := rules.refusals(draft, pins, template, source):
        raise StudyRefused(errors=broken)
    document: dict[str, JsonValue] = {
        "request": draft.model_dump(mode="json", by_alias=True),
        "metrics": {name: [metric.id, metric.version] for name, metric in pins.items()},
    }
    if source is not None:
        document["source"] = [source.id, source.version]
    row = Study(
        id=new_id("stu"),
        name=draft.name,
        design=Design(draft.design),
        hypothesis_id=draft.hypothesis,
        cpi=pins[CPI].key,
        kpi=pins[KPI].key,
        document=document,
        sha256=sha256_hex(canonical_json(document)),
        team=team,
        owner=actor.owner,
        created_at=now(),
    )
    session.add(row)
    session.flush()
    return row, _queued(session, row, actor)


def _readable(session: Session, actor: Actor, draft: StudyDraft) -> Source | None:
    """A source reads with its team's secret: who is of another team does not read through it."""
    if draft.source is None:
        return None
    found = sources.get(session, draft.source)
    require_team(actor, found.team)
    return found


def again(session: Session, actor: Actor, study_id: str) -> tuple[Study, Run]:
    """The same question of the data as they are now; what was found before stays."""
    row = get(session, study_id)
    require_team(actor, row.team)
    return row, _queued(session, row, actor)


def _queued(session: Session, row: Study, actor: Actor) -> Run:
    return runs.ask_other(session, RunKind.STUDY, subject=row.id, team=row.team, author=actor.owner)


def _pinned(session: Session, actor: Actor, draft: StudyDraft) -> tuple[Mapping[str, PinnedMetric], str]:
    """By the name in the draft; and whose study it is."""
    if draft.hypothesis is not None:
        hypothesis = hypotheses.get_registered(session, draft.hypothesis)
        require_team(actor, hypothesis.team)
        ends, team = {CPI: hypothesis.cpi, KPI: hypothesis.kpi}, hypothesis.team
    else:
        ends = {
            CPI: _of_kind(session, "cpi", draft.cpi or "", MetricKind.CPI),
            KPI: _of_kind(session, "kpi", draft.kpi or "", MetricKind.KPI),
        }
        team = actor.team
    others = {name: metrics.pinned(session, name) for name in rules.metrics_named(draft)}
    return ends | others, team


def _of_kind(session: Session, field: str, metric_id: str, kind: MetricKind) -> PinnedMetric:
    found = metrics.pinned(session, metric_id)
    if found.kind is not kind:
        raise StudyRefused(
            errors=[
                {
                    "field": field,
                    "rule": "right_kind",
                    "message": f"“{found.name}” is a {found.kind.value.upper()}.",
                    "how": f"Name a {kind.value.upper()}.",
                }
            ]
        )
    return found


def _template(draft: StudyDraft) -> GraphTemplate | None:
    if not isinstance(draft, GraphStudy) or draft.template is None:
        return None
    return template_of(draft.template)


def get(session: Session, study_id: str) -> Study:
    row = session.get(Study, study_id)
    if row is None:
        raise StudyNotFound(f"There is no study {excerpt(study_id)}.")
    return row


def question(session: Session, study_id: str) -> Question:
    """All that its run must know, read in one transaction."""
    row = get(session, study_id)
    draft = _DRAFT.validate_python(row.document["request"])
    pinned = TypeAdapter(dict[str, tuple[str, int]]).validate_python(row.document["metrics"])
    return Question(
        id=row.id,
        draft=draft,
        pins={name: metrics.pinned(session, *one) for name, one in pinned.items()},
        template=_template(draft),
        sha256=row.sha256,
        randomised=None if row.hypothesis_id is None else randomised(session, row.hypothesis_id),
        source=_source(session, row),
    )


def _source(session: Session, row: Study) -> Source | None:
    if "source" not in row.document:
        return None
    return sources.get(session, *_SOURCE.validate_python(row.document["source"]))


def randomised(session: Session, hypothesis_id: str) -> tuple[float, float, float] | None:
    """The slope of the latest verdict with its interval, if experiments have given one with both ends."""
    latest = evidence.latest_verdict(session, hypothesis_id)
    if latest is None:
        return None
    slope = VerdictDocument.model_validate(latest.verdict).slope
    if not isinstance(slope, SlopeDocument) or slope.estimate is None:
        return None
    lower, upper = slope.interval
    return None if lower is None or upper is None else (slope.estimate, lower, upper)


def keep(
    session: Session, study_id: str, run_id: str, finding: StudyFinding, *, fingerprint: str, as_of: datetime
) -> None:
    """One result more; none is ever changed."""
    session.add(
        StudyResult(
            id=new_id("res"),
            study_id=study_id,
            run_id=run_id,
            rung=finding.rung,
            document=finding.model_dump(mode="json"),
            fingerprint=fingerprint,
            as_of=as_of,
            created_at=now(),
        )
    )
    session.flush()


def find(
    session: Session, query: Query, *, hypothesis_id: str | None = None, design: Design | None = None
) -> Found[Study]:
    """Studies, the newest first."""
    statement = matching(select(Study), (Study.hypothesis_id, hypothesis_id), (Study.design, design))
    return page(session, statement, Study.id, query, newest_first=True)


def results(session: Session, study_id: str, query: Query) -> Found[StudyResult]:
    """Every result of a study, the newest first."""
    statement = select(StudyResult).where(StudyResult.study_id == study_id)
    return page(session, statement, StudyResult.id, query, newest_first=True)


def latest_results(session: Session, study_ids: Collection[str]) -> Mapping[str, StudyResult]:
    """By study: its latest result, in one query."""
    newest = (
        select(func.max(StudyResult.id))
        .where(StudyResult.study_id.in_(study_ids))
        .group_by(StudyResult.study_id)
    )
    rows = session.scalars(select(StudyResult).where(StudyResult.id.in_(newest)))
    return {row.study_id: row for row in rows}


def latest_of_hypotheses(
    session: Session, hypothesis_ids: Collection[str]
) -> Mapping[str, tuple[Study, StudyResult]]:
    """By hypothesis: the study that answered last, of those on the highest rung that any answered on.

    To answer is to give a slope: a refusal neither lifts a lever nor hides one that answered, and neither
    does a leading indicator, which has a forecast but no slope.
    """
    order = func.row_number().over(
        partition_by=Study.hypothesis_id, order_by=(StudyResult.rung.desc(), StudyResult.id.desc())
    )
    ranked = (
        select(StudyResult.id, order.label("place"))
        .join(Study, StudyResult.study_id == Study.id)
        .where(
            Study.hypothesis_id.in_(hypothesis_ids),
            StudyResult.document[("slope", "reason")].as_string().is_(None),
        )
        .subquery()
    )
    rows = session.execute(
        select(Study, StudyResult)
        .join(StudyResult, StudyResult.study_id == Study.id)
        .join(ranked, ranked.c.id == StudyResult.id)
        .where(ranked.c.place == 1)
    )
    return {study.hypothesis_id: (study, result) for study, result in rows if study.hypothesis_id is not None}
