"""Which metrics can an engine not answer? It is asked for the others all the same, and these say why."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from service.facts.query.question import MomentsQuery
from service.facts.sources.secrets import SourceUnusable


class ValuesUnreadable(SourceUnusable):
    """The source was read, and something in what is asked of it cannot be computed: one metric's, perhaps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart[R]:
    """What was answered, to which question, and by metric why the others were not asked in it."""

    answer: R
    query: MomentsQuery
    refused: dict[str, str]


def apart[R](query: MomentsQuery, ask: Callable[[MomentsQuery], R], failure: type[Exception]) -> Apart[R]:
    """All metrics at once; where that fails, each alone, and once more all that did not fail.

    A failure that is none of one metric's own (they all fail, or none does alone) is the question's.
    """
    try:
        return Apart(answer=ask(query), query=query, refused={})
    except failure as error:
        first = error
    refused = {} if len(query.metrics) < 2 else _alone(query, ask, failure)
    if not 0 < len(refused) < len(query.metrics):
        raise first  # outside, so that no cause is kept
    left = _only(query, [ref for ref, _ in query.metrics if ref not in refused])
    return Apart(answer=ask(left), query=left, refused=refused)


def _alone[R](
    query: MomentsQuery, ask: Callable[[MomentsQuery], R], failure: type[Exception]
) -> dict[str, str]:
    refused = {}
    for ref, _ in query.metrics:
        try:
            ask(_only(query, [ref]))
        except failure as error:
            refused[ref] = str(error)
    return refused


def _only(query: MomentsQuery, refs: list[str]) -> MomentsQuery:
    """Units are waited for as long as in the whole question, so that the same ones are analysed."""
    chosen = tuple((ref, definition) for ref, definition in query.metrics if ref in refs)
    return replace(query, metrics=chosen, horizon=query.closes_after)
