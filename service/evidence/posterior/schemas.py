"""What does a posterior look like on the wire?"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from service.evidence.documents import VerdictState
from service.evidence.posterior.documents import EXAMPLE, PosteriorResult


class PosteriorRequest(BaseModel):
    """A posterior to be computed anew."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{}, {"audit": True}]}
    )

    audit: bool = Field(
        default=False, description="By NUTS as well, to check on importance sampling: takes longer."
    )


class PosteriorView(PosteriorResult):
    """What all evidence of one verdict says in probabilities. It never changes the verdict."""

    id: str
    hypothesis_id: str
    verdict_id: str = Field(description="Whose evidence it is of.")
    verdict_state: VerdictState
    outdated: bool = Field(description="A newer verdict has been given since.")
    run_id: str
    created_at: datetime


class PosteriorAnswer(BaseModel):
    """The latest posterior, the latest audit of it by another method, and whether more is on its way."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    hypothesis_id: str
    latest: PosteriorView | None = None
    audit: PosteriorView | None = None
    pending_run: str | None
