"""How are mechanisms and hypotheses reached over HTTP?"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Response

from service.access import CurrentActor, Editor
from service.hypotheses import mechanisms as registry
from service.hypotheses import service
from service.hypotheses.mechanisms import (
    MechanismFixed,
    MechanismKnown,
    MechanismNotFound,
    MechanismRefused,
)
from service.hypotheses.registered import HypothesisNotRegistered
from service.hypotheses.schemas import (
    AmendmentDraft,
    Hypothesis,
    HypothesisChange,
    HypothesisDraft,
    HypothesisState,
    HypothesisTemplate,
    HypothesisVersion,
    Mechanism,
    MechanismChange,
    MechanismDraft,
)
from service.hypotheses.service import Filter, HypothesisFrozen, HypothesisRefused
from service.hypotheses.stored import HypothesisNotFound
from service.hypotheses.templates import templates
from service.kit.errors import PreconditionFailed, PreconditionRequired
from service.kit.http import IfMatch, Page, PageQuery, ReadSession, WriteSession, router, tagged
from service.kit.problems import problems

mechanisms = router("/v1/mechanisms", ["mechanisms"])
hypotheses = router("/v1/hypotheses", ["hypotheses"])

type IdFilter = Annotated[str | None, Query(max_length=64)]

_STALE = (PreconditionRequired, PreconditionFailed)
_NO_MECHANISM = problems(MechanismNotFound)
_NO_HYPOTHESIS = problems(HypothesisNotFound)
_CHANGING = problems(HypothesisNotFound, HypothesisRefused, HypothesisFrozen, *_STALE)
_AMENDING = problems(HypothesisNotFound, HypothesisRefused, HypothesisNotRegistered, *_STALE)


@mechanisms.post("", status_code=201, responses=problems(MechanismRefused, MechanismKnown))
def register_mechanism(
    draft: MechanismDraft, actor: Editor, session: WriteSession, response: Response
) -> Mechanism:
    """Register a means by which a CPI can be moved."""
    made = registry.create(session, actor, draft)
    response.headers["Location"] = f"/v1/mechanisms/{made.value.id}"
    return tagged(response, made)


@mechanisms.get("")
def list_mechanisms(
    _: CurrentActor, session: ReadSession, pages: PageQuery, cpi: IdFilter = None
) -> Page[Mechanism]:
    """Oldest first."""
    found = registry.find(session, pages, cpi=cpi)
    return pages.answer(found.items, found.next)


@mechanisms.get("/{mechanism_id}", responses=_NO_MECHANISM)
def get_mechanism(mechanism_id: str, _: CurrentActor, session: ReadSession, response: Response) -> Mechanism:
    return tagged(response, registry.get(session, mechanism_id))


@mechanisms.patch(
    "/{mechanism_id}", responses=problems(MechanismNotFound, MechanismFixed, MechanismKnown, *_STALE)
)
def change_mechanism(
    *,
    mechanism_id: str,
    change: MechanismChange,
    expected: IfMatch,
    actor: Editor,
    session: WriteSession,
    response: Response,
) -> Mechanism:
    """Change it, until an experiment that uses it has started."""
    return tagged(response, registry.change(session, actor, mechanism_id, expected, change))


@hypotheses.post("", status_code=201, responses=problems(HypothesisRefused))
def draft_hypothesis(
    draft: HypothesisDraft, actor: Editor, session: WriteSession, response: Response
) -> Hypothesis:
    """Draft a hypothesis; the metric versions are pinned now."""
    made = service.create(session, actor, draft)
    response.headers["Location"] = f"/v1/hypotheses/{made.value.id}"
    return tagged(response, made)


@hypotheses.get("")
def list_hypotheses(
    *,
    _: CurrentActor,
    session: ReadSession,
    pages: PageQuery,
    state: HypothesisState | None = None,
    team: Annotated[str | None, Query(max_length=200)] = None,
    cpi: IdFilter = None,
    kpi: IdFilter = None,
) -> Page[Hypothesis]:
    """Oldest first."""
    found = service.find(session, Filter(state=state, team=team, cpi=cpi, kpi=kpi), pages)
    return pages.answer(found.items, found.next)


@hypotheses.get("/templates")
def list_hypothesis_templates(_: CurrentActor) -> Sequence[HypothesisTemplate]:
    """CPI→KPI pairs that the examples of others suggest, by function."""
    return templates()


@hypotheses.get("/{hypothesis_id}", responses=_NO_HYPOTHESIS)
def get_hypothesis(
    hypothesis_id: str, _: CurrentActor, session: ReadSession, response: Response
) -> Hypothesis:
    """As it stands, with its amendments."""
    return tagged(response, service.get(session, hypothesis_id))


@hypotheses.get("/{hypothesis_id}/versions", responses=_NO_HYPOTHESIS)
def list_hypothesis_versions(
    hypothesis_id: str, _: CurrentActor, session: ReadSession
) -> Sequence[HypothesisVersion]:
    """Every registered version with the text that its hash is of."""
    return service.versions(session, hypothesis_id)


@hypotheses.patch("/{hypothesis_id}", responses=_CHANGING)
def change_hypothesis(
    *,
    hypothesis_id: str,
    change: HypothesisChange,
    expected: IfMatch,
    actor: Editor,
    session: WriteSession,
    response: Response,
) -> Hypothesis:
    """Change a draft; what is registered is amended instead."""
    return tagged(response, service.change(session, actor, hypothesis_id, expected, change))


@hypotheses.post("/{hypothesis_id}:register", responses=_CHANGING)
def register_hypothesis(
    hypothesis_id: str, expected: IfMatch, actor: Editor, session: WriteSession, response: Response
) -> Hypothesis:
    """Freeze it: canonical JSON, SHA-256, author and time."""
    return tagged(response, service.register(session, actor, hypothesis_id, expected))


@hypotheses.post("/{hypothesis_id}:amend", responses=_AMENDING)
def amend_hypothesis(
    *,
    hypothesis_id: str,
    amendment: AmendmentDraft,
    expected: IfMatch,
    actor: Editor,
    session: WriteSession,
    response: Response,
) -> Hypothesis:
    """Register a new version beside the old one, with the reason for it."""
    return tagged(response, service.amend(session, actor, hypothesis_id, expected, amendment))
