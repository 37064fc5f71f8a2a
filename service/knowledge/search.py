"""What do we know about this already?"""

from sqlalchemy.orm import Session

from service.knowledge.documents import everything
from service.knowledge.ranking import excerpt, rank
from service.knowledge.schemas import Hit, Hits, KnowledgeKind


def search(session: Session, query: str, *, kind: KnowledgeKind | None = None, limit: int = 50) -> Hits:
    """Whatever has every word of the query, the best first."""
    known = [one for one in everything(session) if kind is None or one.kind is kind]
    ranked = rank(query, [one.text for one in known])
    items = []
    for one in ranked[:limit]:
        found = known[one.place]
        items.append(
            Hit(
                kind=found.kind,
                id=found.id,
                subject=found.subject,
                title=found.text.title,
                excerpt=excerpt(query, found.text),
                score=round(one.score, 6),
                team=found.team,
                at=found.at,
            )
        )
    return Hits(found=len(ranked), items=tuple(items))
