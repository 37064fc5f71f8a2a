"""What is shown of the posteriors of a hypothesis?"""

from sqlalchemy.orm import Session

from service.evidence import service as evidence
from service.evidence.posterior import service
from service.evidence.posterior.documents import PosteriorResult
from service.evidence.posterior.schemas import PosteriorAnswer, PosteriorView
from service.evidence.tables import Posterior


def answer(session: Session, hypothesis_id: str) -> PosteriorAnswer:
    """The latest of each kind, and the run that will say more."""
    pending = service.pending(session, hypothesis_id)
    return PosteriorAnswer(
        hypothesis_id=hypothesis_id,
        latest=view(session, service.latest(session, hypothesis_id, audit=False)),
        audit=view(session, service.latest(session, hypothesis_id, audit=True)),
        pending_run=None if pending is None else pending.id,
    )


def view(session: Session, row: Posterior | None) -> PosteriorView | None:
    """One posterior beside the verdict whose evidence it is of."""
    if row is None:
        return None
    newest = evidence.latest_verdict(session, row.hypothesis_id)
    result = PosteriorResult.model_validate(row.document)
    return PosteriorView(
        **{name: getattr(result, name) for name in PosteriorResult.model_fields},
        id=row.id,
        hypothesis_id=row.hypothesis_id,
        verdict_id=row.verdict_id,
        verdict_state=service.verdict_of(session, row).state,
        outdated=newest is None or newest.id != row.verdict_id,
        run_id=row.run_id,
        created_at=row.created_at,
    )
