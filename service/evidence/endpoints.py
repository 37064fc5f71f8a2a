"""The doors to what experiments have said of a hypothesis, and to what was concluded."""

from service.access import CurrentActor
from service.evidence import explorations, service
from service.evidence.documents import LookDocument, ReasonDocument
from service.evidence.explorations import ExplorationView
from service.evidence.schemas import Awaited, EvidenceView, VerdictHistory, VerdictView
from service.evidence.verdict_looks import by_verdict, looks
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import HypothesisNotRegistered
from service.hypotheses.stored import HypothesisNotFound
from service.kit.http import Page, PageQuery, ReadSession, router
from service.kit.problems import problems

evidence = router("/v1/hypotheses", ["evidence"])

_MISSING = problems(HypothesisNotFound, HypothesisNotRegistered)


@evidence.get("/{hypothesis_id}/evidence", responses=_MISSING)
def list_evidence(
    hypothesis_id: str, session: ReadSession, _: CurrentActor, query: PageQuery
) -> Page[EvidenceView]:
    """What each final run said, the newest first; `counts` marks the one that counts for its experiment."""
    hypothesis = hypotheses.get_registered(session, hypothesis_id)
    found = service.evidence(session, hypothesis.id, query)
    counting = service.counting_runs(session, hypothesis)
    items = [EvidenceView.of(row, counts=row.run_id in counting) for row in found.items]
    return query.answer(items, found.next)


@evidence.get("/{hypothesis_id}/verdict", responses=_MISSING)
def get_verdict(
    hypothesis_id: str, session: ReadSession, _: CurrentActor, query: PageQuery
) -> VerdictHistory:
    """The latest verdict, a page of all so far, and the experiments that the next one waits for."""
    hypothesis = hypotheses.get_registered(session, hypothesis_id)
    taken = looks(session, hypothesis.id)
    of = by_verdict(taken)
    latest, found = (
        service.latest_verdict(session, hypothesis.id),
        service.verdict_page(session, hypothesis.id, query),
    )
    history = query.answer([VerdictView.of(row, of.get(row.id)) for row in found.items], found.next)
    return VerdictHistory(
        hypothesis_id=hypothesis.id,
        statement=hypothesis.statement,
        latest=None if latest is None else VerdictView.of(latest, of.get(latest.id)),
        history=tuple(history.items),
        next=history.next,
        missing_now=tuple(
            Awaited(
                experiment_id=one.experiment_id,
                name=one.name,
                run_id=one.run_id,
                reason=ReasonDocument(code=one.why.code, text=one.why.text),
            )
            for one in service.unreported(session, hypothesis)
        ),
        amendments=hypothesis.amendments,
        last_look=LookDocument.of_row(taken[0]) if taken else None,
    )


@evidence.get("/{hypothesis_id}/exploration", responses=_MISSING)
def get_exploration(hypothesis_id: str, session: ReadSession, _: CurrentActor) -> ExplorationView:
    """What the data say past the latest verdict. Exploratory and for steering: it confirms nothing."""
    return explorations.latest(session, hypotheses.get_registered(session, hypothesis_id))
