"""Which posterior belongs to a hypothesis, when is one computed, and what is kept of it?"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from analyses import ExperimentContrasts, Rule, rule_again
from service.access import Actor, require_team
from service.evidence import service as evidence
from service.evidence import verdict_looks
from service.evidence.documents import ContrastsDocument, VerdictDocument
from service.evidence.posterior.documents import PosteriorResult
from service.evidence.schemas import CountedRun
from service.evidence.tables import Evidence, Posterior, Verdict
from service.experiments.planned import PlannedExperiment, linked
from service.hypotheses import registered as hypotheses
from service.kit.clock import now
from service.kit.errors import Conflict
from service.kit.ids import new_id
from service.runs import service as runs
from service.runs.rules import RunKind, RunState
from service.runs.tables import Run

AUTHOR = "leverboard"  # of a run that follows by itself from a verdict
KINDS = {False: RunKind.POSTERIOR, True: RunKind.POSTERIOR_AUDIT}
OPEN = (RunState.QUEUED, RunState.RUNNING)


class NoVerdictYet(Conflict):
    """A posterior is of the evidence that a verdict rests on."""

    slug, title = "no-verdict-yet", "There is no verdict on this hypothesis yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict, and the contrasts that it used."""

    verdict: Verdict
    rule: Rule
    contrasts: tuple[ExperimentContrasts, ...]
    names: Mapping[str, str]
    issued: int  # verdicts that have spent error rate


def judged(session: Session, hypothesis_id: str) -> Judged:
    """The latest verdict with its evidence: what a posterior is computed from."""
    verdict = evidence.latest_verdict(session, hypothesis_id)
    if verdict is None:
        raise NoVerdictYet("Run an experiment on it first.")
    counted = [CountedRun.model_validate(one) for one in verdict.experiments]
    used = [one.run_id for one in counted if one.used]
    rows = session.scalars(
        select(Evidence)
        .where(Evidence.hypothesis_id == hypothesis_id, Evidence.run_id.in_(used))
        .order_by(Evidence.experiment_id)
    )
    experiments = linked(session, hypotheses.get_registered(session, hypothesis_id))
    return Judged(
        verdict=verdict,
        rule=rule_again(verdict.rule),
        contrasts=tuple(
            ContrastsDocument.model_validate(row.contrasts).contrasts()
            for row in rows
            if row.contrasts is not None
        ),
        names=_names(experiments),
        issued=verdict_looks.issued(session, hypothesis_id),
    )


def _names(experiments: Iterable[PlannedExperiment]) -> Mapping[str, str]:
    return {one.id: one.name for one in experiments}


def ask(session: Session, actor: Actor, hypothesis_id: str, *, audit: bool) -> Run:
    """A run that computes the posterior; one that waits already is not asked for twice."""
    hypothesis = hypotheses.get_registered(session, hypothesis_id)
    require_team(actor, hypothesis.team)
    if evidence.latest_verdict(session, hypothesis_id) is None:
        raise NoVerdictYet("Run an experiment on it first.")
    waiting = _waiting(session, hypothesis.id, KINDS[audit])
    if waiting is not None:
        return waiting
    return runs.ask_other(
        session, KINDS[audit], subject=hypothesis.id, team=hypothesis.team, author=actor.owner
    )


def after_analysis(session: Session, run_id: str) -> None:
    """Each verdict that a run gave is followed by a posterior of the same evidence."""
    for verdict in session.scalars(select(Verdict).where(Verdict.run_id == run_id).order_by(Verdict.id)):
        queue(session, verdict.hypothesis_id, RunKind.POSTERIOR)


def queue(session: Session, hypothesis_id: str, kind: RunKind) -> None:
    """One that nobody asked for."""
    team = hypotheses.get_registered(session, hypothesis_id).team
    if _waiting(session, hypothesis_id, kind) is None:
        runs.ask_other(session, kind, subject=hypothesis_id, team=team, author=AUTHOR)


def _waiting(session: Session, hypothesis_id: str, *kinds: RunKind) -> Run | None:
    statement = select(Run).where(
        Run.subject == hypothesis_id, Run.kind.in_(kinds), Run.state == RunState.QUEUED
    )
    return session.scalars(statement.order_by(Run.id.desc()).limit(1)).first()


def pending(session: Session, hypothesis_id: str) -> Run | None:
    """A run that will say more, waiting or at work."""
    statement = select(Run).where(
        Run.subject == hypothesis_id, Run.kind.in_(KINDS.values()), Run.state.in_(OPEN)
    )
    return session.scalars(statement.order_by(Run.id.desc()).limit(1)).first()


def keep(session: Session, run_id: str, of: Verdict, result: PosteriorResult, *, audit: bool) -> None:
    """One posterior more; earlier ones stay beside it."""
    session.add(
        Posterior(
            id=new_id("pos"),
            hypothesis_id=of.hypothesis_id,
            verdict_id=of.id,
            audit=audit,
            document=result.model_dump(mode="json"),
            run_id=run_id,
            created_at=now(),
        )
    )
    session.flush()


def latest(session: Session, hypothesis_id: str, *, audit: bool) -> Posterior | None:
    """The newest posterior by importance sampling, or the newest audit by NUTS."""
    statement = select(Posterior).where(Posterior.hypothesis_id == hypothesis_id, Posterior.audit == audit)
    return session.scalars(statement.order_by(Posterior.id.desc()).limit(1)).first()


def latest_of(session: Session, hypothesis_ids: Collection[str]) -> Mapping[str, Posterior]:
    """By hypothesis: its newest posterior, of whichever method could answer last."""
    answered = Posterior.document[("posterior", "method")].as_string().is_not(None)
    newest = (
        select(func.max(Posterior.id))
        .where(Posterior.hypothesis_id.in_(hypothesis_ids), or_(Posterior.audit.is_(False), answered))
        .group_by(Posterior.hypothesis_id)
    )
    rows = session.scalars(select(Posterior).where(Posterior.id.in_(newest)))
    return {row.hypothesis_id: row for row in rows}


def verdict_of(session: Session, posterior: Posterior) -> VerdictDocument:
    """What the verdict said that it was computed beside."""
    return VerdictDocument.model_validate(session.get_one(Verdict, posterior.verdict_id).verdict)
