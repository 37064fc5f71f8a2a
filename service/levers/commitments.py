"""Who answers for a proven lever, and which level of the CPI is the target?"""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Self

from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.access import Actor, require_team
from service.evidence import levels
from service.evidence.tables import Verdict
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.clock import now
from service.kit.errors import Conflict, Invalid, Violation
from service.kit.ids import new_id
from service.kit.text import Name, Note, Number, Wire
from service.levers.tables import Commitment
from service.metrics import service as metrics


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
    if refused := list(_refusals(session, hypothesis, draft)):
        raise Invalid(errors=refused)
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


def _refusals(
    session: Session, hypothesis: RegisteredHypothesis, draft: CommitmentDraft
) -> Iterator[Violation]:
    """Every rule that a decision breaks, each with how to satisfy it."""
    if draft.by is not None and draft.by < now().date():
        yield {
            "field": "by",
            "rule": "by_in_future",
            "message": f"expected a day to come, got {draft.by.isoformat()}",
            "how": "Name the day by which the level is to be reached.",
        }
    if draft.target is not None:
        yield from _worse(session, hypothesis, draft.target)


def _worse(session: Session, hypothesis: RegisteredHypothesis, target: float) -> Iterator[Violation]:
    """A target that is worse for customers than what they expect, or than what they have, is no target."""
    valued, key = hypothesis.cpi.valued, hypothesis.cpi.key
    expected = [one.level for one in metrics.get(session, hypothesis.cpi.id).expectations]
    today = levels.latest(session, {key}).get(key)
    stands = [] if today is None else [today.level]
    bounds = [
        ("target_meets_expectation", "any level that customers expect", expected, "change the expectation"),
        ("target_improves", "where it stands today", stands, "one better than today's"),
    ]
    for rule, what, found, instead in bounds:
        if found and all((target - level) * valued.better.sign < 0 for level in found):
            yield {
                "field": "target",
                "rule": rule,
                "message": f"{target:g} {valued.unit} is worse than {what} "
                f"({', '.join(f'{level:g}' for level in found)}).",
                "how": f"Set the level that customers expect, or {instead}.",
            }


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
