"""What can be found? Every hypothesis, result, experiment, metric, mechanism and note, as one text each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.evidence.documents import VerdictDocument
from service.evidence.tables import Verdict
from service.experiments.tables import ExperimentRow
from service.hypotheses.tables import HypothesisRow, HypothesisVersionRow, MechanismRow
from service.knowledge.ranking import Text
from service.knowledge.schemas import KnowledgeKind
from service.knowledge.tables import NoteRow
from service.metrics.tables import MetricRow, MetricVersionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One thing that can be found."""

    kind: KnowledgeKind
    id: str
    subject: str
    text: Text
    team: str
    at: datetime


def everything(session: Session) -> list[Known]:
    """Read anew at each search, so that what was just written is found; newest last of each kind."""
    metrics = list(_metrics(session))
    names = {one.id: one.text.title for one in metrics}
    hypotheses = list(_hypotheses(session, names))
    experiments = list(_experiments(session))
    mechanisms = list(_mechanisms(session))
    titles = {one.id: one.text.title for one in (*metrics, *hypotheses, *experiments, *mechanisms)}
    teams = {one.id: one.team for one in hypotheses}
    results = _results(session, titles, teams)
    return [*hypotheses, *results, *experiments, *metrics, *mechanisms, *_notes(session, titles)]


def _metrics(session: Session) -> Iterator[Known]:
    rows = session.execute(
        select(MetricRow.id, MetricRow.team, MetricVersionRow.document, MetricVersionRow.created_at)
        .join(MetricVersionRow, MetricVersionRow.metric_id == MetricRow.id)
        .where(MetricVersionRow.version == MetricRow.version)
        .order_by(MetricRow.id)
    )
    for key, team, said, at in rows:
        evidence = [one["summary"] for one in said.get("evidence") or ()]
        body = _joined(said.get("description"), said.get("outcome"), said.get("better_question"), *evidence)
        text = Text(title=said["name"], body=body)
        yield Known(kind=KnowledgeKind.METRIC, id=key, subject=key, text=text, team=team, at=at)


def _hypotheses(session: Session, names: Mapping[str, str]) -> Iterator[Known]:
    rows = session.execute(
        select(
            HypothesisRow.id,
            HypothesisRow.team,
            HypothesisRow.cpi_id,
            HypothesisRow.kpi_id,
            HypothesisVersionRow.document,
            HypothesisVersionRow.reason,
            HypothesisVersionRow.at,
        )
        .join(HypothesisVersionRow, HypothesisVersionRow.hypothesis_id == HypothesisRow.id)
        .where(HypothesisVersionRow.version == HypothesisRow.version)
        .order_by(HypothesisRow.id)
    )
    for key, team, cpi, kpi, said, reason, at in rows:
        text = Text(title=f"{names[cpi]} → {names[kpi]}", body=_joined(said["rationale"], reason))
        yield Known(kind=KnowledgeKind.HYPOTHESIS, id=key, subject=key, text=text, team=team, at=at)


def _results(session: Session, titles: Mapping[str, str], teams: Mapping[str, str]) -> Iterator[Known]:
    """What is concluded today: the latest verdict on each hypothesis."""
    latest = select(func.max(Verdict.id)).group_by(Verdict.hypothesis_id)
    rows = session.execute(
        select(Verdict.id, Verdict.hypothesis_id, Verdict.verdict, Verdict.created_at)
        .where(Verdict.id.in_(latest))
        .order_by(Verdict.id)
    )
    for key, hypothesis, said, at in rows:
        judged = VerdictDocument.model_validate(said)
        body = _joined(judged.sentence, *(reason.text for reason in judged.reasons))
        yield Known(
            kind=KnowledgeKind.RESULT,
            id=key,
            subject=hypothesis,
            text=Text(title=titles[hypothesis], body=body),
            team=teams[hypothesis],
            at=at,
        )


def _experiments(session: Session) -> Iterator[Known]:
    rows = session.execute(
        select(ExperimentRow.id, ExperimentRow.team, ExperimentRow.plan, ExperimentRow.created_at).order_by(
            ExperimentRow.id
        )
    )
    for key, team, plan, at in rows:
        arms = [_joined(arm["name"], arm.get("description")) for arm in plan["arms"]]
        text = Text(title=plan["name"], body=_joined(plan.get("description"), *arms))
        yield Known(kind=KnowledgeKind.EXPERIMENT, id=key, subject=key, text=text, team=team, at=at)


def _mechanisms(session: Session) -> Iterator[Known]:
    for row in session.scalars(select(MechanismRow).order_by(MechanismRow.id)):
        text = Text(title=row.document["name"], body=row.document["description"])
        yield Known(
            kind=KnowledgeKind.MECHANISM,
            id=row.id,
            subject=row.cpi_id,
            text=text,
            team=row.team,
            at=row.created_at,
        )


def _notes(session: Session, titles: Mapping[str, str]) -> Iterator[Known]:
    for row in session.scalars(select(NoteRow).order_by(NoteRow.id)):
        text = Text(title=titles.get(row.subject, row.subject), body=row.text)
        yield Known(
            kind=KnowledgeKind.NOTE, id=row.id, subject=row.subject, text=text, team=row.team, at=row.at
        )


def _joined(*parts: str | None) -> str:
    return "\n".join(part for part in parts if part)
