"""What did the run behind a hypothesis' latest verdict find past it?"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from service.evidence import service
from service.evidence.explored import Exploration
from service.hypotheses.registered import RegisteredHypothesis
from service.runs import service as runs


class ExplorationView(BaseModel):
    """The latest exploration; null fields where there is none yet."""

    model_config = ConfigDict(frozen=True)

    hypothesis_id: str
    statement: str
    run_id: str | None = Field(description="The run whose evidence led to the latest verdict.")
    as_of: datetime | None
    exploration: Exploration | None


def latest(session: Session, hypothesis: RegisteredHypothesis) -> ExplorationView:
    """Kept with the run, and as old as the latest verdict."""
    verdict = service.latest_verdict(session, hypothesis.id)
    run = None if verdict is None else runs.get(session, verdict.run_id)
    found = (run.result or {}).get("explorations") if run is not None else None
    own = found.get(hypothesis.id) if isinstance(found, dict) else None
    return ExplorationView(
        hypothesis_id=hypothesis.id,
        statement=hypothesis.statement,
        run_id=None if run is None else run.id,
        as_of=None if run is None else run.as_of,
        exploration=None if own is None else Exploration.model_validate(own),
    )
