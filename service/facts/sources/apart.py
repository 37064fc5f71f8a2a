"""Which metrics can an engine not answer? It is asked for the others all the same, and these say why."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from service.facts.query.question import MomentsQuery
from service.facts.sources.secrets import SourceUnusable

ENOUGH = 3  # metrics


class ValuesUnreadable(SourceUnusable):
    """The source was read, and something in what is asked of it cannot be computed: one metric's, perhaps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart[R]:
    """What was answered, to which question, and by metric why the others were not asked in it."""

    answer: R
    query: MomentsQuery
    refused: dict[str, str]


def apart[R](query: MomentsQuery, ask: Callable[[MomentsQuery], R], failure: type[Exception]) -> Apart[R]:
    """All metrics at once; where that fails, by halves, and once more all that did not fail.

    A failure that is none of one metric's own (they all fail, or none does alone) is the question's.
    """
    try:
        return Apart(answer=ask(query), query=query, refused={})
    except failure as error:
        first = error
    refs = [ref for ref, _ in query.metrics]
    found = _Found()
    _halved(query, refs, ask, failure, found)
    if not 0 < len(found.refused) < len(refs) or found.hopeless:
        raise first  # outside, so that no cause is kept
    left = _only(query, [ref for ref in refs if ref not in found.refused])
    return Apart(answer=ask(left), query=left, refused=found.refused)


@dataclass(slots=True)
class _Found:
    refused: dict[str, str] = field(default_factory=dict)
    answered: bool = False

    @property
    def hopeless(self) -> bool:
        """Each question costs a scan that somebody pays: some metrics refused and none answered is enough."""
        return not self.answered and len(self.refused) >= ENOUGH


def _halved[R](
    query: MomentsQuery,
    refs: list[str],
    ask: Callable[[MomentsQuery], R],
    failure: type[Exception],
    found: _Found,
) -> None:
    """Metrics that failed together, asked by halves until a failure is one metric's."""
    for some in (refs[: len(refs) // 2], refs[len(refs) // 2 :]):
        if not some or found.hopeless or len(refs) < 2:
            return
        try:
            ask(_only(query, some))
            found.answered = True
        except failure as error:
            if len(some) == 1:
                found.refused[some[0]] = str(error)
            else:
                _halved(query, some, ask, failure, found)


def _only(query: MomentsQuery, refs: list[str]) -> MomentsQuery:
    """Units are waited for as long as in the whole question, so that the same ones are analysed."""
    chosen = tuple((ref, definition) for ref, definition in query.metrics if ref in refs)
    over_days = tuple(ref for ref in query.over_days if ref in refs)
    return replace(query, metrics=chosen, horizon=query.closes_after, over_days=over_days)
