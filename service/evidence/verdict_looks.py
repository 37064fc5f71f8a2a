"""Which verdicts of a hypothesis were issued at which error rate, and may the next one be issued yet?"""

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analyses import Look
from service.evidence.discovered import kept_discovery
from service.evidence.documents import JudgementDocument, LookDocument, LookState
from service.evidence.judgement import LastLook
from service.evidence.tables import Verdict, VerdictLook
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.clock import now
from service.kit.ids import new_id
from service.runs.task import Task


def last_look(
    session: Session, hypothesis: RegisteredHypothesis, versions: Sequence[RegisteredHypothesis]
) -> LastLook | None:
    """The last verdict that was issued on the evidence, or None; those that gates blocked spent nothing."""
    row = session.scalars(
        select(VerdictLook)
        .where(VerdictLook.hypothesis_id == hypothesis.id, VerdictLook.verdict_id.is_not(None))
        .order_by(VerdictLook.id.desc())
        .limit(1)
    ).first()
    verdict = None if row is None else session.get(Verdict, row.verdict_id)
    if row is None or verdict is None:
        return None
    newest = session.scalars(
        select(Verdict.id).where(Verdict.hypothesis_id == hypothesis.id).order_by(Verdict.id.desc()).limit(1)
    ).one()
    asked = next(one for one in versions if one.version == verdict.hypothesis_version)
    return LastLook(
        look=Look(number=row.number, alpha=row.alpha, information=row.information),
        verdict_id=verdict.id,
        newest_id=newest,
        experiments=verdict.experiments,
        relationship=verdict.relationship,
        verdict=verdict.verdict,
        same_question=asked.deciding == hypothesis.deciding,
        discovery=kept_discovery(verdict),
    )


def issued(session: Session, hypothesis_id: str) -> int:
    """How many verdicts of the hypothesis have spent error rate; the next one is judged at the rest."""
    number = func.max(VerdictLook.number)
    of_verdicts = (VerdictLook.hypothesis_id == hypothesis_id, VerdictLook.verdict_id.is_not(None))
    return session.scalar(select(number).where(*of_verdicts)) or 0


def keep_verdict_look(
    session: Session, task: Task, judged: JudgementDocument, verdict_id: str | None, hypothesis_id: str
) -> None:
    """One row more for a verdict that was issued, restated or is not due yet; none for one blocked."""
    look = judged.look
    if look is None or look.state is LookState.BLOCKED:
        return
    restated = look.state is LookState.WAITS and verdict_id is not None
    session.add(
        VerdictLook(
            id=new_id("vlk"),
            hypothesis_id=hypothesis_id,
            run_id=task.id,
            verdict_id=verdict_id,
            state=LookState.RESTATED if restated else look.state,
            number=look.number,
            alpha=look.alpha,
            information=look.due_at / 2 if restated else look.information,
            due_at=look.due_at,
            created_at=now(),
        )
    )
    session.flush()


def looks(session: Session, hypothesis_id: str) -> Sequence[VerdictLook]:
    """Every look at a hypothesis, those at which no verdict was due included, the newest first."""
    return session.scalars(
        select(VerdictLook).where(VerdictLook.hypothesis_id == hypothesis_id).order_by(VerdictLook.id.desc())
    ).all()


def by_verdict(rows: Sequence[VerdictLook]) -> Mapping[str, LookDocument]:
    """The look of each verdict that has one."""
    return {row.verdict_id: LookDocument.of_row(row) for row in rows if row.verdict_id is not None}
