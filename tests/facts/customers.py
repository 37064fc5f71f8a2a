"""Who is who, in plain Python: the links followed one at a time, and the reference over customers."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.facts.query.answer import UnitState
from service.facts.query.question import MomentsQuery
from tests.facts.reference import Assigned, Happened, in_time, reference


@dataclass(frozen=True)
class Link:
    namespace: str
    id: str
    unit: str
    time: datetime

    @property
    def names(self) -> str:
        return self.id if self.namespace == "unit" else f"{self.namespace}:{self.id}"


def customers(links: Sequence[Link], as_of: datetime) -> Mapping[str, str]:
    """By what name each linked id goes."""
    beside, units = defaultdict(set), set()
    for link in links:
        if link.time < as_of and link.unit != link.names:
            beside[link.unit].add(link.names)
            beside[link.names].add(link.unit)
            units.add(link.unit)
    found: dict[str, str] = {}
    for start in beside:
        if start in found:
            continue
        reached, waiting = {start}, [start]
        while waiting:
            fresh = beside[waiting.pop()] - reached
            reached |= fresh
            waiting += fresh
        name = min(reached & units, key=str.encode)
        found |= dict.fromkeys(reached, name)
    return found


def reference_of_customers(
    links: Sequence[Link],
    assigned: Sequence[Assigned],
    happened: Sequence[Happened],
    query: MomentsQuery,
):
    """The reference, every fact under its customer's name; who is in two arms by links alone, apart."""
    known = customers(links, query.as_of)
    ours = [replace(one, unit=known.get(one.unit, one.unit)) for one in assigned]
    theirs = [replace(one, unit=known.get(one.unit, one.unit)) for one in happened]
    rows, counts = reference(ours, theirs, query)
    arms_of: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    early = [one for one in assigned if one.time < query.as_of and one.experiment == query.experiment]
    for one in in_time(early, query):
        arms_of[known.get(one.unit, one.unit)][one.unit].add(one.arm)
    several = [members for members in arms_of.values() if len(set().union(*members.values())) > 1]
    merged = sum(all(len(arms) == 1 for arms in members.values()) for members in several)
    told = Counter({key: n for key, n in counts.items() if key[0] is not UnitState.MULTIPLE_ARMS})
    return rows, told, {UnitState.MULTIPLE_ARMS: len(several) - merged, UnitState.MERGED_ACROSS_ARMS: merged}
