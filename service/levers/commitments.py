"""Who answers for a proven lever, and which level of the CPI is the target?"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Self

from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.access import Actor, require_team
from service.evidence.tables import Verdict
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.clock import now
from service.kit.errors import Conflict, Invalid
from service.kit.ids import new_id
from service.kit.text import Name, Note, Number, Wire
from service.levers.tables import Commitment
from service.metrics import service as metrics
from service.metrics.customer import Better


class NotProven(Conflict):
    slug, title = "lever-not-proven", "Nobody is made accountable for a lever that is not proven"


class CommitmentDraft(Wire):
    """A team, and if possible a person, that can influence the CPI; the target is what customers expect."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"team": "growth", "person": "ada@example.com", "target": 0.5, "by": "2027-06-30"}]
        }
    )

    team: Name
    person: Name | None = None
    target: Number | None = Field(default=None, description="Level of the CPI, in its own unit.")
    by: dt.date | None = Field(default=None, description="The day by which the level is reached.")
    note: Note | None = None


class CommitmentView(CommitmentDraft):
    """One decision as it was taken; a later one takes its place and leaves it readable."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "com_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "team": "growth",
                    "person": "ada@example.com",
                    "target": 0.5,
                    "by": "2027-06-30",
                    "note": None,
                    "verdict_id": "ver_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "author": "cy@example.com",
                    "at": "2026-11-22T09:00:00Z",
                }
            ]
        }
    )

    id: str
    verdict_id: str = Field(description="The verdict that it rested on.")
    author: str
    at: dt.datetime

    @classmethod
    def of(cls, row: Commitment) -> Self:
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


def commit(
    session: Session,
    actor: Actor,
    hypothesis: RegisteredHypothesis,
    verdict: Verdict | None,
    draft: CommitmentDraft,
) -> CommitmentView:
    """Take the decision; ``verdict`` is the one that proves the lever, None where none does."""
    require_team(actor, hypothesis.team)
    if verdict is None:
        raise NotProven("Only a lever that is proven, as its hypothesis stands now, is carried by somebody.")
    _refuse_worse(session, hypothesis, draft)
    row = Commitment(
        id=new_id("com"),
        hypothesis_id=hypothesis.id,
        verdict_id=verdict.id,
        author=actor.owner,
        at=now(),
        **draft.model_dump(),
    )
    session.add(row)
    session.flush()
    return CommitmentView.of(row)


def _refuse_worse(session: Session, hypothesis: RegisteredHypothesis, draft: CommitmentDraft) -> None:
    """A target that is worse for customers than what they expect is no target."""
    increment = hypothesis.cpi.increment
    expected = [one.level for one in metrics.get(session, hypothesis.cpi.id).expectations]
    if draft.target is None or increment is None or not expected:
        return
    lower = increment.better is Better.LOWER
    loosest = max(expected) if lower else min(expected)
    if draft.target > loosest if lower else draft.target < loosest:
        raise Invalid(
            errors=[
                {
                    "field": "target",
                    "rule": "target_meets_expectation",
                    "message": f"{draft.target:g} {increment.unit} is worse than any level that customers "
                    f"expect ({', '.join(f'{level:g}' for level in expected)}).",
                    "how": "Set the level that customers expect, or change the expectation.",
                }
            ]
        )


def history(session: Session, hypothesis_id: str) -> Sequence[CommitmentView]:
    """Every decision about a lever, the newest first."""
    rows = session.scalars(
        select(Commitment).where(Commitment.hypothesis_id == hypothesis_id).order_by(Commitment.id.desc())
    )
    return [CommitmentView.of(row) for row in rows]


def latest(session: Session, hypothesis_ids: Collection[str]) -> Mapping[str, CommitmentView]:
    """Who carries each of these levers today; a lever that nobody carries is left out."""
    newest = (
        select(func.max(Commitment.id))
        .where(Commitment.hypothesis_id.in_(hypothesis_ids))
        .group_by(Commitment.hypothesis_id)
    )
    rows = session.scalars(select(Commitment).where(Commitment.id.in_(newest)))
    return {row.hypothesis_id: CommitmentView.of(row) for row in rows}
